//! Lists the files of the page for files.rs. The build script runs this code.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The extensions of the page's files. The folder also contains the sources of the scripts, which are left out.
const EXTENSIONS: [&str; 7] = ["css", "html", "ico", "js", "json", "png", "svg"];

/// Names in the folder that do not belong to the page: packages, and the files that describe them.
const OTHERS: [&str; 4] = ["node_modules", "package-lock.json", "package.json", "tsconfig.json"];

/// Writes a Rust expression to `page.rs` in cargo's output folder. files.rs includes this expression, which is an array
/// of the files in `web/`. Each file is a pair of its name, such as `index.html`, and its bytes.
///
/// # Errors
/// Fails if a file or a folder cannot be read or written.
pub fn list() -> io::Result<()> {
    let folder = variable("CARGO_MANIFEST_DIR").join("web");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut paths = Vec::new();
    add(&folder, &mut paths)?;
    paths.sort();
    let mut text = String::from("&[\n");
    for path in &paths {
        let name = path.strip_prefix(&folder).unwrap_or(path).display().to_string();
        text += &format!("    ({name:?}, include_bytes!({:?})),\n", path.display().to_string());
    }
    text += "]\n";
    fs::write(variable("OUT_DIR").join("page.rs"), text)
}

/// Adds the page's files in `folder` and in its subfolders to `paths`.
fn add(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        // Without the folder, the page has no files.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // Skip packages, the files that describe them, and hidden files.
        if OTHERS.contains(&name) || name.starts_with('.') {
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if path.is_dir() {
            add(&path, paths)?;
        } else if EXTENSIONS.contains(&extension) {
            paths.push(path);
        }
    }
    Ok(())
}

/// Returns the value of a variable that cargo sets for build scripts.
fn variable(name: &str) -> PathBuf {
    env::var_os(name).unwrap_or_default().into()
}
