//! Makes the page ready to be embedded: creates `dist/` so that the relay compiles before the page was ever built,
//! rebuilds the relay when the page changes, and compresses the page for release builds.
//!
//! A debug build reads `dist/` from disk at run time and serves it as it is: precompressed copies would go stale
//! beside a running `trunk watch`.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// File types worth compressing; images and fonts are compressed already.
const COMPRESSIBLE: [&str; 8] = ["css", "html", "ico", "js", "json", "svg", "txt", "wasm"];
/// Best and slowest; runs once per build of the page, as zopfli does.
const BROTLI_QUALITY: i32 = 11;
/// Brotli window of 4 MiB, more than the page has.
const BROTLI_WINDOW: i32 = 22;
/// The program changes its character more often than the usual 15 times: 1 % smaller. More change nothing.
const GZIP_BLOCK_SPLITS: u16 = 150;

fn main() -> io::Result<()> {
    let dist = PathBuf::from(variable("CARGO_MANIFEST_DIR")?)
        .join("..")
        .join("..")
        .join("dist");
    fs::create_dir_all(&dist)?;
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");

    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut index = String::from("&[\n");
    if variable("PROFILE")? == "release" {
        if !dist.join("index.html").exists() {
            println!(
                "cargo::warning=dist/ holds no page: `cargo xtask build` builds page and relay in the right order"
            );
        }
        let packed = out.join("packed");
        if packed.exists() {
            fs::remove_dir_all(&packed)?;
        }
        pack_folder(&dist, &packed, "", &mut index)?;
    }
    index.push_str("]\n");
    fs::write(out.join("packed.rs"), index)
}

fn variable(name: &str) -> io::Result<OsString> {
    std::env::var_os(name).ok_or_else(|| io::Error::other(format!("cargo did not set {name}")))
}

/// Writes `NAME.br` and `NAME.gz` for every file that gets smaller by it, and a line of `index` for each.
fn pack_folder(from: &Path, to: &Path, prefix: &str, index: &mut String) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let mut paths = fs::read_dir(from)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if path.is_dir() {
            pack_folder(&path, &to.join(name), &format!("{prefix}{name}/"), index)?;
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !extension.is_some_and(|extension| COMPRESSIBLE.contains(&extension)) {
            continue;
        }
        let plain = fs::read(&path)?;
        for (suffix, packed) in [("br", brotli(&plain)?), ("gz", gzip(&plain)?)] {
            if packed.len() >= plain.len() {
                continue;
            }
            let file = to.join(format!("{name}.{suffix}"));
            fs::write(&file, packed)?;
            index.push_str(&format!(
                "    ({:?}, include_bytes!({:?})),\n",
                format!("{prefix}{name}.{suffix}"),
                file
            ));
        }
    }
    Ok(())
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
    let mut packed = Vec::new();
    let options = zopfli::Options {
        maximum_block_splits: GZIP_BLOCK_SPLITS,
        ..Default::default()
    };
    zopfli::compress(options, zopfli::Format::Gzip, plain, &mut packed)?;
    Ok(packed)
}
