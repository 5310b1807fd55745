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

/// The program that both servers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Program {
    /// Sends data endlessly.
    Chargen,
    /// Sends the client's data back.
    Echo,
}

impl Program {
    /// Returns the program's name on smolstep's command line.
    pub fn name(self) -> &'static str {
        match self {
            Program::Chargen => "chargen",
            Program::Echo => "echo",
        }
    }

    /// Returns the port of both servers.
    pub fn port(self) -> u16 {
        match self {
            Program::Chargen => 19,
            Program::Echo => 7,
        }
    }
}

/// A running `smolstep serve`, which is killed on drop.
pub struct Smolstep(Child);

impl Smolstep {
    /// Starts the server. The calling thread must outlive the server. Clients retry until the server listens.
    ///
    /// # Errors
    /// Returns a one-line message for the user.
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

/// Replaces this process by `smolstep serve`, which exits when its parent exits. Returns an error message if the server
/// cannot start.
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
/// Returns a one-line message for the user.
pub fn listen(program: Program) -> Result<TcpListener, String> {
    let listener = TcpListener::bind((LINUX, program.port())).map_err(|error| format!("Linux's server: {error}"))?;
    // Accepted sockets inherit the congestion control.
    set_tcp_congestion(&listener, "reno").map_err(|error| format!("Reno: {error}"))?;
    Ok(listener)
}

/// Serves each connection on its own thread, until [`stop`] is called.
pub fn serve(listener: &TcpListener, program: Program, over: &AtomicBool) {
    while let Ok((stream, _)) = listener.accept() {
        if over.load(Ordering::Acquire) {
            break;
        }
        // The thread is not joined. Once the relay has stopped, the thread might never learn that its client has
        // closed.
        thread::spawn(move || talk(stream, program));
    }
}

/// Makes [`serve`] stop waiting for clients.
pub fn stop(listener: &TcpListener) {
    // The call fails only if the socket is already shut down.
    let _ = shutdown(listener, Shutdown::Both);
}

/// Serves a connection until the client closes it.
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
