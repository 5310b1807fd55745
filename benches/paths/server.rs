//! The two servers: `smolstep serve` on its TAP, and a thread for each connection on the kernel's TCP.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clap::ValueEnum;
use rustix::net::sockopt::set_tcp_congestion;
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::path::{LINUX, PREFIX, SMOLSTEP, TAP};

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Program {
    /// Data without end.
    Chargen,
    /// The client's data.
    Echo,
}

impl Program {
    /// The name on smolstep's command line.
    pub fn name(self) -> &'static str {
        match self {
            Program::Chargen => "chargen",
            Program::Echo => "echo",
        }
    }

    /// The port of both servers.
    pub fn port(self) -> u16 {
        match self {
            Program::Chargen => 19,
            Program::Echo => 7,
        }
    }
}

/// A running `smolstep serve`. It is killed on drop.
pub struct Smolstep(Child);

impl Smolstep {
    /// Starts the server. Clients try again until it listens. To be called on a thread that outlives the server.
    ///
    /// # Errors
    /// One line for the user.
    pub fn start(program: Program) -> Result<Self, String> {
        let mut command = Command::new("/proc/self/exe");
        command.args(["--child", program.name()]).env("RUST_LOG", "warn");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.spawn().map(Smolstep).map_err(|error| format!("smolstep serve: {error}"))
    }
}

impl Drop for Smolstep {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Replaces this process by `smolstep serve`, which ends when its parent does. Returns the error that prevents it.
pub fn become_smolstep(program: Program) -> String {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return format!("the signal for the parent's death: {error}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_smolstep"));
    command.args(["serve", program.name(), "--tap", TAP, "--ip", &format!("{SMOLSTEP}/{PREFIX}")]);
    format!("smolstep serve: {}", command.exec())
}

/// Opens the socket of Linux's server, with Reno.
///
/// # Errors
/// One line for the user.
pub fn listen(program: Program) -> Result<TcpListener, String> {
    let listener = TcpListener::bind((LINUX, program.port())).map_err(|error| format!("Linux's server: {error}"))?;
    // Accepted sockets inherit it.
    set_tcp_congestion(&listener, "reno").map_err(|error| format!("Reno: {error}"))?;
    Ok(listener)
}

/// Serves each connection on a thread of its own, until [`stop`].
pub fn serve(listener: &TcpListener, program: Program, over: &AtomicBool) {
    while let Ok((stream, _)) = listener.accept() {
        if over.load(Ordering::Acquire) {
            break;
        }
        // Nobody waits for it: without the relay, it may never learn that its client has left.
        thread::spawn(move || talk(stream, program));
    }
}

/// Ends the wait for a client.
pub fn stop(listener: &TcpListener) {
    // This fails only if called before.
    let _ = shutdown(listener, Shutdown::Both);
}

/// Serves a connection until the client leaves.
fn talk(mut stream: TcpStream, program: Program) {
    let mut buffer = vec![b'x'; 65_536];
    loop {
        let len = match program {
            Program::Chargen => Ok(buffer.len()),
            Program::Echo => stream.read(&mut buffer),
        };
        match len {
            Ok(len) if len > 0 && stream.write_all(&buffer[..len]).is_ok() => {}
            _ => return,
        }
    }
}

/// The servers' addresses, in the order of the results.
pub const SERVERS: [Ipv4Addr; 2] = [SMOLSTEP, LINUX];
