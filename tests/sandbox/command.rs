//! Tests `smolstep sandbox` and its options, as a user runs them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use smolstep::cli::netlink::Netlink;

use crate::common::link::PATIENCE;
use crate::common::netns::{in_namespace, output, path_of, sandbox_possible, skip, spawn};

#[test]
fn the_exit_code_is_that_of_the_command() {
    let Some(home) = Home::new("exit") else { return };
    let code = |command: &[&str]| home.run(&[], command).status.code();
    assert_eq!(code(&["true"]), Some(0));
    assert_eq!(code(&["sh", "-c", "exit 7"]), Some(7));
    assert_eq!(code(&["sh", "-c", "kill -9 $$"]), Some(137));
    assert_eq!(code(&["/nonexistent/command"]), Some(127));
    assert_eq!(code(&["/dev/null"]), Some(126));
}

#[test]
fn the_command_sees_tap0_up_with_both_addresses() {
    let Some(home) = Home::new("tap") else { return };
    let shown = home.run(&[], &["ip", "-br", "addr", "show", "dev", "tap0"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("192.168.69.100/24") && shown.contains("fdaa::64/64"), "{shown}");
    // tap0 exists, but no program uses it: attaching to it works, while creating another tap0 fails.
    let inside = home.run(&[], &[&this_program(), "--exact", &path_of("inside_attach"), "--ignored"]);
    let said = String::from_utf8_lossy(&inside.stdout);
    assert!(inside.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn sigterm_reaches_the_command_and_nothing_is_left_behind() {
    let Some(home) = Home::new("term") else { return };
    let mut sandbox = home.start(&[], &["sh", "-c", "echo up; exec cat"]);
    assert_eq!(sandbox.line(), "up\n");
    assert_eq!(home.entries(), 1);
    // Otherwise `wait` would close the input, and the command would exit because of that. Only the signal is meant to
    // stop the command.
    let _input = sandbox.child.stdin.take();
    kill_process(Pid::from_child(&sandbox.child), Signal::TERM).unwrap();
    let status = sandbox.child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(128 + 15), None));
    assert_eq!(home.entries(), 0);
}

#[test]
fn sigint_is_left_to_the_command() {
    let Some(home) = Home::new("int") else { return };
    let mut sandbox = home.start(&[], &["sh", "-c", "echo up; cat; exit 5"]);
    assert_eq!(sandbox.line(), "up\n");
    kill_process(Pid::from_child(&sandbox.child), Signal::INT).unwrap();
    assert_eq!(sandbox.end(), Some(5));
}

#[test]
fn join_runs_in_the_newest_sandbox() {
    let Some(home) = Home::new("join") else { return };
    let none = home.run(&["--join"], &["true"]);
    assert_eq!(none.status.code(), Some(1));
    let text = String::from_utf8(none.stderr).unwrap();
    assert!(text.contains("no sandbox of yours is running") && text.lines().count() == 1, "{text}");

    let show = ["sh", "-c", "readlink /proc/self/ns/net; exec cat"];
    let mut older = home.start(&[], &show);
    let first = older.line();
    let mut newer = home.start(&[], &show);
    let second = newer.line();
    assert_ne!(first, second);
    let joined = home.run(&["--join"], &["sh", "-c", "readlink /proc/self/ns/net; exit 9"]);
    assert_eq!((String::from_utf8(joined.stdout).unwrap(), joined.status.code()), (second, Some(9)));
    assert_eq!(newer.end(), Some(0));
    let joined = home.run(&["--join"], &["readlink", "/proc/self/ns/net"]);
    assert_eq!(String::from_utf8(joined.stdout).unwrap(), first);
    assert_eq!(home.run(&["--join"], &["/nonexistent/command"]).status.code(), Some(127));
    assert_eq!(older.end(), Some(0));
}

#[test]
fn a_published_port_reaches_the_server() {
    in_namespace("a_published_port_reaches_the_server", || {
        let Some(home) = Home::new("publish") else { return };
        let inside = [&this_program(), "--exact", &path_of("inside_server"), "--ignored", "--nocapture"];
        let mut sandbox = home.start(&["--publish", &format!("{PORT}=9999")], &inside);
        while !sandbox.line().contains("serving") {}

        for text in [b"one".as_slice(), b"two"] {
            let mut stream = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
            stream.write_all(text).unwrap();
            // The server answers only at the end of the stream, so the half-close must reach it.
            stream.shutdown(Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            assert_eq!(answer, [text, b"!"].concat());
        }

        // Each of the two clients must receive its own answer.
        let clients = [0, 1].map(|_| {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket
        });
        for (i, client) in clients.iter().enumerate() {
            client.send_to(format!("udp {i}").as_bytes(), ("127.0.0.1", PORT)).unwrap();
        }
        for (i, client) in clients.iter().enumerate() {
            let mut buffer = [0; 64];
            let (len, from) = client.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..len], from.port()), (format!("udp {i}!").as_bytes(), PORT));
        }
        assert_eq!(sandbox.end(), Some(0));
    });
}

#[test]
fn a_published_port_without_a_server_is_reset() {
    in_namespace("a_published_port_without_a_server_is_reset", || {
        let Some(home) = Home::new("reset") else { return };
        // The server's address exists, but no program listens on the port.
        let inside = ["sh", "-c", "ip addr add 192.168.69.1/32 dev lo; echo up; exec cat"];
        let mut sandbox = home.start(&["--publish", &format!("{PORT}=9998")], &inside);
        assert_eq!(sandbox.line(), "up\n");
        let mut stream = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
        let error = stream.read(&mut [0; 1]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        assert_eq!(sandbox.end(), Some(0));
    });
}

#[test]
fn a_port_is_published_where_either_transport_is_served() {
    in_namespace("a_port_is_published_where_either_transport_is_served", || {
        let Some(home) = Home::new("either") else { return };
        for (options, port, code) in [
            (&["--serve", "inbox"][..], 9997, 0),
            (&["--serve", "ack"], 9998, 0),
            (&["--serve", "ack", "--port", "ack=4000"], 4000, 0),
            (&["--serve", "ack", "--port", "ack=4000"], 9998, 2),
            // Without --serve, COMMAND might listen on any port.
            (&[], 7777, 0),
        ] {
            let publish = ["--publish", &format!("{PORT}={port}")];
            let run = home.run(&[options, &publish].concat(), &["true"]);
            assert_eq!(run.status.code(), Some(code), "{options:?} {port}: {run:?}");
        }
    });
}

#[test]
fn a_port_in_use_is_a_one_line_error() {
    let Some(home) = Home::new("inuse") else { return };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let publish = format!("{}=9999", taken.local_addr().unwrap().port());
    let refused = home.run(&["--publish", &publish], &["true"]);
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("in use: publish another port") && text.lines().count() == 1, "{text}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let Some(home) = Home::new("usage") else { return };
    assert_eq!(home.run(&["--publish", "99999=1"], &["true"]).status.code(), Some(2));
    assert_eq!(home.run(&["--join", "--publish", "1=1"], &["true"]).status.code(), Some(2));
    assert_eq!(home.run(&[], &[]).status.code(), Some(2));
}

#[test]
fn the_doctor_prints_one_line_for_each_check() {
    if let Err(why) = sandbox_possible() {
        return skip(&why);
    }
    let report = output(Command::new(env!("CARGO_BIN_EXE_smolstep")).arg("doctor")).unwrap();
    let text = String::from_utf8(report.stdout).unwrap();
    assert_eq!(report.status.code(), Some(0), "{text}");
    assert!(text.lines().all(|line| line.starts_with("ok       ") || line.starts_with("note     ")), "{text}");
    assert!(text.contains("ok       `smolstep sandbox` works"), "{text}");
}

/// Not a test: the server inside the sandbox of `a_published_port_reaches_the_server`.
///
/// The server adds 192.168.69.1 to the sandbox's loopback interface, and serves TCP and UDP port 9999 until its
/// standard input ends.
#[test]
#[ignore = "run in a sandbox by another test"]
fn inside_server() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let mut netlink = Netlink::open().unwrap();
    let lo = netlink.link("lo").unwrap().unwrap();
    netlink.add_address(lo.index, "192.168.69.1".parse().unwrap(), 32).unwrap();
    let tcp = TcpListener::bind("192.168.69.1:9999").unwrap();
    let udp = UdpSocket::bind("192.168.69.1:9999").unwrap();
    std::thread::spawn(move || {
        for stream in tcp.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            stream.write_all(&[&bytes, b"!".as_slice()].concat()).unwrap();
        }
    });
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        loop {
            let (len, from) = udp.recv_from(&mut buffer).unwrap();
            udp.send_to(&[&buffer[..len], b"!"].concat(), from).unwrap();
        }
    });
    println!("serving");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Not a test: attaches to tap0 inside a sandbox.
#[test]
#[ignore = "run in a sandbox by another test"]
fn inside_attach() {
    use smolstep::phy::linux::{Kind, OpenError, TunTap, create};
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    assert_eq!(create(Kind::Tap, "tap0").unwrap_err(), OpenError::InUse("tap0".into()));
    TunTap::open(Kind::Tap, "tap0").unwrap();
}

const INSIDE: &str = "SMOLSTEP_TEST_INSIDE";

/// Returns the path of this test binary.
fn this_program() -> String {
    std::env::current_exe().unwrap().to_str().unwrap().to_owned()
}

/// The published port. The port is free, because the test runs in its own network namespace.
const PORT: u16 = 10_000;

/// A separate XDG_RUNTIME_DIR for a test, so that tests do not see each other's sandboxes.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Option<Home> {
        if let Err(why) = sandbox_possible() {
            skip(&why);
            return None;
        }
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sandbox-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Some(Home(path))
    }

    /// Returns a command that runs `smolstep sandbox`.
    fn command(&self, options: &[&str], command: &[&str]) -> Command {
        let mut built = Command::new(env!("CARGO_BIN_EXE_smolstep"));
        built.arg("sandbox").args(options).arg("--").args(command);
        built.env("XDG_RUNTIME_DIR", &self.0).env(INSIDE, "1");
        built
    }

    fn run(&self, options: &[&str], command: &[&str]) -> Output {
        output(&mut self.command(options, command)).unwrap()
    }

    fn start(&self, options: &[&str], command: &[&str]) -> Running {
        let mut built = self.command(options, command);
        let mut child = spawn(built.stdin(Stdio::piped()).stdout(Stdio::piped())).unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Running { child, output }
    }

    /// Returns the number of sandboxes that are registered as running.
    fn entries(&self) -> usize {
        std::fs::read_dir(self.0.join("smolstep")).unwrap().count()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running sandbox. Its command exits when the sandbox's standard input ends.
struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// Reads the next line of the command's output.
    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the command has ended");
        line
    }

    /// Closes the standard input, and returns the exit code.
    fn end(mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        self.child.wait().unwrap().code()
    }
}
