//! The shared target folder belongs to one checkout at a time.
//!
//! Cargo tells by times of change whether a crate is up to date, and takes the crates of two checkouts for the same: in a
//! shared folder it would give one checkout what was compiled from the other. So a checkout that comes to a folder which
//! another used last makes cargo compile the project's own crates anew; what they depend on stays.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace;

/// Which checkout compiled here last, and the lock on it.
const FILE: &str = ".checkout";

/// While it lives, no other checkout builds in the target folder; tasks of the same one may.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
}

impl Claim {
    /// Waits for tasks of other checkouts.
    pub fn new() -> Result<Self> {
        Self::of(&workspace::target(), &workspace::root())
    }

    fn of(target: &Path, checkout: &Path) -> Result<Self> {
        fs::create_dir_all(target).with_context(|| format!("making {}", target.display()))?;
        let path = target.join(FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        let ours = checkout.as_os_str().as_encoded_bytes();
        loop {
            file.lock_shared()?;
            let last = fs::read(&path)?;
            if last == ours {
                return Ok(Self { _lock: file });
            }
            file.unlock()?;
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                let other = String::from_utf8_lossy(&last);
                println!("waiting for what runs in the checkout {other}");
                file.lock()?;
            }
            if fs::read(&path)? != ours {
                forget_own_crates(target)?;
                file.set_len(0)?;
                file.write_all(ours)?;
            }
            file.unlock()?;
        }
    }
}

/// Makes cargo compile the project's crates anew, for every profile and platform.
fn forget_own_crates(target: &Path) -> Result<()> {
    for folder in subfolders(target)? {
        for profile in subfolders(&folder)?.into_iter().chain([folder]) {
            for of_crate in subfolders(&profile.join(".fingerprint"))? {
                if of_crate.file_name().is_some_and(is_own) {
                    fs::remove_dir_all(&of_crate)
                        .with_context(|| format!("removing {}", of_crate.display()))?;
                }
            }
        }
    }
    Ok(())
}

/// Whether a folder of fingerprints, as `statemesh-core-0123456789abcdef`, is of a crate of this project.
fn is_own(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("statemesh-") || name.starts_with("xtask-")
}

/// None when the folder is not there.
fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", folder.display()))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const OWN: &str = "debug/.fingerprint/statemesh-core-0123456789abcdef";
    const OWN_PAGE: &str = "wasm32-unknown-unknown/release/.fingerprint/xtask-0123456789abcdef";
    const FOREIGN: &str = "debug/.fingerprint/serde-0123456789abcdef";

    fn compiled(target: &Path) -> [bool; 3] {
        [OWN, OWN_PAGE, FOREIGN].map(|of_crate| target.join(of_crate).is_dir())
    }

    fn compile(target: &Path) {
        for of_crate in [OWN, OWN_PAGE, FOREIGN] {
            fs::create_dir_all(target.join(of_crate)).unwrap();
        }
    }

    #[test]
    fn another_checkout_compiles_its_own_crates() {
        let target = std::env::temp_dir().join(format!("statemesh-claim-{}", std::process::id()));
        let [one, other] = ["/src/one", "/src/other"].map(Path::new);

        drop(Claim::of(&target, one).unwrap());
        compile(&target);
        let claim = Claim::of(&target, one).unwrap();
        assert_eq!(compiled(&target), [true; 3]);
        // Tasks of one checkout do not wait for each other.
        drop(Claim::of(&target, one).unwrap());

        std::thread::scope(|scope| {
            let waits = scope.spawn(|| Claim::of(&target, other).map(drop));
            // What it waits for is not to be had, however long it has waited.
            let lock = File::open(target.join(FILE)).unwrap();
            assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
            assert_eq!(compiled(&target), [true; 3]);
            drop(claim);
            waits.join().unwrap().unwrap();
        });
        assert_eq!(compiled(&target), [false, false, true]);

        compile(&target);
        drop(Claim::of(&target, other).unwrap());
        assert_eq!(compiled(&target), [true; 3]);
        fs::remove_dir_all(&target).unwrap();
    }
}
