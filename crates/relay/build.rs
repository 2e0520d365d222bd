//! Makes the page ready to be embedded: creates `dist/` so that the relay compiles before the page was ever built,
//! rebuilds the relay when the page changes, and compresses the page for release builds.
//!
//! A debug build reads `dist/` from disk at run time and serves it as it is: precompressed copies would go stale
//! beside a running `trunk watch`.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// File types worth compressing; images and fonts are compressed already.
const COMPRESSIBLE: [&str; 8] = ["css", "html", "ico", "js", "json", "svg", "txt", "wasm"];
/// Best and slowest; runs once per build of the page.
const BROTLI_QUALITY: i32 = 11;
/// Brotli window of 4 MiB, more than the page has.
const BROTLI_WINDOW: i32 = 22;

fn main() -> io::Result<()> {
    let dist = PathBuf::from(variable("CARGO_MANIFEST_DIR")?)
        .join("..")
        .join("..")
        .join("dist");
    fs::create_dir_all(&dist)?;
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");

    let packed = PathBuf::from(variable("OUT_DIR")?).join("packed");
    if packed.exists() {
        fs::remove_dir_all(&packed)?;
    }
    fs::create_dir_all(&packed)?;
    if variable("PROFILE")? != "release" {
        return Ok(());
    }
    if !dist.join("index.html").exists() {
        println!(
            "cargo::warning=dist/ holds no page: `cargo xtask build` builds page and relay in the right order"
        );
    }
    pack_folder(&dist, &packed)
}

fn variable(name: &str) -> io::Result<OsString> {
    std::env::var_os(name).ok_or_else(|| io::Error::other(format!("cargo did not set {name}")))
}

/// Writes `NAME.br` and `NAME.gz` for every file that gets smaller by it.
fn pack_folder(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        if path.is_dir() {
            let folder = to.join(name);
            fs::create_dir_all(&folder)?;
            pack_folder(&path, &folder)?;
        } else if path
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| COMPRESSIBLE.contains(&extension))
        {
            let plain = fs::read(&path)?;
            write_if_smaller(&plain, &brotli(&plain)?, &to.join(name), "br")?;
            write_if_smaller(&plain, &gzip(&plain)?, &to.join(name), "gz")?;
        }
    }
    Ok(())
}

fn write_if_smaller(plain: &[u8], packed: &[u8], path: &Path, suffix: &str) -> io::Result<()> {
    if packed.len() >= plain.len() {
        return Ok(());
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    fs::write(name, packed)
}

fn brotli(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*plain, &mut packed, &parameters)?;
    Ok(packed)
}

fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}
