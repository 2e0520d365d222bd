//! System packages that the tests need: a browser, its driver, Node, and what makes the page smaller. Installed when we may, else named.

use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{check, output};
use crate::go;
use crate::tools::{first_of, has};

/// Oldest Node that the browser tests run on.
const NODE: u32 = 18;

/// Names under which systems ship the browser.
pub const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Checks for the packages, installs what is missing as root or with a sudo that does not ask, else says the command.
pub fn ensure() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        println!("   browser, driver, Node are there");
        return Ok(());
    }
    let list = missing.join(" ");
    let by_hand = format!("apt-get install -y --no-install-recommends {list}");
    let Some(privilege) = privilege() else {
        bail!("missing system packages, install them with: sudo {by_hand}");
    };
    println!("   installing {list}");
    let update = privilege.command(&["update", "--quiet"]);
    let install = privilege.command(&["install", "-y", "--no-install-recommends"]);
    check(&mut { update })?;
    check({ install }.args(&missing))?;
    let still = self::missing();
    if !still.is_empty() {
        bail!(
            "installed, but still missing or too old: {}; Node must be {NODE} or newer",
            still.join(" ")
        );
    }
    Ok(())
}

fn missing() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if first_of(&BROWSERS).is_none() {
        missing.push("chromium");
    }
    if first_of(&["chromedriver"]).is_none() {
        missing.push("chromium-driver");
    }
    let node = output(Command::new("node").arg("--version"))
        .and_then(|said| said.trim_start_matches('v').split('.').next()?.parse().ok());
    if node.is_none_or(|major: u32| major < NODE) {
        missing.push("nodejs");
    }
    if first_of(&["npm"]).is_none() {
        missing.push("npm");
    }
    // The page is within its budget without, by little.
    if !has("wasm-opt") {
        missing.push("binaryen");
    }
    if !go::is_reachable() {
        missing.push("python3-venv");
    }
    missing
}

/// How to become root without asking.
enum Privilege {
    Root,
    Sudo,
}

impl Privilege {
    fn command(&self, apt: &[&str]) -> Command {
        let mut command = match self {
            Self::Root => Command::new("apt-get"),
            Self::Sudo => {
                let mut sudo = Command::new("sudo");
                sudo.args(["-n", "apt-get"]);
                sudo
            }
        };
        command.env("DEBIAN_FRONTEND", "noninteractive").args(apt);
        command
    }
}

fn privilege() -> Option<Privilege> {
    first_of(&["apt-get"])?;
    if output(Command::new("id").arg("-u")).as_deref() == Some("0") {
        return Some(Privilege::Root);
    }
    output(Command::new("sudo").args(["-n", "true"])).map(|_| Privilege::Sudo)
}
