//! The folder that keeps the relay's key and certificate, so that its addresses stay the same over restarts.
//!
//! One running relay per folder: two peers under one key would each take the other for itself.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use statemesh::identity::{Identity, IdentityError};

/// A folder held by this process until dropped.
#[derive(Debug)]
pub struct DataDir {
    /// The relay's key.
    pub identity: Identity,
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the folder when it is missing, locks it, reads the key or makes one.
    ///
    /// # Errors
    /// [`DataDirError`]; an existing key is never touched.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let unusable = |reason| DataDirError::Unusable {
            path: path.to_owned(),
            reason,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(unusable)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK_FILE))
            .map_err(unusable)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => DataDirError::InUse(path.to_owned()),
            TryLockError::Error(reason) => unusable(reason),
        })?;
        let identity = Identity::load_or_create(&path.join(KEY_FILE))?;
        Ok(Self {
            identity,
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The folder cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// No permission, no space, or a file in its place: the user's to repair.
    #[error("cannot use the data folder {}: {reason}; make it writable for this user or name another one with --data-dir", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// Another relay runs with it.
    #[error("another relay is using the data folder {}; stop it, or give this one its own with --data-dir", .0.display())]
    InUse(PathBuf),
    /// The key file is unreadable or no key.
    #[error("{0}")]
    Key(#[from] IdentityError),
}

const KEY_FILE: &str = "relay.key";
const LOCK_FILE: &str = "relay.lock";

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// An empty folder, removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            let name = format!("statemesh-test-{:016x}", rand::random::<u64>());
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_key_stays_and_is_private() {
        let scratch = Scratch::new();
        let path = scratch.0.join("deep").join("er");
        let first = DataDir::open(&path).unwrap().identity.peer_id();
        assert_eq!(DataDir::open(&path).unwrap().identity.peer_id(), first);
        for (file, mode) in [(path.clone(), 0o700), (path.join(KEY_FILE), 0o600)] {
            let found = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode, "{}", file.display());
        }
    }

    #[test]
    fn one_relay_per_folder() {
        let scratch = Scratch::new();
        let held = DataDir::open(&scratch.0).unwrap();
        assert!(matches!(
            DataDir::open(&scratch.0),
            Err(DataDirError::InUse(_))
        ));
        drop(held);
        assert!(DataDir::open(&scratch.0).is_ok());
    }

    #[test]
    fn what_cannot_work_is_said() {
        let scratch = Scratch::new();
        std::fs::write(scratch.0.join("file"), "").unwrap();
        let error = DataDir::open(&scratch.0.join("file")).unwrap_err();
        assert!(error.to_string().contains("--data-dir"), "{error}");
        std::fs::write(scratch.0.join(KEY_FILE), "no key").unwrap();
        let error = DataDir::open(&scratch.0).unwrap_err();
        assert!(matches!(error, DataDirError::Key(_)), "{error}");
    }
}
