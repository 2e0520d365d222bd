//! Running other programs: from the root of the checkout, with our tools first on the PATH.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A command in the checkout, with the tool cache on the PATH and the shared target folder.
pub fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command
        .current_dir(workspace::root())
        .env("PATH", path())
        .env("CARGO_TARGET_DIR", workspace::target());
    command
}

/// Cargo, the same one that runs this task.
pub fn cargo<const N: usize>(args: [&str; N]) -> Command {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(args);
    cargo
}

/// PATH with our tools in front. An installed tool of the right version elsewhere is used too: nothing of ours is
/// installed then.
pub fn path() -> OsString {
    let ours = workspace::tools().join("bin");
    let given = env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(ours).chain(env::split_paths(&given));
    env::join_paths(all).unwrap_or(given)
}

/// Runs to the end; a failure names the command.
pub fn check(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    ended_well(command, status)
}

/// Runs to the end and hands every line of its output to `line`; a failure names the command.
pub fn check_lines(command: &mut Command, line: impl FnMut(&str)) -> Result<()> {
    command.stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    if let Some(stdout) = child.stdout.take() {
        each_line(stdout, line)?;
    }
    ended_well(command, child.wait()?)
}

/// Like [`check_lines`], with what it says on stderr among it.
pub fn check_all_lines(command: &mut Command, line: impl FnMut(&str)) -> Result<()> {
    let (reader, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let child = command
        .spawn()
        .with_context(|| format!("cannot start {}", shown(command)));
    // The end of what is read is when nobody can write any more, this program included.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child?;
    each_line(reader, line)?;
    ended_well(command, child.wait()?)
}

fn each_line(from: impl Read, mut line: impl FnMut(&str)) -> Result<()> {
    for text in BufReader::new(from).split(b'\n') {
        line(&String::from_utf8_lossy(
            &text.context("reading the output")?,
        ));
    }
    Ok(())
}

fn ended_well(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// What a program prints on stdout, or `None` when it is missing or fails.
pub fn output(command: &mut Command) -> Option<String> {
    let done = command.stderr(Stdio::null()).output().ok()?;
    done.status
        .success()
        .then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// The command as a person would type it.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
