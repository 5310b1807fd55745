//! Tests of runs: what a script can do and how it fails.

use std::format;
use std::string::ToString;

use super::*;
use crate::host::{HeapPool, Sizes};
use crate::lab::{Buffers, CONNECTIONS};
use crate::stack::NullConsole;

/// A server with an established connection, number 4, at 0.2 s. The peer has not sent anything.
const SERVER: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+.1 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
";

/// A client that has sent its SYN at 0.1 s.
const CLIENT: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+.1 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <...>
";

const LIMITS: Limits = Limits { time: Duration::from_secs(3600), steps: 100_000 };

fn run_within(limits: Limits, text: &str) -> Result<(), Failed> {
    let script = Script::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let Buffers { receive, send } = script.buffers;
    let sizes = Sizes { connections: CONNECTIONS, receive, send, ports: 0, datagrams: 0, payload: 0 };
    let mut pools = [(); 2].map(|()| HeapPool::new(sizes));
    run(&script, limits, pools.each_mut().map(|pool| (pool.memory(), NullConsole)), &mut |_, _| {})
}

#[track_caller]
fn holds(start: &str, rest: &str) {
    assert_eq!(run_within(LIMITS, &format!("{start}{rest}")), Ok(()), "{rest}");
}

/// Checks that the line `nth` after `start` fails and that the message contains `what`.
#[track_caller]
fn fails(start: &str, rest: &str, nth: usize, what: &str) {
    let failed = run_within(LIMITS, &format!("{start}{rest}")).expect_err(rest);
    assert_eq!(failed.line, start.lines().count() + nth, "{failed}");
    assert!(failed.to_string().contains(what), "{failed}");
}

#[test]
fn a_call_that_waits_returns_at_its_time() {
    let blocking = |until: &str| {
        format!(
            "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 0\n+0...{until} accept(3, ..., ...) = 4\n\
             +.1 < S 0:0(0) win 32792 <mss 1000>\n+0 > S. 0:0(0) ack 1 <...>\n+.1 < . 1:1(0) ack 1 win 257\n\
             +.1...{until} read(4, ..., 2000) = 10\n"
        )
    };
    holds(&blocking("0.2"), "+.1 < P. 1:11(10) ack 1 win 257");
    fails("", &(blocking("0.3") + "+.1 < P. 1:11(10) ack 1 win 257"), 3, "returned at 0.200000s");
    fails("", &(blocking("0.1") + "+.1 < P. 1:11(10) ack 1 win 257"), 3, "at 0.100000s, but it returned at 0.200000s");
    // The end of the connection also ends the wait.
    holds(SERVER, "+0...1 read(4, ..., 10) = 0\n+1 < F. 1:1(0) ack 1 win 257");
    holds(SERVER, "+0...1 read(4, ..., 10) = -1 ECONNRESET\n+1 < R. 1:1(0) ack 1 win 257");
    fails(SERVER, "+0...1 read(4, ..., 10) = 10", 1, "has not returned at 1.204000s");
}

#[test]
fn connect_waits_or_not() {
    let answer = "+.1 < S. 0:0(0) ack 1 win 5792 <mss 1000>\n+0 > . 1:1(0) ack 1\n";
    holds(CLIENT, &format!("{answer}+0 write(3, ..., 10) = 10\n+0 > P. 1:11(10) ack 1"));
    let waits = CLIENT.replace("+.1 connect(3, ..., ...) = -1 EINPROGRESS", "+.1...0.2 connect(3, ..., ...) = 0");
    holds(&waits, answer);
    let refused = waits.replace("= 0 (", "= -1 ECONNREFUSED (");
    holds(&refused, "+.1 < R. 0:0(0) ack 1 win 0");
    fails("", &(waits + "+.1 < R. 0:0(0) ack 1 win 0"), 3, "is -1 ECONNREFUSED");
    // The SYN is sent again after 1 s.
    holds(CLIENT, "+1 > S 0:0(0) <...>\n+2 > S 0:0(0) <...>");
    // Once the program has given up, nothing more is sent.
    fails(CLIENT, "+.5 close(3) = 0\n* > S 0:0(0) <...>", 2, "nothing was sent");
}

#[test]
fn numbers_are_relative_to_the_initial_number_after_the_syn() {
    let start = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 0\n";
    holds(
        start,
        "+0 < S 4294967295:4294967295(0) win 1000 <mss 1000,sackOK,nop,nop>\n+0 > S. 0:0(0) ack 0 <...>\n\
         +.1 < . 1:1(0) ack 1 win 257\n+0 accept(3, ..., ...) = 4\n+0 < S 1:1(0) win 5 <mss 9>\n+0 > . 1:1(0) ack 1\n\
         +0 < P. 11:21(10) ack 1 win 257\n+0 > . 1:1(0) ack 1 <sack 11:21>\n+0 < P. 1:11(10) ack 1 win 257\n+0 > . 1:1(0) ack 21\n\
         +0 < R. 21:21(0) ack 1 win 257\n+0 < S 5000:5000(0) win 1000 <mss 1000>\n* > S. 0:0(0) ack 5001 <...>",
    );
    holds(
        CLIENT,
        "+.1 < S. 123:123(0) ack 1 win 5792 <mss 1000>\n+0 > . 1:1(0) ack 1\n+0 < F. 1:1(0) ack 1 win 9\n+0 > . 1:1(0) ack 2",
    );
}

/// Both sides open the connection at the same time (RFC 9293 section 3.5).
#[test]
fn both_ends_can_open() {
    let open = "+.1 < S 7:7(0) win 5792 <mss 1000>\n+0 > S. 0:0(0) ack 8 <...>\n+.1 < . 1:1(0) ack 1 win 5792\n";
    holds(CLIENT, &format!("{open}+0 write(3, ..., 10) = 10\n+0 > P. 1:11(10) ack 1"));
}

#[test]
fn times_have_a_tolerance() {
    let again = |time: &str| format!("{}{time} > S. 0:0(0) ack 1 <...>", SERVER.split("+.1 < .").next().unwrap());
    for time in ["1.1", "+1", "+1.004", "+.996", "+.5~+1", "1.1~1.9", "*"] {
        holds("", &again(time));
        holds("", &format!("{}\n+2 > S. 0:0(0) ack 1 <...>", again(time)));
    }
    for (time, what) in
        [("+1.005", "sent at 1.100000s"), ("+.995", "nothing was sent until 1.099"), ("+2~+3", "sent at")]
    {
        fails("", &again(time), 6, what);
        holds("", &format!("--tolerance_usecs={}\n{}", 1_000_000, again(time)));
    }
    fails(SERVER, "0.1 < . 1:1(0) ack 1 win 5", 1, "it is 0.200000s already");
}

#[test]
fn a_segment_that_differs_is_named() {
    let data = "+0 < P. 1:11(10) ack 1 win 257\n";
    holds(SERVER, &format!("{data}+0 > . 1:1(0) ack 11 win 65525"));
    for (line, part) in [
        ("P. 1:1(0) ack 11", "the flags differ"),
        (". 2:2(0) ack 11", "the first number differs"),
        (". 1:2(1) ack 11", "the length differs"),
        (". 1:1(0) ack 12", "the acknowledgement number differs"),
        (". 1:1(0) ack 11 win 1", "the window differs"),
        (". 1:1(0) ack 11 <nop,nop,sack 1:2>", "the options differ"),
        ("R 1:1(0)", "the flags differ"),
    ] {
        fails(SERVER, &format!("{data}+0 > {line}"), 2, part);
        fails(SERVER, &format!("{data}+0 > {line}"), 2, &format!("expected '> {line}' at 0.200000s"));
        fails(SERVER, &format!("{data}+0 > {line}"), 2, "'> . 1:1(0) ack 11 win 65525' was sent at 0.200000s");
    }
}

#[test]
fn a_long_segment_can_come_in_pieces() {
    let write = "+0 write(4, ..., 2500) = 2500\n";
    for lines in [
        "+0 > P. 1:2501(2500) ack 1",
        "+0 > . 1:1001(1000) ack 1\n+0 > P. 1001:2501(1500) ack 1",
        "+0 > . 1:1001(1000) ack 1\n+0 > . 1001:2001(1000) ack 1\n+0 > P. 2001:2501(500) ack 1",
    ] {
        holds(SERVER, &format!("{write}{lines}"));
    }
    fails(SERVER, &format!("{write}+0 > . 1:2501(2500) ack 1"), 2, "the flags differ");
    fails(SERVER, &format!("{write}+0 > P. 1:3001(3000) ack 1"), 2, "only a part was sent until 0.204000s");
    fails(SERVER, &format!("{write}+0 > . 1:1501(1500) ack 1"), 2, "the length differs");
    // The peer's long segment takes several frames.
    holds(SERVER, "+0 < P. 1:4001(4000) ack 1 win 257\n+0 read(4, ..., 5000) = 4000");
}

#[test]
fn calls_on_a_socket_that_is_not_connected_fail() {
    for call in ["read(3, ..., 1) = -1 ENOTCONN", "write(3, ..., 1) = -1 ENOTCONN", "accept(3, ..., ...) = -1 EINVAL"] {
        holds("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n", &format!("+0 {call}"));
    }
    holds(SERVER, "+0 accept(3, ..., ...) = -1 EAGAIN\n+0 read(4, ..., 1) = -1\n+0 shutdown(4, SHUT_RD) = 0");
    fails(SERVER, "+0 read(4, ..., 1) = 1", 1, "expected read = 1, but the result is -1 EAGAIN");
    fails(SERVER, "+0 write(4, ..., 1) = -1", 1, "expected write = -1, but the result is 1");
    holds(SERVER, "+0 shutdown(4, SHUT_WR) = 0\n+0 shutdown(4, SHUT_WR) = -1 ENOTCONN\n+0 write(4, ..., 1) = -1 EPIPE");
    holds(SERVER, "+0 < R. 1:1(0) ack 1 win 0\n+0 write(4, ..., 1) = -1 EPIPE\n+0 close(4) = 0");
    let room = "+0 setsockopt(4, SOL_SOCKET, SO_SNDBUF, [1000], 4) = 0\n+0 write(4, ..., 1500) = 1000\n";
    holds(SERVER, &format!("{room}+0 write(4, ..., 1) = -1 EAGAIN"));
}

#[test]
fn a_socket_that_does_not_linger_sends_rst() {
    let linger = "+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n";
    holds(SERVER, &format!("{linger}+0 close(4) = 0\n+0 > R. 1:1(0) ack 1"));
    holds(SERVER, "+0 close(4) = 0\n+0 > F. 1:1(0) ack 1");
}

#[test]
fn a_port_that_nobody_serves_refuses() {
    let start = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
    holds(start, "+0 < S 0:0(0) win 1000 <mss 1000>\n+0 > R. 0:0(0) ack 1");
    holds(start, "+0 < . 5:5(0) ack 9 win 1000\n+0 > R 9:9(0)");
    fails(start, "+0 < R. 5:5(0) ack 9 win 1000\n+0 > R 9:9(0)", 2, "nothing was sent");
}

#[test]
fn a_run_has_limits() {
    let limited =
        |limits| run_within(limits, &format!("{SERVER}* > . 1:1(0) ack 2")).expect_err("there is no such ACK");
    // The first probe of an idle connection is sent after a minute.
    assert_eq!(limited(LIMITS).line, 8);
    let failed = limited(Limits { time: Duration::from_secs(30), ..LIMITS });
    assert_eq!(failed.to_string(), "expected '> . 1:1(0) ack 2', but nothing was sent until 30.000000s");
    let failed = limited(Limits { steps: 5, ..LIMITS });
    assert_eq!(failed.to_string(), "the script takes more than 3600.000000s or 5 steps");
    let late = run_within(LIMITS, &format!("{SERVER}+3600 write(4, ..., 1) = 1"));
    assert_eq!(late.map_err(|failed| failed.line), Err(8));
    // Each segment is answered, but no line reads the answers.
    let line = "+.01 < . 100000:100001(1) ack 1 win 5\n";
    holds(SERVER, &line.repeat(1000));
    fails(SERVER, &line.repeat(1002), 1001, "has sent 1001 segments that no line expects");
}
