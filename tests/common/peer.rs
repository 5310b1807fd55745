//! Programs that a test runs and exchanges data with: smolstep, and peers on the kernel's TCP and UDP.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::netns::spawn;

/// Starts `smolstep serve ARGUMENTS`, and waits until the server has printed `lines` lines of the form `listening …`.
///
/// The server prints such a line for each address, transport and program.
pub fn serve(arguments: &[&str], lines: usize) -> Peer {
    Peer::start(smolstep().arg("serve").args(arguments)).listening(lines)
}

/// Runs `smolstep call ARGUMENTS` until it exits, with `input` as standard input.
pub fn call(arguments: &[&str], input: &[u8]) -> Finished {
    Peer::start(smolstep().arg("call").args(arguments)).finish_with(input)
}

/// Runs `nc ARGUMENTS` (OpenBSD's nc) until it exits, with `input` as standard input.
pub fn nc(arguments: &[&str], input: &[u8]) -> Finished {
    Peer::start(Command::new("nc").args(arguments)).finish_with(input)
}

/// Returns a command for the program under test.
pub fn smolstep() -> Command {
    Command::new(env!("CARGO_BIN_EXE_smolstep"))
}

/// A running child process, which is killed on drop. Threads collect its output.
pub struct Peer {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    out: Arc<Collected>,
    err: Arc<Collected>,
}

/// The exit status and the output of a child process that has exited.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// The time limit of each wait, long enough for slow machines.
const PATIENCE: Duration = Duration::from_secs(120);

impl Peer {
    /// Starts a command with all three streams piped to the test.
    ///
    /// # Panics
    /// Panics if the program does not exist.
    pub fn start(command: &mut Command) -> Peer {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(command).unwrap_or_else(|e| panic!("{name} does not start: {e}"));
        let out = Collected::of(child.stdout.take().unwrap());
        let err = Collected::of(child.stderr.take().unwrap());
        Peer { name, input: child.stdin.take(), child, out, err }
    }

    /// Waits until the child has printed `lines` lines of the form `listening …`.
    ///
    /// # Panics
    /// Panics if the child does not print the lines within [`PATIENCE`].
    pub fn listening(self, lines: usize) -> Peer {
        self.wait_for(&format!("{lines} listening lines"), |out| {
            out.lines().filter(|line| line.starts_with("listening ")).count() >= lines
        });
        self
    }

    /// Sends SIGINT, as Ctrl-C does, and waits for a successful exit.
    ///
    /// # Panics
    /// Panics if the exit code is not 0.
    pub fn stop(self) -> Finished {
        self.interrupt();
        let finished = self.finish();
        assert_eq!(finished.code(), Some(0), "{finished:?}");
        finished
    }

    /// Returns the standard output read so far. The latest output might be missing.
    pub fn out(&self) -> String {
        self.out.text()
    }

    /// Returns the standard error read so far.
    pub fn err(&self) -> String {
        self.err.text()
    }

    /// Writes to the child's standard input.
    pub fn type_in(&mut self, input: &[u8]) {
        self.input.as_mut().expect("standard input is open").write_all(input).unwrap();
    }

    /// Waits until `done` returns true for the standard output so far.
    ///
    /// # Panics
    /// Panics if the output ends, or the time limit [`PATIENCE`] passes, before `done` returns true. The panic message
    /// contains `what`.
    pub fn wait_for(&self, what: &str, done: impl Fn(&str) -> bool) {
        let came = self.out.wait(|out| done(&String::from_utf8_lossy(out)));
        assert!(came, "{}: no {what} in {:?}; its standard error: {}", self.name, self.out, self.err.text());
    }

    /// Waits until `lines` lines of the standard error so far contain `text`.
    ///
    /// # Panics
    /// Panics if standard error ends, or the time limit [`PATIENCE`] passes, before the lines have arrived.
    pub fn wait_for_log(&self, text: &str, lines: usize) {
        let count = |err: &str| err.lines().filter(|line| line.contains(text)).count();
        let came = self.err.wait(|err| count(&String::from_utf8_lossy(err)) >= lines);
        assert!(came, "{}: not {lines} lines with {text:?}; its standard error: {}", self.name, self.err.text());
    }

    /// Returns the child's process identifier.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub fn interrupt(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a child's id");
        kill_process(pid, Signal::INT).unwrap();
    }

    /// Kills the child with SIGKILL, so the child cannot close its connections itself.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
    }

    /// Closes the child's standard input, and waits until the child exits.
    ///
    /// # Panics
    /// Panics if the child does not exit within [`PATIENCE`].
    pub fn finish(self) -> Finished {
        self.finish_with(&[])
    }

    /// Writes `input` to the child's standard input, closes this input, and waits until the child exits.
    ///
    /// # Panics
    /// Panics if the child does not exit within [`PATIENCE`].
    pub fn finish_with(mut self, input: &[u8]) -> Finished {
        let (stdin, input) = (self.input.take(), input.to_vec());
        // A separate thread writes, because a child that does not read must not block the test.
        thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
        let ended = self.out.wait_end() && self.err.wait_end();
        assert!(ended, "{} does not end; so far {:?}; its standard error: {}", self.name, self.out, self.err.text());
        let status = self.child.wait().unwrap();
        Finished { status, stdout: self.out.take(), stderr: self.err.take() }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// Returns the exit code, or `None` if a signal killed the child.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Returns the child's standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Returns the child's standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// The bytes of a stream so far and whether it has ended.
#[derive(Default)]
struct Collected {
    state: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl Collected {
    /// Starts a thread that collects the bytes of a stream until the stream ends.
    fn of(mut stream: impl Read + Send + 'static) -> Arc<Collected> {
        let collected = Arc::new(Collected::default());
        let ours = collected.clone();
        thread::spawn(move || {
            let mut buffer = [0; 65536];
            loop {
                let len = stream.read(&mut buffer).unwrap_or(0);
                let mut state = ours.state.lock().unwrap();
                state.0.extend_from_slice(&buffer[..len]);
                state.1 = len == 0;
                ours.changed.notify_all();
                if len == 0 {
                    break;
                }
            }
        });
        collected
    }

    /// Waits until `done` returns true for the bytes so far. Returns false if the stream ends or the time limit passes
    /// first.
    fn wait(&self, done: impl Fn(&[u8]) -> bool) -> bool {
        let state = self.state.lock().unwrap();
        let waiting = |state: &mut (Vec<u8>, bool)| !state.1 && !done(&state.0);
        let (state, _) = self.changed.wait_timeout_while(state, PATIENCE, waiting).unwrap();
        done(&state.0)
    }

    /// Waits for the end of the stream. Returns false if the stream does not end within [`PATIENCE`].
    fn wait_end(&self) -> bool {
        self.wait(|_| false);
        self.state.lock().unwrap().1
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.state.lock().unwrap().0)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.state.lock().unwrap().0).into_owned()
    }
}

impl std::fmt::Debug for Collected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text().fmt(f)
    }
}

/// Runs the Python peers in tests/peers, which use the kernel's sockets.
pub mod python {
    use std::net::IpAddr;
    use std::process::Command;

    use super::Peer;

    /// Returns the command `python3 tests/peers/NAME.py`. The command writes no compiled files.
    pub fn command(name: &str) -> Command {
        let mut command = Command::new("python3");
        command.args(["-B", "-X", "utf8"]).arg(format!("{}/tests/peers/{name}.py", env!("CARGO_MANIFEST_DIR")));
        command
    }

    /// Starts tests/peers/NAME.py with `arguments`.
    pub fn run(name: &str, arguments: &[&str]) -> Peer {
        Peer::start(command(name).args(arguments))
    }

    /// Starts a server on an address and port, and waits until it is ready.
    pub fn server(name: &str, address: IpAddr, port: u16) -> Peer {
        server_with(name, address, port, &[])
    }

    /// Starts a server with further arguments, and waits until it is ready.
    pub fn server_with(name: &str, address: IpAddr, port: u16, arguments: &[&str]) -> Peer {
        let peer = run(name, &[&[&address.to_string()[..], &port.to_string()], arguments].concat());
        peer.wait_for("ready", |out| out.starts_with("ready"));
        peer
    }
}
