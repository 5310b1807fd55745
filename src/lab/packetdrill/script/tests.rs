//! Tests of the scripts' grammar.

use std::format;
use std::string::{String, ToString};

use super::*;
use crate::lab::packetdrill::calls::{Function, Outcome};

const SOCKET: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";

fn script(rest: &str) -> Script {
    Script::parse(&format!("{SOCKET}{rest}")).unwrap_or_else(|error| panic!("{rest}: {error:?}"))
}

fn error(text: &str) -> (usize, usize, String) {
    let Error { line, column, word, .. } = Script::parse(text).expect_err(text);
    (line, column, word)
}

#[test]
fn times_are_absolute_relative_ranges_or_free() {
    let whens = |text: &str| script(text).events.last().map(|event| event.when);
    let micros = Duration::from_micros;
    for (time, when) in [
        ("*", When::Any),
        ("1", When::Since(micros(1_000_000), micros(1_000_000))),
        (".25", When::Since(micros(250_000), micros(250_000))),
        ("0.1~0.3", When::Since(micros(100_000), micros(300_000))),
        ("+.000001", When::After(micros(1), micros(1))),
        ("+ 1.5~+2.0000019", When::After(micros(1_500_000), micros(2_000_001))),
    ] {
        assert_eq!(whens(&format!("{time} > . 1:1(0) ack 1")), Some(when), "{time}");
    }
}

#[test]
fn calls_have_their_arguments_and_results() {
    let call = |text: &str| match script(text).events.pop().map(|event| event.action) {
        Some(Action::Call(call)) => (call.function, call.until.map(|until| until.total_micros()), call.result),
        other => panic!("{text}: {other:?}"),
    };
    let number = Outcome::Number;
    for (text, function, until, result) in [
        ("+0 bind(3, ..., ...) = 0", Function::Bind(3), None, number(0)),
        ("+0 listen(3, 5) = 0 // five", Function::Listen(3, 5), None, number(0)),
        ("+.1...0.2 accept(3, ..., ...) = 4", Function::Accept(3), Some(200_000), number(4)),
        ("+0 read(3, \"a\\\"),\", 10) = 5", Function::Read(3, 10), None, number(5)),
        ("+0 recvfrom(3, ..., 10, 0, ..., ...) = 5", Function::Read(3, 10), None, number(5)),
        ("+0 send(3, ..., 10, MSG_DONTWAIT) = 10", Function::Write(3, 10), None, number(10)),
        ("+0 shutdown(3, SHUT_RD) = 0", Function::Shutdown(3, false), None, number(0)),
        ("+0 shutdown(3, SHUT_RDWR) = 0", Function::Shutdown(3, true), None, number(0)),
        ("+0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)", Function::Option(3), None, number(2)),
        ("+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0", Function::Option(3), None, number(0)),
        ("+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0", Function::Option(3), None, number(0)),
        ("+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0", Function::Option(3), None, number(0)),
        (
            "+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0",
            Function::Linger(3, true),
            None,
            number(0),
        ),
        (
            "+0 connect(3, {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr(\"192.0.2.1\")}, 16) = -1 \
             EINPROGRESS (Operation now in progress)",
            Function::Connect(3),
            None,
            Outcome::Error("EINPROGRESS".into()),
        ),
        ("+0 read(3, ..., 1) = -1", Function::Read(3, 1), None, Outcome::Error(String::new())),
    ] {
        assert_eq!(call(text), (function, until, result), "{text}");
    }
    let buffers = script("+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [4000], 4) = 0").buffers;
    assert_eq!((buffers.receive, buffers.send), (4000, BUFFERS.send));
    assert!(script("+0 connect(3, ..., ...) = 0").connects && !script("+0 listen(3, 1) = 0").connects);
}

#[test]
fn options_come_first() {
    assert_eq!(Script::parse(SOCKET).map(|script| script.tolerance), Ok(TOLERANCE));
    let text = format!("// a comment\n--tolerance_usecs=10000\n--ip_version=ipv4\n{SOCKET}");
    assert_eq!(Script::parse(&text).map(|script| script.tolerance), Ok(Duration::from_millis(10)));
}

#[test]
fn an_error_names_the_line_the_column_and_the_word() {
    for (text, line, column, word) in [
        ("", 1, 1, ""),
        ("// nothing\n", 2, 1, ""),
        ("--mtu=1500\n", 1, 3, "mtu"),
        ("--ip_version=ipv6\n", 1, 14, "ipv6"),
        ("--tolerance_usecs=-1\n", 1, 19, "-"),
        ("`../common/defaults.sh`\n", 1, 1, "`"),
        ("0 `true`\n", 1, 3, "`"),
        ("0 %{ print(1) }%\n", 1, 3, "%"),
        ("0 socket(...) = 3 3", 1, 20, ""),
        ("x > . 1:1(0) ack 1", 1, 1, "x"),
        (". > . 1:1(0) ack 1", 1, 1, "."),
        ("86401 > . 1:1(0) ack 1", 1, 1, "86401"),
        ("99999999999999999999 > . 1:1(0) ack 1", 1, 1, "99999999999999999999"),
        ("+0~1 > . 1:1(0) ack 1", 1, 4, "1"),
        ("3~1 > . 1:1(0) ack 1", 1, 3, "1"),
        ("0 < . 1:1(0) ack 1", 1, 5, "."),
        ("0 < . 1:1(0) ack 1 win 5 <...>", 1, 5, "."),
        ("0 < icmp unreachable", 1, 5, "icmp"),
        ("0 > [ect0] . 1:1(0) ack 1", 1, 5, "["),
        ("0 > udp (5)", 1, 5, "udp"),
        ("0 > X 1:1(0)", 1, 5, "X"),
        ("0 poll(...) = 1", 1, 3, "poll"),
        ("0 write(4, ..., 1) = 1", 1, 9, "4"),
        ("0 socket(..., ..., 6 = 3", 1, 22, "="),
        ("0 socket(..., SOCK_STREAM", 1, 26, ""),
        ("0 socket(AF_UNIX, SOCK_STREAM, 0) = 3", 1, 10, "AF_UNIX"),
        ("0 socket(AF_INET6, ..., ...) = 3", 1, 10, "AF_INET6"),
        ("0 socket(AF_INET, SOCK_DGRAM, 0) = 3", 1, 19, "SOCK_DGRAM"),
        ("0 socket(AF_INET, SOCK_STREAM, 17) = 3", 1, 32, "17"),
        ("0 socket(AF_INET, SOCK_STREAM, 0, 0) = 3", 1, 33, ","),
        ("0 socket(..., \"a) = 3", 1, 15, "\""),
        ("0 socket(...) 3", 1, 15, "3"),
        ("0 socket(...) = x", 1, 17, "x"),
        ("0 socket(...) = -2", 1, 18, "2"),
        ("0 socket(...) = 3\n+0 socket(...) = 3", 2, 18, "3"),
        ("0 socket(...) = 3\n+1...0.5 accept(3, ..., ...) = 4", 2, 6, "0"),
        ("0 socket(...) = 3\n*...0.5 accept(3, ..., ...) = 4", 2, 5, "0"),
        ("0 socket(...) = 3\n+0 listen(3, 1) = 0\n+0 listen(3, 1) = 0", 3, 4, "listen"),
        ("0 socket(...) = 3\n+0 shutdown(3, 1) = 0", 2, 16, "1"),
        ("0 socket(...) = 3\n+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [1], 4) = 0", 2, 42, "1"),
        ("0 socket(...) = 3\n+0 close(3) = 0\n+0 close(3) = 0", 3, 10, "3"),
        ("0 socket(...) = 3\n/* to the end", 2, 1, "/*"),
    ] {
        assert_eq!(error(text), (line, column, word.into()), "{text}");
    }
}

#[test]
fn a_socket_is_for_tcp_over_ipv4() {
    for arguments in ["...", "..., ...", "..., SOCK_STREAM, 0", "AF_INET, SOCK_STREAM, 6", "AF_INET, ..., IPPROTO_TCP"]
    {
        assert!(Script::parse(&format!("0 socket({arguments}) = 3")).is_ok(), "{arguments}");
    }
}

#[test]
fn an_error_shows_a_word_short_and_without_control_characters() {
    let shown = |text: &str| Script::parse(text).unwrap_err().to_string();
    let long = shown(&format!("0 {}", "x".repeat(300_000)));
    assert!(long.starts_with(&format!("'{}...' should be", "x".repeat(40))) && long.len() < 400, "{}", long.len());
    assert!(shown("\u{1b}]0;x\u{7}").starts_with("'\\u{1b}' should be"));
}

#[test]
fn a_script_is_at_most_1_mib_and_10000_lines() {
    let lines = |count: usize| SOCKET.to_string() + &"\n".repeat(count - 2) + "+0 > . 1:1(0) ack 1";
    assert!(Script::parse(&lines(MAX_FILE_LINES)).is_ok());
    assert_eq!(error(&lines(MAX_FILE_LINES + 1)), (MAX_FILE_LINES + 1, 1, "+".into()));
    let bytes = |count: usize| SOCKET.to_string() + &" ".repeat(count - SOCKET.len());
    assert!(Script::parse(&bytes(MAX_FILE_BYTES)).is_ok());
    assert_eq!(error(&bytes(MAX_FILE_BYTES + 1)), (1, 1, "0".into()));
}
