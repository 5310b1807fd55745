//! Finds programs by name, lists programs for `--help`, and parses `--port`.

use std::num::NonZeroU16;

use super::error::Failure;
use super::suggest::did_you_mean;
use crate::app::{APPS, App, Program};

/// Returns a heading and one line for each program: its name, ports and purpose.
pub fn programs() -> String {
    let port = |transport: &str, port: Option<u16>| port.map_or(String::new(), |port| format!("{transport} {port}"));
    let line = |app: &App| {
        let (tcp, udp) = (port("tcp", app.tcp), port("udp", app.udp));
        format!("  {:<9} {tcp:<10} {udp:<9} {}\n", app.name, app.program.summary())
    };
    format!("Programs:\n{}", APPS.iter().map(line).collect::<String>())
}

/// Joins the names of `programs` with "and", for a message.
pub fn program_names(programs: &[Program]) -> String {
    programs.iter().map(|program| program.app().name).collect::<Vec<_>>().join(" and ")
}

/// Returns the program called `name`.
///
/// # Errors
/// Fails with a usage error that suggests a similar name or lists all names.
pub fn find(name: &str) -> Result<&'static App, Failure> {
    APPS.iter().find(|app| app.name == name).ok_or_else(|| {
        let names = APPS.map(|app| app.name);
        Failure::usage(format_args!("unknown program '{name}': {}", did_you_mean(name, &names)))
    })
}

/// One `--port` option: serves a program on another port.
pub struct Move {
    pub program: Program,
    /// Whether the program's TCP port stays the same.
    pub udp_only: bool,
    /// The new port.
    pub port: u16,
}

/// Parses one `--port` option, which moves one of `apps` to another port.
pub fn parse_move(word: &str, apps: &[&'static App]) -> Result<Move, Failure> {
    let bad = |why: &str| Failure::usage(format_args!("bad --port '{word}': {why}"));
    let (name, port) = word.split_once('=').ok_or_else(|| bad("write it like echo=4000 or echo/udp=4000"))?;
    let (name, transport) = name.split_once('/').map_or((name, None), |(name, transport)| (name, Some(transport)));
    // `behind` is a transport in the wrong place, as in echo=4000/udp.
    let (port, behind) = port.split_once('/').map_or((port, None), |(port, transport)| (port, Some(transport)));
    if behind.is_some() || transport.is_some_and(|transport| transport != "udp") {
        return Err(bad(&format!(
            "only /udp can be added, before the equals sign: {name}/udp={port} is UDP alone, {name}={port} is TCP and UDP"
        )));
    }
    let udp_only = transport.is_some();
    let number: NonZeroU16 = port.parse().map_err(|_| bad("a port is a number from 1 to 65535"))?;
    let app = apps.iter().find(|app| app.name == name).ok_or_else(|| bad("that program is not served here"))?;
    if udp_only && app.udp.is_none() {
        return Err(bad(&format!("that program has no UDP side: write {name}={port}")));
    }
    Ok(Move { program: app.program, udp_only, port: number.get() })
}
