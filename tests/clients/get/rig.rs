//! Runs `smolstep get` and its servers, and creates folders for the files that `get` saves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::link::{KERNEL, Link};
use crate::common::peer::{Finished, Peer, python, smolstep};

/// Starts `smolstep get ARGUMENTS` on this link.
pub fn start(link: Link, arguments: &[&str]) -> Peer {
    Peer::start(command(&mut smolstep(), link, arguments))
}

/// Runs `smolstep get ARGUMENTS` on this link until it exits.
pub fn get(link: Link, arguments: &[&str]) -> Finished {
    start(link, arguments).finish()
}

/// Adds `get`, its arguments and the link to the command line of `program`.
///
/// `program` is smolstep, or a program that runs its final arguments as a command.
pub fn command<'c>(program: &'c mut Command, link: Link, arguments: &[&str]) -> &'c mut Command {
    program.env_remove("RUST_LOG").arg("get").args(arguments).args(link.arguments())
}

/// Runs curl, and returns its standard output.
pub fn curl(arguments: &[&str]) -> Vec<u8> {
    let curl = Peer::start(Command::new("curl").args(["-s", "-g", "--noproxy", "*"]).args(arguments)).finish();
    assert_eq!(curl.code(), Some(0), "curl {arguments:?}: {}", curl.err());
    curl.stdout
}

/// Asserts exit code 0 and an empty standard error.
#[track_caller]
pub fn went_well(get: &Finished) {
    assert!(get.code() == Some(0) && get.stderr.is_empty(), "{:?}: {}", get.code(), get.err());
}

/// Asserts exit code 1, and one line on standard error that contains `why`.
///
/// The line must not contain control characters.
#[track_caller]
pub fn failed(get: &Finished, why: &str) {
    let err = get.err();
    let line = err.strip_suffix('\n').unwrap_or_default();
    assert!(
        get.code() == Some(1)
            && line.starts_with("smolstep: ")
            && !line.contains(char::is_control)
            && err.contains(why),
        "{why:?} wanted: {:?} {err}",
        get.code()
    );
}

/// Creates an empty folder for a test.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("get").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Returns the sorted names of the files in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Returns the URL of a path at an address and port. The path begins with a slash.
pub fn url(address: &str, port: u16, path: &str) -> String {
    match address.contains(':') {
        true => format!("http://[{address}]:{port}{path}"),
        false => format!("http://{address}:{port}{path}"),
    }
}

/// A server on port 4000 that takes its answers from the URLs of the requests. See tests/peers/http_scripted.py.
pub struct Scripted {
    address: &'static str,
    pub peer: Peer,
}

/// The server's action after its answer.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// Closes the connection.
    Close,
    /// Keeps the connection open and sends nothing more.
    Hold,
    /// Resets the connection.
    Reset,
}

impl Scripted {
    pub fn start(address: &'static str) -> Scripted {
        Scripted { address, peer: python::server("http_scripted", address.parse().unwrap(), 4000) }
    }

    pub fn on_ipv4() -> Scripted {
        Self::start(KERNEL[0])
    }

    /// Returns a URL. The server answers a request for this URL with the bytes to which the Python expression
    /// `expression` evaluates.
    pub fn url(&self, expression: &str, then: Then) -> String {
        self.url_of(self.address, expression, then)
    }

    /// Returns a URL like [`Scripted::url`], but with `host` instead of the server's address.
    pub fn url_of(&self, host: &str, expression: &str, then: Then) -> String {
        let then = format!("{then:?}").to_lowercase();
        url(host, 4000, &format!("/{then}?{}", encoded(expression)))
    }

    /// Returns the URL of a page that is `count` redirects away.
    pub fn hops(&self, count: usize) -> String {
        url(self.address, 4000, &format!("/hops/{count}"))
    }
}

/// Encodes each byte as `%` and two hexadecimal digits.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
