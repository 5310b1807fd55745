//! The command that runs in the sandbox.

use core::time::Duration;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::error::SandboxError;
use crate::host::{Interrupt, Verdict};

/// The running command. Dropping the guest kills the command.
///
/// A poll loop waits for [`Interrupt::files`] and calls [`Interrupt::verdict`].
#[derive(Debug)]
pub struct Guest {
    child: Child,
    pidfd: OwnedFd,
    /// Receives one byte for each SIGTERM.
    signals: UnixStream,
}

impl Guest {
    /// Catches the signals, then starts the command.
    pub(super) fn start(command: &[OsString]) -> Result<Guest, SandboxError> {
        let signals = take_signals().map_err(SandboxError::Thread)?;
        let mut child = build(command)?.spawn().map_err(|e| cannot_run(command, e))?;
        match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Guest { child, pidfd, signals }),
            Err(errno) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(SandboxError::Thread(errno.into()))
            }
        }
    }

    /// Passes a new SIGTERM on to the command. Then returns the command's exit code, or `None` if the command is still
    /// running. If a signal killed the command, the code is 128 plus the signal's number.
    pub fn poll_exit_code(&mut self) -> Option<u8> {
        let received = (&self.signals).read(&mut [0; 16]);
        if matches!(received, Ok(1..)) {
            // The call fails only if the child has exited. The next lines handle a child that has exited.
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
        match self.child.try_wait() {
            Ok(status) => status.map(exit_code),
            // Another call has already waited for the child, so its exit code is unknown.
            Err(_) => Some(1),
        }
    }

    /// Waits until the command has exited, then returns the command's exit code.
    pub fn wait(&mut self) -> u8 {
        loop {
            if let Some(code) = self.poll_exit_code() {
                return code;
            }
            let (pidfd, signals) = (self.pidfd.as_fd(), self.signals.as_fd());
            let mut fds =
                [PollFd::from_borrowed_fd(pidfd, PollFlags::IN), PollFd::from_borrowed_fd(signals, PollFlags::IN)];
            // An interrupted poll is repeated immediately. Any other error should be temporary. The pause keeps this
            // loop from occupying the processor until then.
            if let Err(errno) = poll(&mut fds, None)
                && errno != rustix::io::Errno::INTR
            {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

/// Kills the command, which is useless without its network.
impl Drop for Guest {
    fn drop(&mut self) {
        // If the command has already exited and its exit code has been collected, both calls have no effect.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Interrupt for Guest {
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [Some(self.pidfd.as_fd()), Some(self.signals.as_fd())]
    }

    fn verdict(&mut self) -> Verdict {
        if self.poll_exit_code().is_some() { Verdict::End } else { Verdict::GoOn }
    }
}

/// Builds the command without starting it.
pub(super) fn build(command: &[OsString]) -> Result<Command, SandboxError> {
    let [program, arguments @ ..] = command else { return Err(SandboxError::NotFound(String::new())) };
    let mut built = Command::new(program);
    built.args(arguments);
    Ok(built)
}

/// Returns the error for a command that could not be started.
pub(super) fn cannot_run(command: &[OsString], error: io::Error) -> SandboxError {
    let name = command.first().map(|c| c.to_string_lossy().into_owned()).unwrap_or_default();
    match error.kind() {
        io::ErrorKind::NotFound => SandboxError::NotFound(name),
        _ => SandboxError::NotExecutable(name, error),
    }
}

/// Converts the exit status of the command to an exit code, as a shell does.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|n| n + 128));
    code.and_then(|c| u8::try_from(c).ok()).unwrap_or(1)
}

/// Catches signals, so that this process outlives the command. A terminal also sends SIGHUP, SIGINT and SIGQUIT to the
/// command, so this process only needs to survive these signals. This process does not ignore them, because the command
/// would inherit that setting. SIGTERM reaches only this process. The handler of SIGTERM writes a byte to the returned
/// stream.
fn take_signals() -> io::Result<UnixStream> {
    for signal in [SIGHUP, SIGINT, SIGQUIT] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(SIGTERM, write)?;
    Ok(read)
}
