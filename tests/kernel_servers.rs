//! Every program's client, calling servers on the kernel's TCP and UDP: exact standard output and exit codes.
#![cfg(target_os = "linux")]

mod common;

use common::link::{CALLER, KERNEL, Link, noise, on_tap, on_tap_and_tun};
use common::peer::{Finished, Peer, python};

#[test]
fn every_program_on_tcp() {
    on_tap_and_tun("every_program_on_tcp", |link| {
        for address in KERNEL {
            let server = |script, port| python::server(script, address.parse().unwrap(), port);
            let call = |arguments: &[&str]| done(link.call(arguments, b""));

            let _greeting = server(python::GREETING, 9999);
            assert_eq!(call(&["greeting", address]), "Welcome!\nHello,Li!\nHello,Cheng!\nHello,victor!\n");
            assert_eq!(call(&["greeting", address, "a b", "ñ"]), "Welcome!\nHello,a b!\nHello,ñ!\n");

            let _echo = server(python::ECHO, 7);
            assert_eq!(call(&["echo", address, "one", "two words"]), "one\ntwo words\n");

            let discard = server(DISCARD, 9);
            assert_eq!(call(&["discard", address, "one", "two"]), "");
            discard.wait_for("6 bytes", |out| out.ends_with("\n6\n"));
            assert_eq!(call(&["discard", address, "--bytes", "300000"]), "");
            discard.wait_for("300000 bytes", |out| out.ends_with("\n300000\n"));

            let _chargen = server(CHARGEN, 19);
            assert_eq!(call(&["chargen", address, "--bytes", "100000"]), "0123456789".repeat(10_000));

            let ack = server(python::ACK, 9998);
            assert_eq!(call(&["ack", address, "hello"]), "ACK\n");
            ack.wait_for("hello", |out| out == "ready\nhello\n");

            let _thanks = server(python::THANKS, 8080);
            // A connection for each.
            assert_eq!(call(&["thanks", address, "one", "two"]), "thank you !\nthank you !\n");

            let _upper = server(python::UPPER, 14000);
            assert_eq!(call(&["upper", address, "straße"]), "STRASSE\n");

            let _elsewhere = server(python::UPPER, 4000);
            let host = if address.contains(':') { format!("[{address}]:4000") } else { format!("{address}:4000") };
            assert_eq!(call(&["upper", &host, "moved"]), "MOVED\n");
        }
    });
}

#[test]
fn every_program_on_udp() {
    on_tap_and_tun("every_program_on_udp", |link| {
        for (address, caller) in KERNEL.into_iter().zip(CALLER) {
            let server = |script, port| python::server(script, address.parse().unwrap(), port);
            let call = |arguments: &[&str]| done(link.call(arguments, b""));

            let _greeting = server(python::GREETING_UDP, 9999);
            let greetings = "hello Li!\nhello Cheng!\nhello victor!\n";
            assert_eq!(call(&["greeting", address, "--udp"]), greetings);

            let _echo = server(python::ECHO_UDP, 7);
            assert_eq!(call(&["echo", address, "--udp", "one", "", "two words"]), "one\n\ntwo words\n");

            let discard = server(python::INBOX, 9);
            assert_eq!(call(&["discard", address, "--udp", "one", "two"]), "");
            discard.wait_for("both", |out| out == "ready\none\ntwo\n");

            let _thanks = server(python::THANKS_UDP, 8081);
            assert_eq!(call(&["thanks", address, "--udp", "hi"]), "thank you !\n");

            let inbox = server(WHO, 9997);
            assert_eq!(call(&["inbox", address]), format!("{caller} sent AAABBBCCC\n"));
            assert_eq!(call(&["inbox", address, "a", "b"]), format!("{caller} sent a\n{caller} sent b\n"));
            // With no end of line, no end of standard input either: nothing is waited for.
            assert_eq!(call(&["inbox", address, "c", "d", "--no-wait"]), "");
            inbox.wait_for("all five", |out| out == "ready\nAAABBBCCC\na\nb\nc\nd\n");
        }
    });
}

#[test]
fn standard_input_is_sent() {
    on_tap_and_tun("standard_input_is_sent", |link| {
        for address in KERNEL {
            let server = |script, port| python::server(script, address.parse().unwrap(), port);
            let call = |arguments: &[&str], input: &[u8]| done(link.call(arguments, input));

            let _echo = server(python::ECHO, 7);
            let bytes = noise(300_000, 5);
            let back = link.call(&["echo", address], &bytes);
            assert!(back.code() == Some(0) && back.stdout == bytes, "{} bytes, {}", back.stdout.len(), back.err());
            assert_eq!(call(&["echo", address], b""), "");

            // The reply begins only after this side's end of stream.
            let _after = server(AFTER, 4000);
            let host = if address.contains(':') { format!("[{address}]:4000") } else { format!("{address}:4000") };
            assert_eq!(call(&["echo", &host], b"to the end\n"), "to the end\n");

            let _upper = server(python::UPPER, 14000);
            assert_eq!(call(&["upper", address], b"a line\nanother\n"), "A LINE\n");
            let ack = server(python::ACK, 9998);
            assert_eq!(call(&["ack", address], b"no line end"), "ACK\n");
            ack.wait_for("the line", |out| out == "ready\nno line end\n");

            let _datagrams = server(python::ECHO_UDP, 7);
            assert_eq!(call(&["echo", address, "--udp"], b"one\r\n\ntwo"), "one\n\ntwo\n");
            let _inbox = server(WHO, 9997);
            assert_eq!(call(&["inbox", address, "--no-wait"], b"x\ny\n"), "");
        }
    });
}

#[test]
fn random_numbers_are_greeted() {
    on_tap("random_numbers_are_greeted", |link| {
        let _server = python::server(python::GREETING, KERNEL[0].parse().unwrap(), 9999);
        let out = done(link.call(&["greeting", KERNEL[0], "--random", "5"], b""));
        let number = |line: &str| line.strip_prefix("Hello,")?.strip_suffix('!')?.parse::<u32>().ok();
        assert!(out.lines().count() == 5 && out.lines().all(|line| number(line).is_some()), "{out}");
    });
}

#[test]
fn a_terminal_is_prompted() {
    on_tap("a_terminal_is_prompted", |link| {
        let address = KERNEL[0];
        let server = |script, port| python::server(script, address.parse().unwrap(), port);
        let (_upper, _echo) = (server(python::UPPER, 14000), server(python::ECHO, 7));
        let (_datagrams, _ack) = (server(python::THANKS_UDP, 8081), server(python::ACK, 9998));
        assert_eq!(on_terminal(link, &["upper", address], 1), ">> hello 1\r\nHELLO 1\r\nexit 0\n");
        assert_eq!(on_terminal(link, &["ack", address], 1), ">> hello 1\r\nACK\r\nexit 0\n");
        let echo = ">> hello 1\r\nhello 1\r\n>> hello 2\r\nhello 2\r\n>> exit 0\n";
        assert_eq!(on_terminal(link, &["echo", address], 3), echo);
        let thanks = ">> hello 1\r\nthank you !\r\n>> hello 2\r\nthank you !\r\n>> exit 0\n";
        assert_eq!(on_terminal(link, &["thanks", address, "--udp"], 3), thanks);
    });
}

/// Standard output of a call that went well.
#[track_caller]
fn done(finished: Finished) -> String {
    assert!(finished.code() == Some(0) && finished.err().is_empty(), "{finished:?}");
    finished.out()
}

/// What a person sees who answers so many prompts, the third with the end of input.
fn on_terminal(link: Link, call: &[&str], prompts: u32) -> String {
    let smolstep = env!("CARGO_BIN_EXE_smolstep");
    let prompts = prompts.to_string();
    let arguments = [&[&prompts, smolstep, "call"][..], call, &link.arguments()].concat();
    let person: Peer = python::run(PERSON, &arguments);
    let finished = person.finish();
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    finished.out()
}

const PERSON: &str = r"
import os, pty, sys
prompts = int(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    os.environ['RUST_LOG'] = 'error'
    os.execv(sys.argv[2], sys.argv[2:])
seen, answered = b'', 0
while True:
    try:
        data = os.read(terminal, 1024)
    except OSError:
        break
    if not data:
        break
    seen += data
    while answered < prompts and seen.count(b'>> ') > answered:
        answered += 1
        # The third answer is Ctrl-D.
        os.write(terminal, b'hello %d\n' % answered if answered < 3 else b'\x04')
_, status = os.waitpid(child, 0)
sys.stdout.write(seen.decode() + 'exit %d\n' % os.waitstatus_to_exitcode(status))
";

/// Counts the bytes of each connection.
const DISCARD: &str = "
def serve(connection):
    count = 0
    while data := connection.recv(65536):
        count += len(data)
    print(count, flush=True)
tcp(serve)
";

/// Digits without end.
const CHARGEN: &str = "
def serve(connection):
    try:
        while True:
            connection.sendall(b'0123456789' * 100)
    except OSError:
        pass
tcp(serve)
";

/// Sends everything back, but only after the end of stream.
const AFTER: &str = "
def serve(connection):
    everything = b''
    while data := connection.recv(65536):
        everything += data
    connection.sendall(everything)
tcp(serve)
";

/// Prints each datagram, and answers who sent it.
const WHO: &str = "
bound = socket.socket(family, socket.SOCK_DGRAM)
bound.bind((address, port))
print('ready', flush=True)
while True:
    data, sender = bound.recvfrom(65535)
    print(data.decode(), flush=True)
    bound.sendto(sender[0].encode() + b' sent ' + data, sender)
";
