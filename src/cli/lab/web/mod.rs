//! `smolstep lab --web`: serves the lab as a page for the browsers of this computer.
//!
//! The page sends commands to a session of the lab, and docs/lab-session.md describes the commands. requests.rs decides
//! which requests are served.

mod answer;
mod deadline;
mod files;
mod requests;
mod server;
mod sessions;
mod start;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;

use super::args::LabArgs;
use crate::cli::error::Failure;
use crate::cli::output::say_line;
use crate::cli::stop::Stop;
use requests::{Limits, Requests};
use server::{Closed, serve};

/// Serves the page until Ctrl-C, or until no request has arrived for an hour. Returns the exit code.
///
/// # Errors
/// Fails if the options cannot be combined, if the file on the command line is invalid, or if the port cannot be
/// opened.
pub fn web(args: &LabArgs) -> Result<u8, Failure> {
    let start = start::start(args)?;
    let fails = |error| Failure::run(format_args!("the page cannot be served: {error}"));
    // From now on, Ctrl-C ends the program normally, even if the signal was ignored before.
    let stop = Stop::on_signals().map_err(fails)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(fails)?;
    let port = listener.local_addr().map_err(fails)?.port();
    let token = token()?;
    let address = format!("http://127.0.0.1:{port}/{token}/");
    say_line(format_args!("the lab is at {address}\nCtrl-C ends it"))?;
    if args.open {
        open(&address);
    }
    let requests = Requests::new(port, token, start, Limits::default());
    if serve(listener, requests, stop.into_stream()).map_err(fails)? == Closed::Idle {
        say_line("no request has arrived for an hour: the lab ends")?;
    }
    Ok(0)
}

/// Returns a text of 32 hexadecimal digits that nobody can guess.
fn token() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Failure::run(format_args!("no entropy: {error}")))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// Opens the address in the user's browser. If no browser can be opened, asks the user to open the address.
fn open(address: &str) {
    let mut command = Command::new("xdg-open");
    // A browser that starts now gets its own process group, so that Ctrl-C for the lab does not end the browser.
    command.arg(address).process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let fails = |why: &dyn core::fmt::Display| log::warn!("xdg-open: {why}: open the address in a browser yourself");
    match command.spawn() {
        Err(error) => fails(&error),
        // Another thread waits for the result, because this thread goes on to serve the page.
        Ok(mut child) => drop(thread::spawn(move || match child.wait() {
            Ok(status) if !status.success() => fails(&status),
            Ok(_) => {}
            Err(error) => fails(&error),
        })),
    }
}
