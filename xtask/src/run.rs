//! `cargo xtask run`: from a bare checkout to a page with live machines, in one line and without root.

use std::process::{ExitCode, ExitStatus};

use anyhow::Result;

use crate::build;
use crate::claim::Claim;
use crate::relay::{About, AfterSignal, Echo, EndedEarly, Relay, forward_signals};
use crate::steps::Steps;
use crate::workspace;

/// Our own flag: every other one is the relay's.
const NO_DEMO: &str = "--no-demo";

/// Builds, starts, says where to look, and stays until the relay ends.
pub fn run(relay_args: &[String], building: Claim) -> Result<ExitCode> {
    forward_signals(AfterSignal::Wait)?;
    let mut steps = Steps::default();
    let Some(program) = build::build_all(&mut steps) else {
        steps.summarise();
        return Ok(ExitCode::FAILURE);
    };

    drop(building);

    println!("\n== relay");
    let mut relay = match Relay::start(&program, &demo_by_default(relay_args), Echo::Shown) {
        Ok(relay) => relay,
        // It has said why: a taken port, an unknown flag, a topic with spaces, or `--help`.
        Err(error) => match error.downcast_ref::<EndedEarly>() {
            Some(EndedEarly(status)) => return Ok(exit_code(*status)),
            None => return Err(error),
        },
    };
    println!("{}", invitation(relay.authority(), &relay.about()?));

    Ok(exit_code(relay.wait()?))
}

/// The relay's own exit code; 1 if a signal ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

fn demo_by_default(given: &[String]) -> Vec<String> {
    let mut args: Vec<String> = given
        .iter()
        .filter(|arg| *arg != NO_DEMO)
        .cloned()
        .collect();
    let wanted = args.len() == given.len();
    if wanted && !args.iter().any(|arg| arg == "--demo") {
        args.push("--demo".to_owned());
    }
    args
}

/// The page's address and three lines to paste.
fn invitation(authority: &str, about: &About) -> String {
    let topic = shell_quoted(&about.topic);
    let port = authority
        .rsplit_once(':')
        .map_or(authority, |(_, port)| port);
    // The same target folder, so that nothing is compiled twice.
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(_) => String::new(),
        None => format!(
            "CARGO_TARGET_DIR={} ",
            shell_quoted(&workspace::target().to_string_lossy())
        ),
    };
    let join = match about.quic() {
        Some(address) => format!(
            "Join from Rust:\n  {target}cargo run --release -p statemesh --example hello -- {address} {topic}\n\
             Join from Go (1.25 or newer):\n  go -C interop run . -topic {topic} -connect {address} -every 2s\n"
        ),
        None => "The relay listens on no QUIC address: other peers cannot join.\n".to_owned(),
    };
    format!(
        "\nThe page:\nhttp://{authority}/\n\n{join}\
         Open from another host, there:\n  ssh -N -L {port}:{authority} {user}@{host}\n\
         Stop: Ctrl-C\n",
        user = std::env::var("USER").unwrap_or_else(|_| "user".to_owned()),
        host = hostname(),
    )
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this-host".to_owned())
}

fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{demo_by_default, invitation, shell_quoted};
    use crate::relay::About;

    #[test]
    fn demo_machines_run_unless_declined() {
        let check = |given: &[&str], expected: &[&str]| {
            let given: Vec<String> = given.iter().map(|arg| (*arg).to_owned()).collect();
            assert_eq!(demo_by_default(&given), expected);
        };
        check(&[], &["--demo"]);
        check(&["--topic", "t"], &["--topic", "t", "--demo"]);
        check(&["--demo"], &["--demo"]);
        check(&["--no-demo", "--topic", "t"], &["--topic", "t"]);
    }

    #[test]
    fn the_page_stands_on_its_own_line() {
        let about = About {
            topic: "two words".to_owned(),
            addresses: vec![
                "/ip4/127.0.0.1/tcp/8700/ws/p2p/X".to_owned(),
                "/ip4/127.0.0.1/udp/8701/quic-v1/p2p/X".to_owned(),
            ],
        };
        let text = invitation("127.0.0.1:8700", &about);
        assert!(text.lines().any(|line| line == "http://127.0.0.1:8700/"));
        assert!(text.contains("-topic 'two words' -connect /ip4/127.0.0.1/udp/8701/quic-v1/p2p/X"));
        assert!(text.contains("-L 8700:127.0.0.1:8700 "));
    }

    #[test]
    fn shell_words_stay_one_word() {
        assert_eq!(shell_quoted("mesh"), "mesh");
        assert_eq!(shell_quoted(""), "''");
        assert_eq!(shell_quoted("a'b $c"), r"'a'\''b $c'");
    }
}
