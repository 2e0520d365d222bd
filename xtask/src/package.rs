//! The npm package of the browser peer: what `wasm-pack build crates/web --target web` makes, as small as the page is made.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::command::{cargo, command};
use crate::layout;
use crate::small;
use crate::steps::{Report, Steps};
use crate::tools::{self, BuildFolder};
use crate::workspace;

/// `cargo xtask package`
pub fn package() -> Result<ExitCode> {
    let mut steps = Steps::default();
    let built = steps.run("build tools", |_| {
        tools::ensure_page_tools(&BuildFolder::new())
    }) && steps.run("package", build_package);
    if !built {
        steps.summarise();
        return Ok(ExitCode::FAILURE);
    }
    println!("\nBuilt {}", folder().display());
    Ok(ExitCode::SUCCESS)
}

/// Where [`build_package`] puts it.
pub fn folder() -> PathBuf {
    workspace::target().join("package")
}

/// Compiles the library without the dashboard, binds it for ES modules, and says what travels.
pub fn build_package(report: &Report) -> Result<()> {
    let mut build = cargo(["build", "--locked", "--package", "statemesh-web", "--lib"]);
    build.args(["--profile", PROFILE, "--target", tools::WASM]);
    build.args(["--no-default-features", "--features", "js"]);
    // What it depends on is then compiled once for both.
    let compiler = small::prepare(&mut build)?;
    if compiler.is_none() {
        report.say(small::NO_SOURCES);
    }
    report.check(&mut build)?;
    drop(compiler);
    let compiled = workspace::built(tools::WASM).join(PROFILE);
    let folder = folder();
    let mut bind = command("wasm-bindgen");
    bind.args(["--target", "web", "--out-name", NAME, "--out-dir"]);
    report.check(bind.arg(&folder).arg(compiled.join("statemesh_web.wasm")))?;
    let module = folder.join(format!("{NAME}_bg.wasm"));
    let manifest = folder.join("package.json");
    fs::write(&manifest, manifest_text())
        .with_context(|| format!("writing {}", manifest.display()))?;
    let bytes = layout::like_beside_like(&fs::read(&module)?)?;
    fs::write(&module, &bytes)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes)?;
    let travels = gzip.finish()?.len();
    report.say(&format!(
        "   {} KB, {} KB with gzip",
        bytes.len() / 1000,
        travels / 1000
    ));
    Ok(())
}

fn manifest_text() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let files = [".js", ".d.ts", "_bg.wasm"].map(|end| format!("\"{NAME}{end}\""));
    format!(
        r#"{{
  "name": "{NAME}",
  "version": "{version}",
  "description": "A statemesh peer in a page",
  "license": "MIT OR Apache-2.0",
  "type": "module",
  "main": "{NAME}.js",
  "types": "{NAME}.d.ts",
  "files": [{}],
  "sideEffects": ["./snippets/*"]
}}
"#,
        files.join(", ")
    )
}

/// Of the package and its files.
const NAME: &str = "statemesh";
/// As the page is built.
const PROFILE: &str = "wasm-release";
