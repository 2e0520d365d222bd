//! Key of a peer: from a file or fresh.
//!
//! The file holds libp2p's protobuf form of an Ed25519 key pair, readable by its owner alone.

#[cfg(not(target_arch = "wasm32"))]
use std::io;
#[cfg(not(target_arch = "wasm32"))]
use std::path::{Path, PathBuf};

use libp2p::identity::Keypair;

#[cfg(not(target_arch = "wasm32"))]
use crate::private_file;

/// The key pair of a peer.
#[derive(Clone)]
pub struct Identity {
    pub(crate) keypair: Keypair,
}

impl Identity {
    /// A fresh Ed25519 key, gone with the process.
    #[must_use]
    pub fn generate() -> Self {
        Self {
            keypair: Keypair::generate_ed25519(),
        }
    }

    /// The key kept in this file. When there is none yet, a fresh key is written there, with its folder, for its
    /// owner's eyes only (mode 0600).
    ///
    /// # Errors
    /// [`IdentityError`]; a file that is there is never overwritten.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load_or_create(path: &Path) -> Result<Self, IdentityError> {
        match private_file::read(path, MAX_KEY_FILE) {
            Ok(bytes) => {
                let keypair = Keypair::from_protobuf_encoding(&bytes)
                    .map_err(|_| IdentityError::NotAKey(path.to_owned()))?;
                Ok(Self { keypair })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let identity = Self::generate();
                identity.write(path)?;
                Ok(identity)
            }
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(IdentityError::NotAKey(path.to_owned()))
            }
            Err(reason) => Err(IdentityError::Unreadable {
                path: path.to_owned(),
                reason,
            }),
        }
    }

    /// The key pair as bytes: libp2p's protobuf form, as in key files. Whoever has them is this peer.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Fails only for keys of kinds that this type never holds.
        self.keypair.to_protobuf_encoding().unwrap_or_default()
    }

    /// From such bytes; `None`: they hold no Ed25519 key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let keypair = Keypair::from_protobuf_encoding(bytes).ok()?;
        Some(Self { keypair })
    }

    /// Own peer id.
    #[must_use]
    pub fn peer_id(&self) -> crate::PeerId {
        crate::transport::core_id(&self.keypair.public().to_peer_id())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn write(&self, path: &Path) -> Result<(), IdentityError> {
        let unwritable = |reason| IdentityError::Unwritable {
            path: path.to_owned(),
            reason,
        };
        let bytes = self
            .keypair
            .to_protobuf_encoding()
            .map_err(|error| unwritable(io::Error::other(error)))?;
        private_file::write(path, &bytes).map_err(unwritable)
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the key itself.
        f.debug_tuple("Identity").field(&self.peer_id()).finish()
    }
}

/// A key file could not be used. Nothing was changed.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file is there but cannot be read: the user's to repair.
    #[error("cannot read the key file {}: {reason}; make it readable for this user or name another data folder", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// The file holds something else: the user's to repair.
    #[error("{} holds no Ed25519 key; move it away to get a fresh identity (peers will know this one no more)", .0.display())]
    NotAKey(PathBuf),
    /// There was no file and none could be written: the user's to repair.
    #[error("cannot write the key file {}: {reason}; make its folder writable for this user or name another data folder", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
}

/// An Ed25519 key pair takes 68 bytes; anything much longer is something else.
#[cfg(not(target_arch = "wasm32"))]
const MAX_KEY_FILE: u64 = 1024;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::private_file::tests::TempDir;

    #[test]
    fn a_key_survives_and_only_its_owner_reads_it() {
        let dir = TempDir::new();
        let path = dir.path().join("deep/er/identity.key");
        let first = Identity::load_or_create(&path).unwrap();
        let second = Identity::load_or_create(&path).unwrap();
        assert_eq!(first.peer_id(), second.peer_id());
        assert_ne!(first.peer_id(), Identity::generate().peer_id());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_could_read_is_closed() {
        use std::os::unix::fs::PermissionsExt;
        let dir = TempDir::new();
        let path = dir.path().join("identity.key");
        let first = Identity::load_or_create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let second = Identity::load_or_create(&path).unwrap();
        assert_eq!(first.peer_id(), second.peer_id());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_key_is_refused_and_kept() {
        let dir = TempDir::new();
        let path = dir.path().join("identity.key");
        for content in [
            b"".to_vec(),
            b"not a key".to_vec(),
            vec![8, 1, 18, 64],
            vec![0; 100_000],
        ] {
            std::fs::write(&path, &content).unwrap();
            let error = Identity::load_or_create(&path).unwrap_err();
            assert!(matches!(error, IdentityError::NotAKey(_)), "{error:?}");
            assert!(error.to_string().contains("move it away"));
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_folder_in_place_of_the_file_is_unreadable() {
        let dir = TempDir::new();
        let error = Identity::load_or_create(dir.path()).unwrap_err();
        assert!(
            matches!(error, IdentityError::Unreadable { .. }),
            "{error:?}"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_unwritable_or_unreadable() {
        let dir = TempDir::new();
        let file = dir.path().join("file");
        std::fs::write(&file, b"x").unwrap();
        let error = Identity::load_or_create(&file.join("identity.key")).unwrap_err();
        assert!(error.to_string().contains("another data folder"), "{error}");
    }

    #[test]
    fn a_key_goes_through_bytes_and_nothing_else_is_one() {
        let identity = Identity::generate();
        let again = Identity::from_bytes(&identity.to_bytes());
        assert_eq!(again.map(|it| it.peer_id()), Some(identity.peer_id()));
        assert!(Identity::from_bytes(b"").is_none() && Identity::from_bytes(b"key").is_none());
    }

    #[test]
    fn debug_hides_the_key() {
        let identity = Identity::generate();
        let text = format!("{identity:?}");
        assert_eq!(text, format!("Identity({:?})", identity.peer_id()));
    }
}
