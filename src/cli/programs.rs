//! Finds programs by name, and lists them for the help.

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

/// Joins the names of programs for a message.
pub fn program_names(programs: &[Program]) -> String {
    programs.iter().map(|program| program.app().name).collect::<Vec<_>>().join(" and ")
}

/// Returns the program called `name`.
///
/// # Errors
/// A usage error that suggests a similar name, or lists them all.
pub fn find(name: &str) -> Result<&'static App, Failure> {
    APPS.iter().find(|app| app.name == name).ok_or_else(|| {
        let names = APPS.map(|app| app.name);
        Failure::usage(format_args!("unknown program '{name}': {}", did_you_mean(name, &names)))
    })
}
