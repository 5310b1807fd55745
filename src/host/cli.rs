//! The command line.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use super::bench::{BenchArgs, bench};
use super::call::{CallArgs, call};
use super::completions::{CompletionsArgs, completions};
use super::doctor::{self, DoctorArgs};
use super::error::Failure;
use super::get::{GetArgs, get};
use super::lab::{LabArgs, lab};
use super::man::{ManArgs, man};
use super::ping::{PingArgs, ping};
use super::resolve::{ResolveArgs, resolve};
use super::sandbox::{SandboxArgs, sandbox};
use super::serve::{ServeArgs, serve};
use super::tour::tour;
use crate::app::APPS;

/// TCP and UDP servers and clients on smoltcp: in memory, and on a Linux TAP or TUN
#[derive(Parser, Debug)]
#[command(
    name = "smolstep",
    version,
    after_help = "Without a command: a tour, in memory, every step of it shown.

Example:
  smolstep sandbox --serve greeting -- nc 192.168.69.1 9999"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the programs: name, transports, ports
    #[command(after_help = "Example:\n  smolstep apps")]
    Apps,
    Bench(BenchArgs),
    Call(CallArgs),
    Completions(CompletionsArgs),
    Doctor(DoctorArgs),
    Get(GetArgs),
    Lab(Box<LabArgs>),
    Man(ManArgs),
    Ping(PingArgs),
    Resolve(ResolveArgs),
    Sandbox(SandboxArgs),
    Serve(ServeArgs),
}

/// Runs what the command line says; returns the exit code.
///
/// # Errors
/// One line for the user.
pub fn run() -> Result<u8, Failure> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return error.print().map(|()| 0).map_err(Failure::output);
        }
        Err(error) => return Err(Failure::usage(one_line(&error))),
    };
    match cli.command {
        None => tour().map(|()| 0),
        Some(Command::Apps) => apps().map(|()| 0),
        Some(Command::Bench(args)) => bench(&args),
        Some(Command::Call(args)) => call(&args).map(|()| 0),
        Some(Command::Completions(args)) => completions(&args, Cli::command()).map(|()| 0),
        Some(Command::Doctor(_)) => {
            let works = doctor::run(&mut std::io::stdout()).map_err(Failure::output)?;
            Ok(if works { 0 } else { 1 })
        }
        Some(Command::Get(args)) => get(&args).map(|()| 0),
        Some(Command::Lab(args)) => lab(&args),
        Some(Command::Man(args)) => man(&args, Cli::command()).map(|()| 0),
        Some(Command::Ping(args)) => ping(&args).map(|heard| if heard { 0 } else { 1 }),
        Some(Command::Resolve(args)) => resolve(&args).map(|()| 0),
        Some(Command::Sandbox(args)) => sandbox(&args),
        Some(Command::Serve(args)) => serve(&args).map(|()| 0),
    }
}

/// clap's explanation without its usage and hints, which fill several lines.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let what = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = what.strip_prefix("error: ").unwrap_or(what).split_whitespace().collect();
    format!("{}; 'smolstep --help' tells more", words.join(" "))
}

fn apps() -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let port = |transport: &str, port: Option<u16>| port.map_or(String::new(), |port| format!("{transport} {port}"));
    for app in &APPS {
        let (tcp, udp) = (port("tcp", app.tcp), port("udp", app.udp));
        writeln!(out, "{:<9} {tcp:<10} {udp:<9} {}", app.name, app.summary).map_err(Failure::output)?;
    }
    Ok(())
}
