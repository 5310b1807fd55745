//! Errors that keep a sandbox from starting.

use core::fmt;
use std::io;
use std::path::PathBuf;

use super::namespace::Refused;
use crate::phy::linux::OpenError;

/// An error that keeps a sandbox from starting. The message is one line with the problem and the remedy.
#[derive(Debug)]
pub enum SandboxError {
    /// The interface could not be set up.
    Configure(io::Error),
    /// No sandbox of this user is running.
    NoneRunning,
    /// The command exists but cannot be executed.
    NotExecutable(String, io::Error),
    /// The command does not exist.
    NotFound(String),
    /// A published port cannot be bound on the host. The first field is the transport: "tcp" or "udp".
    Port(&'static str, u16, io::Error),
    /// The kernel refuses the namespaces.
    Refused(Refused),
    /// The running sandbox cannot be joined.
    Join(io::Error),
    /// The folder that lists the running sandboxes cannot be used.
    State(PathBuf, io::Error),
    /// The TAP could not be created.
    Tap(OpenError),
    /// A thread, a signal handler or a child process could not be created.
    Thread(io::Error),
}

impl SandboxError {
    /// Returns the exit code. As in a shell, this is 126 or 127 for a command that cannot be run. It is 1 for other
    /// errors.
    pub fn exit_code(&self) -> u8 {
        match self {
            SandboxError::NotFound(_) => 127,
            SandboxError::NotExecutable(..) => 126,
            _ => 1,
        }
    }
}

impl fmt::Display for SandboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SandboxError::Configure(e) => {
                write!(f, "setting up the sandbox's interface failed: {e}; `smolstep doctor` may say more")
            }
            SandboxError::Join(e) => {
                write!(f, "joining the running sandbox failed: {e}; run it as the user who started the sandbox")
            }
            SandboxError::NoneRunning => {
                f.write_str("no sandbox of yours is running: start one with `smolstep sandbox --serve greeting -- sh`")
            }
            SandboxError::NotExecutable(name, e) => {
                write!(f, "{name} cannot be executed: {e}; name a program after `--`")
            }
            SandboxError::NotFound(name) => write!(f, "{name}: command not found; name a program after `--`"),
            SandboxError::Port(transport, port, e) if e.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "port {port}/{transport} of this host is in use: publish another port")
            }
            SandboxError::Port(transport, port, e) if e.kind() == io::ErrorKind::PermissionDenied => {
                write!(f, "port {port}/{transport} of this host needs root: publish a port above 1023")
            }
            SandboxError::Port(transport, port, e) => {
                write!(f, "port {port}/{transport} of this host cannot be bound: {e}; publish another port")
            }
            SandboxError::Refused(e) => e.fmt(f),
            SandboxError::State(path, e) => write!(
                f,
                "cannot use {}, which lists the running sandboxes: {e}; remove it, or set XDG_RUNTIME_DIR to a folder of yours",
                path.display()
            ),
            SandboxError::Tap(e) => e.fmt(f),
            SandboxError::Thread(e) => {
                write!(f, "the system is out of processes or files: {e}; end some programs and try again")
            }
        }
    }
}

impl core::error::Error for SandboxError {}

impl From<OpenError> for SandboxError {
    fn from(e: OpenError) -> Self {
        SandboxError::Tap(e)
    }
}

impl From<Refused> for SandboxError {
    fn from(e: Refused) -> Self {
        SandboxError::Refused(e)
    }
}
