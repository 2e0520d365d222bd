//! `cargo xtask test`: lint, then every test there is, then one summary. What `.ci/run` calls.
//!
//! A step that fails does not hide later ones, except those that cannot run without it: they fail too, and say why.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::bench::dashboard;
use crate::build;
use crate::cli::TestOptions;
use crate::command::{cargo, check_all_lines, command};
use crate::go::Go;
use crate::package;
use crate::packages::{self, BROWSERS};
use crate::relay::{self, AfterSignal, Echo, Relay};
use crate::small;
use crate::steps::{Counts, Report, Steps, beside};
use crate::tools::{self, BuildFolder, WASM};
use crate::workspace;

/// Marks tests that a step of its own runs: they are not skipped when the workspace's tests pass them by.
const OWN_STEP: &str = "ignored, interop";

/// Runs everything. Exit code 1 if anything failed.
pub fn test(options: TestOptions) -> Result<ExitCode> {
    relay::forward_signals(AfterSignal::Exit)?;
    let is_ci = options.ci || std::env::var("CI").is_ok_and(|value| value == "true");
    let mut steps = Steps::default();

    let packages = steps.run("system packages", |_| packages::ensure());
    let folder = BuildFolder::new();
    let page_tools = steps.run("build tools", |_| tools::ensure_page_tools(&folder));
    let deny = steps.run("cargo-deny", |_| tools::DENY.ensure(&folder));
    drop(folder);

    let no_tools = "no build tools";
    let (mut programs, mut package, mut product, mut go) = (false, false, false, None);
    // Each side has stretches in which one processor is all it can use.
    let checks = |steps: &mut Steps| {
        lint(steps, deny);
        programs = steps.run("test programs", |report| {
            report.check(workspace_tests().arg("--no-run"))
        });
    };
    let builds = |steps: &mut Steps| {
        let page = require(steps, "page", page_tools, no_tools, |report| {
            build::build_page(report)
        });
        package = require(steps, "npm package", page_tools, no_tools, |report| {
            package::build_package(report)
        });
        // Without a page the relay still builds; what needs both says so.
        let relay = steps.run("relay", build::build_relay);
        product = page && relay;
        go = go_peers(steps, is_ci);
    };
    beside(&mut steps, ("check | ", checks), ("build | ", builds));
    let gopeer = go.as_ref().map(|go| go.peer.as_path());

    // Browsers wait for most of their time, and so do Go peers.
    let native = |steps: &mut Steps| {
        let reason = "the test programs do not compile";
        require(steps, "tests", programs, reason, |report| {
            counted(select(&mut workspace_tests(), options), report)
        });
        require(steps, "core, wasm32", page_tools, no_tools, core_tests);
        go_tests(steps, go.as_ref(), is_ci);
    };
    let in_browsers = |steps: &mut Steps| {
        let browser = product && package && packages;
        let missing = "no page, package, relay or browser";
        require(steps, "browser tests", browser, missing, browser_tests);
        require(steps, "end to end", browser, missing, |report| {
            let options = TestOptions {
                ci: is_ci,
                ..options
            };
            end_to_end(gopeer, options, report)
        });
    };
    beside(
        &mut steps,
        ("native  | ", native),
        ("browser | ", in_browsers),
    );

    Ok(if steps.summarise() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Formatting, lints on both targets, licences, the library without its mesh.
fn lint(steps: &mut Steps, deny: bool) {
    steps.run("fmt", |report| {
        report.check(&mut cargo(["fmt", "--all", "--check"]))
    });
    steps.run("clippy", |report| {
        let mut clippy = cargo(["clippy", "--locked", "--workspace", "--all-targets"]);
        report.check(clippy.args(DENY_WARNINGS))
    });
    // Path dependencies are linted too: core and peer, as the browser compiles them.
    steps.run("clippy, browser", |report| {
        let mut clippy = cargo(["clippy", "--locked", "--package", "statemesh-web"]);
        clippy.args(["--all-targets", "--target", WASM]);
        report.check(clippy.args(DENY_WARNINGS))
    });
    // As the page is built, without what only other pages import.
    steps.run("clippy, page", |report| {
        let mut clippy = cargo(["clippy", "--locked", "--package", "statemesh-web"]);
        clippy.args(["--no-default-features", "--bins", "--target", WASM]);
        report.check(clippy.args(DENY_WARNINGS))
    });
    steps.run("clippy, no features", |report| {
        let mut clippy = cargo(["clippy", "--locked", "--package", "statemesh"]);
        report.check(clippy.arg("--no-default-features").args(DENY_WARNINGS))
    });
    // A workspace of its own, which else nobody would notice not to compile any more.
    steps.run("clippy, fuzz", |report| {
        let mut clippy = cargo(["clippy", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
        report.check(clippy.args(DENY_WARNINGS))
    });
    require(steps, "deny", deny, "no cargo-deny", |report| {
        report.check(&mut cargo([
            "deny", "--locked", "check", "licenses", "bans", "sources",
        ]))
    });
}

const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

/// Runs a step if its condition holds, else fails it with the reason.
fn require(
    steps: &mut Steps,
    name: &str,
    condition: bool,
    reason: &str,
    step: impl FnOnce(&mut Report) -> Result<()>,
) -> bool {
    steps.run_counted(name, |report| {
        if !condition {
            bail!("not run: {reason}");
        }
        step(report)
    })
}

/// All native tests; the layer, module-doc and length checks are among them.
fn workspace_tests() -> Command {
    cargo(["test", "--locked", "--workspace", "--no-fail-fast"])
}

fn select(test: &mut Command, options: TestOptions) -> &mut Command {
    if options.slow {
        test.args(["--", "--include-ignored", "--skip", "interop_"]);
    }
    test
}

/// The engine answers in wasm as it does natively: one hash over all it says.
fn core_tests(report: &mut Report) -> Result<()> {
    let mut test = cargo(["test", "--locked", "--package", "statemesh-core"]);
    test.args(["--target", WASM, "--test", "one_hash"]);
    counted(&mut test, report)
}

/// Go peers of two releases, built.
struct GoPeers {
    /// Of v0.13.0, which learns and is learned.
    peer: PathBuf,
    /// Of v0.19.1, which only listens.
    observer: PathBuf,
}

/// Builds the Go peers; without Go that is skipped here and a failure on a build machine.
fn go_peers(steps: &mut Steps, is_ci: bool) -> Option<GoPeers> {
    const NAME: &str = "Go peers";
    match Go::find_or_fetch() {
        Ok(go) => {
            let mut built = None;
            steps.run(NAME, |report| {
                let (peer, observer) = (go.build_peer(report)?, go.build_observer(report)?);
                built = Some(GoPeers { peer, observer });
                Ok(())
            });
            built
        }
        Err(error) if is_ci => {
            steps.run(NAME, |_| Err(error));
            None
        }
        Err(error) => {
            steps.skip(NAME, &format!("{error:#}"));
            None
        }
    }
}

fn go_tests(steps: &mut Steps, go: Option<&GoPeers>, is_ci: bool) {
    const NAME: &str = "Go interop";
    let Some(go) = go else {
        if is_ci {
            steps.run(NAME, |_| bail!("not run: no Go peers"));
        } else {
            steps.skip(NAME, "no Go peers");
        }
        return;
    };
    steps.run_counted(NAME, |report| {
        // The same selection as for all tests: another one has other features, and compiles everything again.
        let mut test = workspace_tests();
        test.args(["--", "--ignored", "interop_"])
            .env("STATEMESH_GOPEER", &go.peer)
            .env("STATEMESH_GO_OBSERVER", &go.observer);
        counted(&mut test, report)?;
        if report.counts.passed == 0 {
            bail!("no interop test was found");
        }
        Ok(())
    });
}

/// The browser peer in Chromium, against a relay of ours.
fn browser_tests(report: &mut Report) -> Result<()> {
    let program = build::relay_program();
    let port = test_port()?;
    let mut args = vec!["--http".to_owned(), format!("127.0.0.1:{port}")];
    args.extend(FREE_PORTS.map(str::to_owned));
    let data = workspace::target().join("browser-tests-relay");
    args.extend([
        "--data-dir".to_owned(),
        data.to_string_lossy().into_owned(),
        "--demo".to_owned(),
    ]);
    let relay = Relay::start(&program, &args, Echo::Hidden)?;
    let mut test = cargo(["test", "--locked", "--package", "statemesh-web"]);
    test.args(["--target", WASM])
        .env("STATEMESH_TEST_RELAY", format!("http://127.0.0.1:{port}"))
        // The defaults, 20 s for the run and 5 s for the driver, are too short on a busy machine.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "300")
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60");
    let done = counted(&mut test, report);
    done.and(relay.stop())
}

/// Listeners of a relay for tests: whatever ports are free.
const FREE_PORTS: [&str; 6] = [
    "--listen",
    "/ip4/127.0.0.1/udp/0/quic-v1",
    "--listen",
    "/ip4/127.0.0.1/tcp/0",
    "--listen",
    "/ip4/127.0.0.1/udp/0/webrtc-direct",
];

/// A free port, the same in most runs: it is compiled into the browser tests, and a new one compiles them again.
fn test_port() -> Result<u16> {
    /// What the tests fall back to when nobody names a relay.
    const DEFAULT: u16 = 8_799;
    std::iter::once(DEFAULT)
        .chain(18_700..18_800)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no free port for the relay of the browser tests")
}

/// The release page in a whole browser.
fn end_to_end(gopeer: Option<&Path>, options: TestOptions, report: &mut Report) -> Result<()> {
    report.check(command("npm").args(["ci", "--no-audit", "--no-fund", "--prefix", "e2e"]))?;
    let mut test = command("npm");
    test.args(["test", "--prefix", "e2e"]);
    end_to_end_environment(&mut test, gopeer);
    if options.ci {
        test.env("CI", "true");
    }
    if options.slow {
        dashboard::make_recordings()?;
        dashboard::name_recordings(&mut test);
        test.env("STATEMESH_SLOW", "true");
    }
    check_all_lines(&mut test, |line| {
        count_playwright(line, &mut report.counts);
        report.say(line);
    })
}

/// What the browser tests and benches need to know: the programs they start.
pub fn end_to_end_environment(command: &mut Command, gopeer: Option<&Path>) {
    let is_small = small::is_possible();
    command
        .env("STATEMESH_RELAY", build::relay_program())
        .env("STATEMESH_PACKAGE", package::folder())
        .env(
            "STATEMESH_SCRIPTED",
            workspace::built("release").join("examples/scripted"),
        )
        .env(
            "STATEMESH_HOSTILE",
            workspace::built("release").join("examples/hostile"),
        )
        .env("STATEMESH_SMALL", is_small.to_string())
        .env_remove("NO_COLOR");
    if let Some(browser) = tools::first_of(&BROWSERS).and_then(|name| tools::file_of(&name)) {
        command.env("STATEMESH_BROWSER", browser);
    }
    if let Some(gopeer) = gopeer {
        command.env("STATEMESH_GOPEER", gopeer);
    }
}

/// Runs tests of cargo and adds up what each test program says.
fn counted(command: &mut Command, report: &mut Report) -> Result<()> {
    check_all_lines(command, |line| {
        count_libtest(line, &mut report.counts);
        report.say(line);
    })
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`
fn count_libtest(line: &str, counts: &mut Counts) {
    if line.contains(OWN_STEP) {
        counts.skipped = counts.skipped.wrapping_sub(1);
    }
    let Some((_, result)) = line.split_once("test result: ") else {
        return;
    };
    for part in result.split([';', '.']) {
        let mut words = part.split_whitespace();
        let (Some(Ok(number)), Some(word)) = (words.next().map(str::parse::<u64>), words.next())
        else {
            continue;
        };
        match word {
            "passed" => counts.passed += number,
            "failed" => counts.failed += number,
            "ignored" => counts.skipped = counts.skipped.wrapping_add(number),
            _ => {}
        }
    }
}

/// `  3 passed (12.1s)`, `  1 failed`, `  2 skipped`
fn count_playwright(line: &str, counts: &mut Counts) {
    let mut words = line.split_whitespace();
    let (Some(Ok(number)), Some(word)) = (words.next().map(str::parse::<u64>), words.next()) else {
        return;
    };
    match (word, words.next().is_none_or(|rest| rest.starts_with('('))) {
        ("passed", true) => counts.passed += number,
        ("failed" | "flaky", true) => counts.failed += number,
        ("skipped", true) => counts.skipped += number,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{count_libtest, count_playwright};
    use crate::steps::Counts;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts {
            passed,
            failed,
            skipped,
        }
    }

    #[test]
    fn results_of_test_programs_add_up() {
        let mut found = Counts::default();
        for line in [
            "test go_learns ... ignored, interop: needs STATEMESH_GOPEER",
            "test long ... ignored, slow",
            "test result: ok. 3 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.31s",
            "test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 filtered out",
            "running 3 tests",
        ] {
            count_libtest(line, &mut found);
        }
        assert_eq!(found, counts(7, 1, 1));
    }

    #[test]
    fn results_of_browser_tests_add_up() {
        let mut found = Counts::default();
        for line in [
            "Running 9 tests using 1 worker",
            "  ✓  1 a.spec.mjs:3:1 › 2 passed things (1.0s)",
            "  1 failed",
            "  2 skipped",
            "  6 passed (31.2s)",
            "  1 passed the ball",
        ] {
            count_playwright(line, &mut found);
        }
        assert_eq!(found, counts(6, 1, 2));
    }
}
