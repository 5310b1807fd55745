//! Errors of the command line cause one line on standard error and nothing else.

use std::process::Command;

use smolstep::cli::netlink::Netlink;

use crate::common::link::{on_tap, on_tap_and_tun};
use crate::common::netns::{in_namespace, make};
use crate::common::peer::{Finished, Peer, smolstep};

/// The exit code for wrong usage.
const USAGE: Option<i32> = Some(2);
/// The exit code for a failure at run time.
const FAILED: Option<i32> = Some(1);

#[test]
fn wrong_usage_is_a_one_line_error() {
    on_tap("wrong_usage_is_a_one_line_error", |_| {
        for (arguments, what) in [
            ("serve greeting", "--tap NAME or --tun NAME"),
            ("call greeting 192.168.69.100", "smolstep sandbox"),
            ("get http://192.168.69.100/", "smolstep sandbox"),
            ("get --tap tap0", "URL"),
            ("get http://192.168.69.100/ --timeout 0s --tap tap0", "longer than zero"),
            ("serve --tap tap0", "APP"),
            ("serve nosuch --tap tap0", "unknown program 'nosuch': there are greeting, echo"),
            ("serve greetng", "unknown program 'greetng': did you mean 'greeting'? see 'smolstep serve --help'\n"),
            ("call greting 192.168.69.100", "did you mean 'greeting'? see 'smolstep call --help'\n"),
            ("sandbox --serve greting -- true", "did you mean 'greeting'? see 'smolstep sandbox --help'\n"),
            ("lab greting", "did you mean 'greeting'? see 'smolstep lab --help'\n"),
            ("lab zero-windw", "did you mean 'zero-window'?"),
            ("lab --until client=ESTABLSHED", "did you mean 'ESTABLISHED'?"),
            ("serve greeting --taq tap0", "did you mean '--tap'? see 'smolstep serve --help'\n"),
            ("serve greeting --congestion ren", "did you mean 'reno'? see 'smolstep serve --help'\n"),
            ("call nosuch 192.168.69.100 --tap tap0", "unknown program 'nosuch'"),
            ("serve greeting --tap tap0 --tun tun0", "cannot be used with"),
            ("serve greeting --tap tap0 --ip 192.168.69.1", "write for instance 192.168.69.1/24"),
            ("serve greeting --tap tap0 --ip fdaa::1", "'fdaa::1' for --ip has no prefix"),
            ("serve greeting --tap tap0 --ip 192.168.69.1/33", "bad address '192.168.69.1/33'"),
            ("serve greeting --tap tap0 --ip 192.168.69.300/24", "bad address '192.168.69.300/24'"),
            ("serve greeting --tap tap0 --ip 224.0.0.1/4", "is not a host address"),
            ("serve greeting --tap tap0 --ip 10.0.0.255/24", "is not a host address"),
            ("serve greeting --tap tap0 --ip 10.0.0.1/24 --ip 10.0.0.1/24", "10.0.0.1 is given twice"),
            (&format!("serve greeting --tap tap0{}", many("--ip 10.N.0.1/24", 9)), "at most 8 addresses"),
            (&format!("serve greeting --tap tap0 --dhcp{}", many("--ip 10.N.0.1/24", 8)), "at most 8 addresses"),
            (
                &format!("resolve a.test --tap tap0{}", many("--dns 10.0.0.N", 5)),
                "--dns is given 5 times: at most 4 servers are asked",
            ),
            ("serve greeting --tap tap0 --gateway 10.0.0.1", "10.0.0.1 is not on the link"),
            ("serve greeting --tap tap0 --gateway router", "bad address 'router' for --gateway"),
            (
                "serve greeting --tap tap0 --gateway 192.168.69.2 --gateway 192.168.69.3",
                "192.168.69.2 and 192.168.69.3 are two gateways of one family: --gateway takes one for IPv4 and one for IPv6, as \
                 in --gateway 192.168.69.100 --gateway fdaa::64",
            ),
            (
                "call echo 192.168.69.100 --tap tap0 --gateway fdaa::2 --gateway 192.168.69.3 --gateway fdaa::3",
                "fdaa::2 and fdaa::3 are two gateways of one family",
            ),
            ("serve greeting --tap tap0 --mac 01:00:00:00:00:01", "bad hardware address"),
            ("serve greeting echo --tap tap0 --port echo=9999", "TCP port 9999 is wanted by greeting and echo"),
            ("serve greeting echo --tap tap0 --port echo/udp=9999", "UDP port 9999 is wanted by greeting and echo"),
            (
                "serve greeting --tap tap0 --port greeting/tcp=4000",
                "greeting/udp=4000 is UDP alone, greeting=4000 is TCP",
            ),
            (
                "serve greeting --tap tap0 --port greeting=4000/tcp",
                "greeting/udp=4000 is UDP alone, greeting=4000 is TCP",
            ),
            (
                "serve greeting --tap tap0 --port greeting=4000/udp",
                "greeting/udp=4000 is UDP alone, greeting=4000 is TCP",
            ),
            ("serve greeting --tap tap0 --port greeting/=4000", "only /udp can be added, before the equals sign"),
            ("serve greeting --tap tap0 --port greeting=0", "a port is a number from 1 to 65535"),
            ("serve greeting --tap tap0 --port greeting=70000", "a port is a number from 1 to 65535"),
            ("serve greeting --tap tap0 --port echo=4000", "that program is not served here"),
            ("serve greeting --tap tap0 --port greeting", "write it like echo=4000"),
            ("serve ack --tap tap0 --port ack/udp=4000", "that program has no UDP side"),
            ("serve echo --tap tap0 --template x{}", "--template is for greeting"),
            ("serve echo --tap tap0 --delay 1s", "--delay is for greeting"),
            ("serve echo --tap tap0 --once", "--once is for inbox and chat, which are not served here"),
            ("serve echo --tap tap0 --room", "--room is for chat, which is not served here"),
            ("serve chat --tap tap0 --room --once", "--once and --room do not go together"),
            ("sandbox --serve chat --once -- true", "in a sandbox chat is a room, which has no end"),
            ("serve echo --tap tap0 --reply x", "--reply is for inbox"),
            ("serve greeting --tap tap0 --template x", "no {} to put the message in"),
            ("serve greeting --tap tap0 --delay soon", "--delay"),
            ("serve greeting --tap tap0 --overflow maybe", "possible values: drop, reset"),
            ("serve greeting --tap tap0 --max-connections 0", "a whole number from 1 to 65000, as in 1024"),
            ("serve greeting --tap tap0 --serve-at-once 0", "a whole number from 1, as in 4"),
            ("serve greeting --tap tap0 --backlog many", "a whole number from 0, as in 128"),
            (
                "serve greeting --tap tap0 --backlog -1",
                "'-1' for '--backlog <N>': it must be a whole number from 0, as in 128",
            ),
            ("serve greeting --delay -1s", "'-1s' for '--delay <TIME>': it must be a time with a unit, not negative"),
            (
                "call greeting 192.168.69.100 --timeout -1s",
                "not negative, as in 10s, 500ms or 5min; see 'smolstep call --help'",
            ),
            ("call greeting 192.168.69.100 --timeout -0.5", "not negative, as in 10s, 500ms or 5min"),
            ("get http://192.168.69.100/ --timeout -1", "not negative, as in 10s, 500ms or 5min"),
            ("ping 192.168.69.100 -c -1", "a whole number from 1 to 4294967295, as in 3"),
            ("lab --loss -1%", "should be from 0% to 100%, as in 10%"),
            ("call ack 192.168.69.100 -5 --tap tap0", "'-5' found; -- before a TEXT lets it begin with -"),
            ("serve greeting --tap tap0 --socket-buffer 64Q", "it must be a size from 4K to 16M, as in 256K"),
            ("serve greeting --tap tap0 --socket-buffer 17M", "it must be a size from 4K to 16M, as in 256K"),
            ("serve greeting --tap tap0 --socket-buffer 18446744073709551615M", "it must be a size from 4K to 16M"),
            ("call greeting 192.168.69.100 --tap tap0 --socket-buffer 1", "it must be a size from 4K to 16M"),
            ("get http://192.168.69.100/ --tap tap0 --congestion fast", "possible values: none, reno, cubic"),
            ("serve greeting --tap tap0 --idle-timeout 0s", "longer than zero"),
            ("serve greeting --tap tap0 --frobnicate", "--frobnicate"),
            ("ping 192.168.69.100 -i 0 --tap tap0", "a number of seconds, from 0.001 to 86400, as in 0.5"),
            ("ping 192.168.69.100 -c 0 --tap tap0", "--count"),
            ("ping 192.168.69.100 -s 65508 --tap tap0", "at most 65507 bytes go to 192.168.69.100"),
            ("ping fdaa::64 -s 65488 --tap tap0", "at most 65487 bytes go to fdaa::64"),
            ("resolve host.example --tap tap0 --dns dns", "bad address 'dns' for --dns"),
            ("resolve host.example --tap tap0 --dns 224.0.0.1", "not a host address"),
            ("resolve host.example", "--tap NAME or --tun NAME"),
            ("serve greeting --tun tun0 --dhcp", "cannot be used with"),
            ("call greeting 192.168.69.100:0 --tap tap0", "bad address '192.168.69.100:0'"),
            ("call greeting [fdaa::64 --tap tap0", "bad address '[fdaa::64'"),
            ("call http 192.168.69.100 --tap tap0", "smolstep get http://HOST/ --tap tap0"),
            (
                "call http 192.168.69.100",
                "http has no client: fetch its page with 'smolstep get http://HOST/ --tap tap0'",
            ),
            ("call http 192.168.69.100 --udp", "http has no client"),
            ("call ack 192.168.69.100 --udp --tap tap0", "ack has no UDP side"),
            ("call echo 192.168.69.100 --random 3 --tap tap0", "--random is for greeting"),
            ("call echo 192.168.69.100 --no-wait --tap tap0", "--no-wait is for inbox"),
            ("call echo 192.168.69.100 --bytes 3 --tap tap0", "--bytes is for discard and chargen"),
            ("call greeting 192.168.69.100 Li --random 3 --tap tap0", "--random"),
            ("call greeting 192.168.69.100 --random 0 --tap tap0", "--random"),
            ("call echo 192.168.69.100 - a - --tap tap0", "give - as a TEXT once"),
            ("call greeting 192.168.69.100 --timeout 0s --tap tap0", "longer than zero"),
            ("frobnicate", "there is no command 'frobnicate': there are apps, call"),
            ("serv greeting", "did you mean 'smolstep serve'? see 'smolstep --help'\n"),
            ("help serv", "did you mean 'smolstep serve'?"),
            ("greeting", "did you mean 'smolstep serve greeting' or 'smolstep call greeting HOST'?"),
            (
                "greting --tap tap0",
                "there is no command 'greting': did you mean 'smolstep serve greeting' or 'smolstep call greeting HOST'?",
            ),
            ("http", "did you mean 'smolstep serve http' or 'smolstep get http://HOST/'?"),
            ("--tap tap0 serve greeting", "options follow the command, as in 'smolstep serve greeting --tap tap0'"),
            (
                "sandbox --serve greeting --publish 8001=7777 -- true",
                "no server listens on port 7777; there is greeting on 9999",
            ),
            ("sandbox --serve ack inbox --publish 8001=9999 -- true", "there is ack on 9998, inbox on 9997"),
            (
                "sandbox --serve ack --port ack=9999 --publish 8001=9998 -- true",
                "there is ack on 9999, as in --publish 8001=9999; see 'smolstep sandbox --help'\n",
            ),
        ] {
            one_line(&run(arguments), USAGE, arguments, what);
        }
    });
}

#[test]
fn a_sandbox_without_dashes_gets_the_correct_line() {
    for (arguments, what) in [
        (
            "--serve greeting nc 192.168.69.1 9999",
            "put -- before the command: smolstep sandbox --serve greeting -- nc ...;",
        ),
        ("--serve greeting nc -N 192.168.69.1 9999", "smolstep sandbox --serve greeting -- nc ...;"),
        ("--serve greeting echo true", "smolstep sandbox --serve greeting echo -- true;"),
        ("--serve greting nc 192.168.69.1 9999", "unknown program 'greting': did you mean 'greeting'?"),
        ("--serve nc 192.168.69.1 9999", "unknown program 'nc': there are greeting"),
        ("--serve=all sh", "smolstep sandbox --serve=all -- sh;"),
        ("--publish 8001=9999 --serve all --once sh", "sandbox --publish 8001=9999 --serve all --once -- sh;"),
        ("nc 192.168.69.1 9999", "smolstep sandbox -- nc ...;"),
        ("nc -- 192.168.69.1 9999", "smolstep sandbox -- nc ...;"),
        ("--join sh -c true", "smolstep sandbox --join -- sh ...;"),
        ("--serve greeting", "no command: put one after --, as in 'smolstep sandbox --serve greeting -- sh'"),
        ("--serve greeting --", "'smolstep sandbox --serve greeting -- sh'"),
        ("--join", "'smolstep sandbox --join -- sh'"),
        ("--serve", "a value is required for '--serve <APP>...'"),
        ("--serve greeting --pcap --once sh", "a value is required for '--pcap <FILE>'"),
        ("--frobnicate sh", "'--frobnicate' found"),
    ] {
        let arguments = format!("sandbox {arguments}");
        one_line(&run(&arguments), USAGE, &arguments, what);
    }
}

#[test]
fn a_loopback_address_gets_a_hint() {
    on_tap_and_tun("a_loopback_address_gets_a_hint", |link| {
        let (option, name) = (link.arguments().join(" "), link.name());
        let own = format!("own loopback, not smolstep; its end of {name} is 192.168.69.100 and fdaa::64\n");
        for (arguments, host) in [
            ("call greeting 127.0.0.1", "127.0.0.1"),
            ("call greeting 127.0.0.1:4000 Li", "127.0.0.1"),
            ("call greeting 127.1.2.3 --timeout 1h --gateway 192.168.69.100", "127.1.2.3"),
            ("call greeting [::1]:9999 --udp", "::1"),
            ("call greeting ::1", "::1"),
            ("call greeting ::ffff:127.0.0.1", "::ffff:127.0.0.1"),
            ("call greeting localhost", "localhost"),
            ("call greeting LOCALHOST.:80", "LOCALHOST."),
            ("ping localhost", "localhost"),
            ("ping 127.0.0.1", "127.0.0.1"),
            ("get http://localhost/", "localhost"),
            ("get http://127.0.0.1:8000/", "127.0.0.1"),
            ("get http://[::1]/", "[::1]"),
            // A DNS server that /etc/resolv.conf often names.
            ("resolve host.example --dns 127.0.0.53", "DNS server: 127.0.0.53"),
            ("call greeting host.example --dns 127.0.0.53 --gateway 192.168.69.100", "DNS server: 127.0.0.53"),
        ] {
            let arguments = format!("{arguments} {option}");
            one_line(&run(&arguments), FAILED, &arguments, &format!("smolstep: {host} is this machine's {own}"));
        }
        let mut command = Command::new("ip");
        assert_eq!(Peer::start(command.args(["addr", "flush", "dev", name])).finish().code(), Some(0));
        let arguments = format!("call greeting localhost {option}");
        let what = format!("its end of {name} has no address: sudo ip addr add 192.168.69.100/24 dev {name}\n");
        one_line(&run(&arguments), FAILED, &arguments, &what);
    });
}

#[test]
fn a_missing_requirement_is_a_one_line_error() {
    on_tap("a_missing_requirement_is_a_one_line_error", |link| {
        for (arguments, what) in [
            ("serve greeting --tap tap9", "ip tuntap add dev tap9 mode tap"),
            ("serve greeting --tun tun9", "ip tuntap add dev tun9 mode tun"),
            ("call greeting 192.168.69.100 --tap tap9", "smolstep sandbox"),
            ("get http://192.168.69.100/ --tap tap9", "smolstep sandbox"),
            ("serve greeting --tun tap0", "tap0 is a TAP, not a TUN: use `--tap tap0`"),
            ("serve greeting --tap this-name-is-too-long", "cannot be the name of an interface"),
            ("serve greeting --tap lo", "lo is neither a TAP nor a TUN"),
            ("call ack 10.0.0.1 hi --tap tap0", "no route to 10.0.0.1"),
            ("call ack 10.0.0.1:80 hi --udp --tap tap0", "ack has no UDP side"),
            ("call echo 10.0.0.1:80 hi --udp --tap tap0", "no route to 10.0.0.1"),
            ("call greeting host,example --tap tap0", "bad host 'host,example'"),
            ("call greeting 300.1.1.1 --tap tap0", "neither an IP address nor a host's name"),
            ("ping host..example --tap tap0", "no empty parts before or between dots"),
            ("resolve straße.example --tap tap0", "write others as xn--"),
            ("call ack host.example hi --tap tap0", "smolstep: no DNS server: give --dns or --dhcp\n"),
            ("ping host.example --tap tap0", "smolstep: no DNS server: give --dns or --dhcp\n"),
            ("resolve host.example --tap tap0", "smolstep: no DNS server: give --dns or --dhcp\n"),
            ("ping 10.0.0.1 --tap tap0", "no route to 10.0.0.1"),
            ("serve greeting --tap tap0 --ip 192.168.69.100/24", "192.168.69.100 is in use by "),
            ("call greeting 192.168.69.99 --tap tap0 --ip fdaa::64/64", "fdaa::64 is in use by "),
            ("call ack fd00::1 hi --tap tap0", "no route to fd00::1"),
            ("call ack 192.168.69.2 hi --tap tap0", "192.168.69.2 is this side's own address"),
            ("call ack fdaa::64 hi --tap tap0 --ip 192.168.69.2/24", "no route to fdaa::64"),
            ("serve greeting --tap tap0 --pcap /nonexistent/file", "/nonexistent/file"),
        ] {
            let code = if what.contains("has no UDP side") { USAGE } else { FAILED };
            one_line(&run(arguments), code, arguments, what);
        }

        let _server = link.serve(&["greeting"], 4);
        for arguments in ["serve echo --tap tap0", "call ack 192.168.69.100 hi --tap tap0"] {
            one_line(&run(arguments), FAILED, arguments, "tap0 is in use by another program");
        }
    });
}

#[test]
fn too_little_memory_is_a_one_line_error() {
    on_tap("too_little_memory_is_a_one_line_error", |_| {
        // The memory is enough for the buffers of one direction, but not for the buffers of both.
        for (kilobytes, arguments) in [
            ("500000", "--socket-buffer 16M --max-connections 20"),
            ("150000", "--socket-buffer 4K --max-connections 17000"),
        ] {
            let mut limited = Command::new("sh");
            limited.args(["-c", "ulimit -v $0; exec \"$@\"", kilobytes, env!("CARGO_BIN_EXE_smolstep")]);
            limited.args("serve echo --tap tap0".split(' ')).args(arguments.split(' ')).env("RUST_LOG", "error");
            one_line(
                &Peer::start(&mut limited).finish(),
                USAGE,
                arguments,
                "lower --max-connections or --socket-buffer",
            );
        }
    });
}

#[test]
fn an_error_creates_no_interface() {
    in_namespace("an_error_creates_no_interface", || {
        let capture = std::env::temp_dir().join(format!("smolstep-nothing-{}", std::process::id()));
        let pcap = format!("--pcap {}", capture.display());
        for arguments in [
            "serve greeting --tap tap9",
            "serve greeting --tun tun9",
            "serve nosuch --tap tap9",
            "serve greeting --template x --tap tap9",
            "call ack 192.168.69.100 hi --tap tap9",
            "call ack nowhere hi --tap tap9",
        ] {
            let call = run(&format!("{arguments} {pcap}"));
            assert!(call.code() != Some(0) && call.stdout.is_empty(), "{arguments}: {call:?}");
        }
        assert!(!capture.exists());
        let links = Netlink::open().unwrap().links().unwrap();
        // The kernel creates lo, and on some machines other interfaces.
        assert!(!links.iter().any(|link| link.name.contains("tap") || link.name.contains("tun9")), "{links:?}");
    });
}

#[test]
fn a_tap_with_a_small_mtu_is_refused() {
    in_namespace("a_tap_with_a_small_mtu_is_refused", || {
        make(smolstep::phy::linux::Kind::Tap, "tap0", &[]);
        let small = Peer::start(Command::new("ip").args(["link", "set", "tap0", "mtu", "1000"])).finish();
        assert_eq!(small.code(), Some(0), "{small:?}");
        let arguments = "serve greeting --tap tap0";
        one_line(&run(arguments), USAGE, arguments, "an MTU of 1000 bytes is too small");
        // The MTU is large enough for IPv4 alone, so the server starts and prints two lines.
        let mut server = smolstep();
        server.args("serve greeting --tap tap0 --ip 10.0.0.1/8".split(' '));
        Peer::start(&mut server).listening(2).stop();
    });
}

#[test]
fn help_and_version_are_not_errors() {
    for arguments in [
        "--help",
        "serve --help",
        "call --help",
        "get --help",
        "sandbox --help",
        "doctor --help",
        "apps --help",
        "completions --help",
        "man --help",
        "ping --help",
        "resolve --help",
    ] {
        let help = run(arguments);
        assert_eq!((help.code(), help.err().is_empty()), (Some(0), true), "{arguments}: {help:?}");
        assert!(help.out().contains("Example"), "{arguments}: {}", help.out());
    }
    assert_eq!(run("--version").out(), concat!("smolstep ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn the_programs_are_listed() {
    assert_eq!(
        run("apps").out().lines().map(|line| line.split_whitespace().next().unwrap_or_default()).collect::<Vec<_>>(),
        ["greeting", "echo", "discard", "chargen", "ack", "thanks", "upper", "chat", "inbox", "http"]
    );
}

#[test]
fn the_tour_shows_what_the_client_printed() {
    let tour = Peer::start(&mut smolstep()).finish();
    assert_eq!(tour.code(), Some(0), "{tour:?}");
    let printed = "\nThe client printed:\nWelcome!\nHello,Li!\nHello,Cheng!\nHello,victor!\n";
    assert!(tour.out().contains(printed), "{}", tour.out());
}

/// Repeats `words` `count` times. The numbers from 1 to `count` replace N.
fn many(words: &str, count: u8) -> String {
    (1..=count).map(|number| format!(" {}", words.replace('N', &number.to_string()))).collect()
}

fn run(arguments: &str) -> Finished {
    Peer::start(smolstep().args(arguments.split(' ')).env("RUST_LOG", "error")).finish()
}

/// Asserts that a run prints nothing but one line on standard error, which contains `what`.
#[track_caller]
fn one_line(run: &Finished, code: Option<i32>, arguments: &str, what: &str) {
    let err = run.err();
    let one = err.starts_with("smolstep: ") && err.ends_with('\n') && err.matches('\n').count() == 1;
    assert!(
        run.code() == code && run.stdout.is_empty() && one && err.contains(what),
        "{arguments}: {:?} {:?} {err}",
        run.code(),
        run.out()
    );
}
