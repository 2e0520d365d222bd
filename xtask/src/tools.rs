//! Installs the build tools that are missing, at the pinned versions, into the user's cache. Never needs root.
//!
//! A tool of the right version that is already on the PATH is used as it is. wasm-opt is not installed: it saves 1 %
//! of what travels.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, check, command, output};
use crate::small;
use crate::workspace;

/// The browser target.
pub const WASM: &str = "wasm32-unknown-unknown";

/// A program from crates.io at the version that this checkout needs.
pub struct Tool {
    program: &'static str,
    version_args: &'static [&'static str],
    package: &'static str,
    version: &'static str,
    /// Extra arguments of `cargo install`.
    args: &'static [&'static str],
    /// Packages in it that do the work. The rest is not optimised: as fast in use, half the time to build.
    optimised: &'static [&'static str],
}

/// Where tools are built, one after the other: they share much of what they depend on. It goes with its last user.
pub struct BuildFolder(PathBuf);

impl BuildFolder {
    /// Empty until something is built.
    pub fn new() -> Self {
        let name = format!("build-{}", std::process::id());
        Self(workspace::tools().join(name))
    }
}

impl Drop for BuildFolder {
    fn drop(&mut self) {
        // What stays is room on the disk; nobody looks there again.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Turns the compiled page into a module and its loader; must equal the crate's version in the lock file.
pub const WASM_BINDGEN: Tool = Tool {
    program: "wasm-bindgen",
    version_args: &["--version"],
    package: "wasm-bindgen-cli",
    version: "0.2.108",
    args: &[],
    optimised: &["walrus", "wasm-bindgen-cli-support", "wasmparser"],
};

/// Builds the page.
pub const TRUNK: Tool = Tool {
    program: "trunk",
    version_args: &["--version"],
    package: "trunk",
    version: "0.21.14",
    args: &["--no-default-features", "--features", "rustls"],
    optimised: &[],
};

/// Checks licences, bans and sources of dependencies.
pub const DENY: Tool = Tool {
    program: "cargo-deny",
    version_args: &["--version"],
    package: "cargo-deny",
    version: "0.20.2",
    args: &[],
    optimised: &[],
};

/// Builds and runs fuzz targets.
pub const FUZZ: Tool = Tool {
    program: "cargo-fuzz",
    version_args: &["--version"],
    package: "cargo-fuzz",
    version: "0.13.2",
    args: &[],
    optimised: &[],
};

impl Tool {
    /// Installs the tool unless the right version is there. Says what it does.
    pub fn ensure(&self, folder: &BuildFolder) -> Result<()> {
        if self.found() {
            println!("   {} {} is there", self.program, self.version);
            return Ok(());
        }
        println!(
            "   installing {} {} (once, some minutes)",
            self.package, self.version
        );
        let root = workspace::tools();
        let mut install = cargo(["install", "--locked", "--debug", "--version", self.version]);
        install.arg("--root").arg(&root).args(self.args);
        install.env("CARGO_TARGET_DIR", &folder.0);
        install.env("CARGO_PROFILE_DEV_DEBUG", "0");
        for package in self.optimised {
            let option = format!("profile.dev.package.{package}.opt-level=2");
            install.args(["--config", &option]);
        }
        install.arg(self.package);
        check(&mut install)?;
        if !self.found() {
            bail!(
                "{} {} was installed into {}, but does not answer as such",
                self.program,
                self.version,
                root.display()
            );
        }
        Ok(())
    }

    fn found(&self) -> bool {
        output(command(self.program).args(self.version_args)).is_some_and(|said| {
            said.split_whitespace()
                .any(|word| word.trim_start_matches('v') == self.version)
        })
    }
}

/// What building the page needs.
pub fn ensure_page_tools(folder: &BuildFolder) -> Result<()> {
    ensure_wasm_target()?;
    small::ensure_std();
    WASM_BINDGEN.ensure(folder)?;
    TRUNK.ensure(folder)
}

/// The standard library for the browser target. rustup does not always install what the toolchain file lists.
fn ensure_wasm_target() -> Result<()> {
    let has_target = || {
        output(command("rustc").args(["--print", "target-libdir", "--target", WASM]))
            .is_some_and(|dir| std::path::Path::new(&dir).is_dir())
    };
    if has_target() {
        println!("   target {WASM} is there");
        return Ok(());
    }
    println!("   adding the target {WASM}");
    check(command("rustup").args(["target", "add", WASM])).with_context(|| {
        format!("the Rust target {WASM} is missing and rustup could not add it")
    })?;
    if !has_target() {
        bail!(
            "rustup added {WASM}, but rustc does not find it: are rustc and rustup of one installation?"
        );
    }
    Ok(())
}

/// Is a tool of binaryen's on the PATH?
pub fn has(tool: &str) -> bool {
    output(command(tool).arg("--version")).is_some()
}

/// Where the PATH has a program: for those who start it by its file.
pub fn file_of(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

/// A program found under one of these names.
pub fn first_of(names: &[&str]) -> Option<String> {
    names
        .iter()
        .find(|name| output(Command::new(name).arg("--version")).is_some())
        .map(|name| (*name).to_owned())
}
