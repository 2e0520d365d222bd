//! Rules of the house as tests: layers, module docs, file length, leftovers, and the README's example.
//!
//! The compiler checks the edges between crates; inside one crate it does not, and that is where knots grow.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::output;
use crate::workspace::root;

/// Longer files are split by concept.
const MAX_LINES: usize = 800;

/// Layers inside core: a module may use those left of it in its row. Parts of one concept see each other.
const CORE_LAYERS: [(&str, &[&str]); 7] = [
    ("collections", &[]),
    ("hash", &[]),
    ("ids", &[]),
    ("time", &[]),
    ("engine", &["collections", "ids", "time"]),
    ("mesh", &["collections", "ids", "time", "engine"]),
    ("node", &["collections", "ids", "time", "engine", "mesh"]),
];

/// Modules of the peer that work without libp2p: they may use only each other.
const PEER_LOCAL: [&str; 9] = [
    "group", "guide", "machine", "handlers", "timer", "wait", "history", "query", "pick",
];

#[test]
fn core_keeps_its_layers() {
    let core = root().join("crates/core/src");
    let mut broken = Vec::new();
    for file in rust_files(&core) {
        let Some(layer) = layer_of(&core, &file) else {
            continue;
        };
        let Some((_, allowed)) = CORE_LAYERS.iter().find(|(name, _)| *name == layer) else {
            broken.push(format!(
                "{}: {layer} has no place in the layers of the tidy test",
                shown(&file)
            ));
            continue;
        };
        for used in crate_edges(&read(&file)) {
            let is_module = CORE_LAYERS.iter().any(|(name, _)| *name == used);
            if is_module && used != layer && !allowed.contains(&used.as_str()) {
                broken.push(format!("{}: {layer} uses {used}", shown(&file)));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_peers_local_half_needs_no_mesh() {
    let peer = root().join("crates/peer/src");
    let mut broken = Vec::new();
    for file in rust_files(&peer) {
        let is_local = layer_of(&peer, &file).is_some_and(|layer| is_peer_local(&layer));
        if !is_local {
            continue;
        }
        for used in crate_edges(&read(&file)) {
            let is_module = peer.join(format!("{used}.rs")).exists();
            if is_module && !is_peer_local(&used) {
                broken.push(format!("{} uses {used}", shown(&file)));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn core_is_deterministic() {
    let banned = [
        "std::time::Instant",
        "SystemTime",
        "HashMap",
        "HashSet",
        "thread_rng",
        "rand::",
        "tokio",
        "async fn",
        "target_arch",
    ];
    let mut broken = Vec::new();
    for file in rust_files(&root().join("crates/core/src")) {
        for (number, line) in code_lines(&read(&file)) {
            for word in banned {
                if line.contains(word) {
                    broken.push(format!("{}:{number}: {word}", shown(&file)));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let mut broken = Vec::new();
    for file in tracked("*.rs") {
        if !read(&file).trim_start().starts_with("//!") {
            broken.push(shown(&file));
        }
    }
    assert!(broken.is_empty(), "no module doc: {}", broken.join(", "));
}

#[test]
fn files_stay_readable() {
    let mut broken = Vec::new();
    for file in ["*.rs", "*.go", "*.mjs", "*.css"]
        .iter()
        .flat_map(|glob| tracked(glob))
    {
        let lines = read(&file).lines().count();
        if lines > MAX_LINES {
            broken.push(format!("{}: {lines} lines", shown(&file)));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn no_leftovers() {
    // Put together here, so that this file is not found.
    let words = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("dbg", "!("),
        concat!("FIX", "ME"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("bash", "_jobs"),
    ];
    let mut broken = Vec::new();
    for file in tracked("*") {
        let is_lock = file
            .file_name()
            .is_some_and(|name| name == "Cargo.lock" || name == "package-lock.json");
        let Ok(text) = fs::read_to_string(&file) else {
            continue; // pictures
        };
        if is_lock
            || file
                .extension()
                .is_some_and(|kind| kind == "jsonl" || kind == "sum")
        {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                broken.push(format!("{}:{}: {word}", shown(&file), number + 1));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_readme_shows_the_example_that_compiles() {
    let example = read(&root().join("crates/peer/examples/hello.rs"));
    let readme = read(&root().join("README.md"));
    let shown: Vec<&str> = readme
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let code: String = example
        .lines()
        .skip_while(|line| line.starts_with("//!") || line.is_empty())
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(
        shown.contains(&code.as_str()),
        "README.md must show crates/peer/examples/hello.rs without its module doc"
    );
}

/// A document names a test as `file.rs::name`.
#[test]
fn tests_that_documents_name_exist() {
    let files = tracked("*.rs");
    let mut missing = Vec::new();
    let mut named = 0;
    for document in tracked("docs/*.md") {
        for (file, test) in read(&document)
            .split('`')
            .filter_map(|it| it.split_once(".rs::"))
        {
            named += 1;
            let here = |path: &&PathBuf| path.file_stem().is_some_and(|stem| stem == file);
            let declared = format!("fn {test}()");
            if !files
                .iter()
                .filter(here)
                .any(|path| read(path).contains(&declared))
            {
                missing.push(format!("{}: {file}.rs::{test}", shown(&document)));
            }
        }
    }
    assert!(named > 0, "the documents name no test at all");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// A document names a test in a browser as `file.spec.mjs › title`.
#[test]
fn browser_tests_that_documents_name_exist() {
    let mut missing = Vec::new();
    let mut named = 0;
    for document in tracked("docs/*.md") {
        for (file, title) in read(&document)
            .split('`')
            .filter_map(|it| it.split_once(".spec.mjs › "))
        {
            named += 1;
            let path = root().join(format!("e2e/tests/{file}.spec.mjs"));
            let tests = fs::read_to_string(path).unwrap_or_default();
            let is_declared = ['\'', '"', '`']
                .iter()
                .any(|quote| tests.contains(&format!("test({quote}{title}{quote}")));
            if !is_declared {
                missing.push(format!("{}: {file}.spec.mjs › {title}", shown(&document)));
            }
        }
    }
    assert!(named > 0, "the documents name no test at all");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn edges_are_found_in_every_form() {
    let text = "use crate::mesh::wire;\nuse crate::{ids::PeerId, time};\nlet x = crate::node::N;\n// crate::engine\npub(crate) fn f() {}\n";
    let mut found = crate_edges(text);
    found.sort();
    assert_eq!(found, ["ids", "mesh", "node", "time"]);
}

fn is_peer_local(module: &str) -> bool {
    PEER_LOCAL.iter().any(|local| module.starts_with(local))
}

/// The top module a file belongs to; `None` for the crate's root.
fn layer_of(source: &Path, file: &Path) -> Option<String> {
    let first = file.strip_prefix(source).ok()?.iter().next()?;
    let name = first.to_string_lossy();
    let name = name.trim_end_matches(".rs");
    (name != "lib" && name != "main").then(|| name.to_owned())
}

/// Names right after `crate::`, also in lists.
fn crate_edges(text: &str) -> Vec<String> {
    let code: String = code_lines(text)
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.extend(first_name(rest)),
            Some(list) => found.extend(top_level_names(list)),
        }
    }
    found
}

/// The names that open the entries of a `{…}` list.
fn top_level_names(list: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let mut names = Vec::new();
    let mut entry = String::new();
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(first_name(&std::mem::take(&mut entry))),
            _ if depth == 0 => entry.push(c),
            _ => {}
        }
    }
    names.extend(first_name(&entry));
    names
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

/// Lines with their numbers, without comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a source folder can be read") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Files of the checkout that git knows or would add.
fn tracked(glob: &str) -> Vec<PathBuf> {
    let mut list = std::process::Command::new("git");
    list.current_dir(root())
        // A build machine may run as another user than the owner of the checkout.
        .args(["-c", "safe.directory=*"])
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
        ])
        .arg(glob);
    let files: Vec<PathBuf> = output(&mut list)
        .expect("git lists the checkout's files")
        .lines()
        .map(|file| root().join(file))
        .filter(|file| file.is_file())
        .collect();
    assert!(!files.is_empty(), "no file matches {glob}");
    files
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root())
        .unwrap_or(file)
        .display()
        .to_string()
}
