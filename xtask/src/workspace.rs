//! Where things are: the checkout, the tool cache and the target folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The root of the checkout this binary was built from.
pub fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map(Path::to_path_buf).unwrap_or(manifest)
}

/// The project's cache, shared by all checkouts of a user.
pub fn cache() -> PathBuf {
    let base = match env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => env::home_dir().unwrap_or_else(root).join(".cache"),
    };
    base.join("statemesh")
}

/// Where tools are installed.
pub fn tools() -> PathBuf {
    cache().join("tools")
}

/// Where cargo builds: what the environment says, else a folder that all checkouts share, else the checkout's own.
pub fn target() -> PathBuf {
    if let Some(dir) = env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
        return root().join(dir);
    }
    let shared = cache().join("target");
    if fs::create_dir_all(&shared).is_ok() && is_writable(&shared) {
        shared
    } else {
        root().join("target")
    }
}

/// Trying is the only portable test.
fn is_writable(dir: &Path) -> bool {
    let probe = dir.join(format!(".probe-{}", std::process::id()));
    let written = fs::write(&probe, b"").is_ok();
    let _ = fs::remove_file(&probe);
    written
}

/// The folder of built programs of a profile.
pub fn built(profile: &str) -> PathBuf {
    target().join(profile)
}
