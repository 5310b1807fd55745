//! Starts a Python server or a smolstep server in its own process.
//!
//! The memory of a server can be measured only in a separate process.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::process::{Signal, set_parent_process_death_signal};

use super::deadline::{Deadline, Miss, TICK};
use super::network::{PREFIX, SERVER, TAP};

/// The source of the Python server, which uses Python's socket module.
const PYTHON: &str = include_str!("python.py");

/// The maximum length of the line in which a server announces its address, in bytes.
const LINE: usize = 256;

/// How many bytes at the end of a server's standard error [`Server::miss`] searches for the final line.
const COMPLAINT: usize = 1024;

/// A running server, which is killed on drop.
pub struct Server {
    child: Child,
    /// The server's standard error. It is a file, because no thread would read a pipe while the server runs.
    errors: File,
    address: SocketAddr,
}

impl Server {
    /// Starts a greeting server in Python, on the kernel's loopback.
    ///
    /// The server has a thread for each connection.
    ///
    /// # Errors
    /// Returns [`Miss::Skipped`] if this machine has no python3, and [`Miss::Failed`] if the server does not start.
    pub fn python(deadline: Deadline<'_>) -> Result<Self, Miss> {
        let mut command = Command::new("python3");
        let mut server = Server::start(command.args(["-c", PYTHON]), "python3")?;
        let port: u16 = server.line(deadline)?.trim().parse().map_err(|_| server.miss("python3 does not listen"))?;
        server.address = (Ipv4Addr::LOCALHOST, port).into();
        Ok(server)
    }

    /// Starts `smolstep serve greeting` on the TAP, with socket buffers of 4 KiB.
    ///
    /// The server process calls [`become_server`].
    ///
    /// # Errors
    /// Returns [`Miss::Failed`] if the server does not start.
    pub fn smolstep(connections: usize, deadline: Deadline<'_>) -> Result<Self, Miss> {
        let mut command = Command::new("/proc/self/exe");
        command.env("RUST_LOG", "warn").args(["--child", &connections.to_string()]);
        let mut server = Server::start(&mut command, "smolstep serve")?;
        if !server.line(deadline)?.starts_with("listening") {
            return Err(server.miss("smolstep serve does not listen"));
        }
        server.address = (SERVER, 9999).into();
        Ok(server)
    }

    /// Starts a server process. Its address is not known yet.
    fn start(command: &mut Command, name: &str) -> Result<Self, Miss> {
        let errors = memfd_create("bench-errors", MemfdFlags::CLOEXEC).map_err(Miss::at("a file in memory"))?;
        let errors = File::from(errors);
        let copy = errors.try_clone().map_err(Miss::at("a file in memory"))?;
        // The server is in another process group, so that Ctrl-C signals only this process.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(copy);
        let child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => Miss::Skipped(format!("there is no {name} here")),
            _ => Miss::failed(format_args!("{name}: {error}")),
        })?;
        Ok(Server { child, errors, address: (Ipv4Addr::UNSPECIFIED, 0).into() })
    }

    /// Reads the line that announces the address. The line is incomplete if the server has exited.
    fn line(&mut self, deadline: Deadline<'_>) -> Result<String, Miss> {
        let (mut line, mut byte) = (String::new(), [0]);
        // The pipe stays open, so that the server can still write to it.
        let Some(out) = &mut self.child.stdout else { return Ok(line) };
        let timeout = Timespec::try_from(TICK).ok();
        while line.len() < LINE && !line.ends_with('\n') {
            match poll(&mut [PollFd::new(&*out, PollFlags::IN)], timeout.as_ref()) {
                Ok(0) | Err(Errno::INTR) => deadline.check()?,
                Ok(_) if deadline.retry(|| out.read(&mut byte))? == 0 => break,
                Ok(_) => line.push(byte[0].into()),
                Err(errno) => return Err(Miss::failed(errno)),
            }
        }
        Ok(line)
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the resident memory of the server, in KiB.
    ///
    /// # Errors
    /// Returns [`Miss::Failed`] if the server has exited.
    pub fn resident(&self) -> Result<f64, Miss> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| self.miss("the server has ended early"))
    }

    /// Describes a failure by `what` and the final line of the server's standard error.
    fn miss(&self, what: &str) -> Miss {
        let len = self.errors.metadata().map_or(0, |file| file.len());
        let mut end = [0; COMPLAINT];
        let read = self.errors.read_at(&mut end, len.saturating_sub(COMPLAINT as u64)).unwrap_or(0);
        let end = String::from_utf8_lossy(end.get(..read).unwrap_or_default());
        match end.lines().rfind(|line| !line.trim().is_empty()) {
            Some(line) => Miss::failed(format_args!("{what}: {}", line.trim())),
            None => Miss::failed(what),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Replaces this process by `smolstep serve greeting`, which exits when its parent exits.
///
/// The server exits even if SIGKILL kills the parent. Returns an error message if the server cannot start.
pub fn become_server(connections: u16) -> String {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return format!("the signal for the parent's death: {error}");
    }
    // If the parent exited before the call above, no signal arrives, but standard input is at its end.
    let stdin = rustix::stdio::stdin();
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    if poll(&mut [PollFd::from_borrowed_fd(stdin, PollFlags::IN)], Some(&now)) != Ok(0) {
        return "the process that started this server has ended".into();
    }
    let (program, address) = (env!("CARGO_BIN_EXE_smolstep"), format!("{SERVER}/{PREFIX}"));
    let mut command = Command::new(program);
    command.args(["serve", "greeting", "--tap", TAP, "--ip", &address, "--socket-buffer", "4K"]);
    format!("{program}: {}", command.arg("--max-connections").arg(connections.to_string()).exec())
}
