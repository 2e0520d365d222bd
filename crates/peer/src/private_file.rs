//! Small files with secrets: written at once or not at all, readable by their owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// The file's bytes. What others may read is closed to them first, where the system knows such modes.
///
/// # Errors
/// Any the system gives; `FileTooLarge` beyond `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    close_to_others(&file, path);
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Writes the file, with its folder: a crash leaves the old content or the new one, never a part.
///
/// # Errors
/// Any the system gives; the old file is untouched then.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder)?;
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.tmp", std::process::id()));
    let draft = Path::new(&draft);
    let written = write_new(draft, bytes).and_then(|()| fs::rename(draft, path));
    if written.is_err() {
        // Nothing more can be done about a leftover draft, and the first error is the one to tell.
        let _ = fs::remove_file(draft);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, OWNER_ONLY);
    if path.exists() {
        // Left by a process of the same id that crashed: ours now.
        fs::remove_file(path)?;
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn close_to_others(file: &File, path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(meta) = file.metadata() else { return };
    if !meta.is_file() || meta.permissions().mode() & 0o077 == 0 {
        return;
    }
    match file.set_permissions(fs::Permissions::from_mode(OWNER_ONLY)) {
        Ok(()) => tracing::warn!("{} was open to others, now it is not", path.display()),
        Err(error) => tracing::warn!("{} is open to others: {error}", path.display()),
    }
}

#[cfg(not(unix))]
fn close_to_others(_: &File, _: &Path) {}

/// Read and write for the owner, nothing for anybody else.
#[cfg(unix)]
const OWNER_ONLY: u32 = 0o600;

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A fresh folder, removed with the value.
    pub(crate) struct TempDir(PathBuf);

    impl TempDir {
        pub(crate) fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let name = format!(
                "statemesh-test-{}-{}",
                std::process::id(),
                NEXT.fetch_add(1, Ordering::Relaxed)
            );
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub(crate) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for TempDir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn replaces_as_a_whole_and_leaves_no_draft() {
        let dir = TempDir::new();
        let path = dir.path().join("secret");
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(read(&path, 6).unwrap(), b"second");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn refuses_more_than_the_limit() {
        let dir = TempDir::new();
        let path = dir.path().join("secret");
        write(&path, b"second").unwrap();
        let error = read(&path, 5).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
