//! `serve --step`: commands at its prompt, through a pipe and at a terminal. The kernel's end of the link keeps
//! running.

use std::process::Command;
use std::thread;

use smolstep::cli::netlink::Netlink;

use crate::common::link::{KERNEL, Link, SERVER, at, connect, expect_last, on_tap, on_tap_and_tun, send, udp};
use crate::common::peer::{Peer, smolstep};
use crate::common::terminal;

/// Starts `smolstep serve ARGUMENTS --step` on this link.
fn stepped(link: Link, arguments: &[&str], lines: usize) -> Peer {
    let mut command = smolstep();
    command.env("RUST_LOG", "warn").arg("serve").args(arguments).args(link.arguments()).arg("--step");
    Peer::start(&mut command).listening(lines)
}

/// Types a line when the server has printed `number` prompts.
fn at_prompt(server: &mut Peer, number: usize, line: &str) {
    server.wait_for("prompt", |out| prompts(out) >= number);
    server.type_in(line.as_bytes());
    server.type_in(b"\n");
}

/// Returns the number of prompts in the output.
fn prompts(out: &str) -> usize {
    out.matches("s> ").count()
}

#[test]
fn a_connection_is_stepped_through() {
    on_tap_and_tun("a_connection_is_stepped_through", |link| {
        for address in SERVER {
            let mut server = stepped(link, &["ack"], 2);
            let client = thread::spawn(move || {
                let mut stream = connect(address, 9998);
                send(&mut stream, "hello");
                expect_last(&mut stream, "ACK");
            });
            at_prompt(&mut server, 1, "u tcp");
            at_prompt(&mut server, 2, "u ESTABLISHED");
            at_prompt(&mut server, 3, "s");
            at_prompt(&mut server, 4, "u data");
            at_prompt(&mut server, 5, "u fin");
            at_prompt(&mut server, 6, "u TIME-WAIT");
            client.join().unwrap();
            at_prompt(&mut server, 7, "q");
            let out = server.finish();
            assert_eq!(out.code(), Some(0), "{out:?}");
            let parts: Vec<String> = out.out().split("s> ").map(String::from).collect();
            let holds = |part: usize, what: &str| assert!(parts[part].contains(what), "{part} {what}: {}", out.out());
            let first_tcp = parts[1].lines().filter(|line| line.contains(" seq=")).count();
            assert_eq!(first_tcp, 1, "{}", parts[1]);
            holds(0, "step 0 0.000");
            holds(1, "    in      SYN seq=0 len=0 win=");
            holds(2, "    out     SYN,ACK seq=0 ack=1 len=0 win=");
            holds(2, "    in      ACK seq=1 ack=1 len=0 win=");
            holds(2, "    state   SYN-RECEIVED -> ESTABLISHED");
            holds(3, "    ours    ESTABLISHED ");
            holds(3, "    kernel  ");
            holds(4, "ACK seq=1 ack=1 len=5 win=");
            holds(5, "FIN,");
            holds(6, "-> TIME-WAIT");
            assert!(!out.out().contains("absolute"), "{}", out.out());
        }
    });
}

#[test]
fn icmp_messages_have_names() {
    on_tap("icmp_messages_have_names", |link| {
        let mut server = stepped(link, &["echo"], 4);
        // For a new address, the kernel reports the multicast group of the address, and sends a neighbour solicitation
        // to detect duplicates.
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link(link.name()).unwrap().unwrap().index;
        at_prompt(&mut server, 1, "u icmp");
        netlink.add_address(index, "fdaa::77".parse().unwrap(), 64).unwrap();
        server.wait_for("an ICMPv6 message", |out| prompts(out) >= 2);
        let pings: Vec<_> = [("-4", SERVER[0]), ("-6", SERVER[1])]
            .into_iter()
            .map(|(family, to)| Peer::start(Command::new("ping").args([family, "-c", "1", "-w", "100", to])))
            .collect();
        server.type_in(b"1000000\n");
        for name in [
            "in      ICMPv6 MLD report\n",
            "in      ICMPv6 neighbour solicitation\n",
            "out     ICMPv6 neighbour advertisement\n",
            "in      ICMPv6 echo request\n",
            "out     ICMPv6 echo reply\n",
            "in      ICMP echo request\n",
            "out     ICMP echo reply\n",
        ] {
            server.wait_for(name, |out| out.contains(name));
        }
        for ping in pings {
            assert_eq!(ping.finish().code(), Some(0));
        }
        // The server does not listen on this port.
        let [v4, v6] = [0, 1].map(|place| udp(at(KERNEL[place], 0), at(SERVER[place], 4444)));
        v4.send(b"hello").unwrap();
        v6.send(b"hello").unwrap();
        for name in [
            "out     ICMP destination unreachable (port)\n",
            "in      ICMPv6 neighbour solicitation\n",
            "out     ICMPv6 neighbour advertisement\n",
            "out     ICMPv6 destination unreachable (port)\n",
        ] {
            server.wait_for(name, |out| out.contains(name));
        }
        server.stop();
    });
}

#[test]
fn bad_input_is_one_line_and_the_end_of_input_ends() {
    on_tap("bad_input_is_one_line_and_the_end_of_input_ends", |link| {
        let mut command = smolstep();
        command.env("RUST_LOG", "warn").args(["serve", "echo", "--step"]).args(link.arguments());
        let server = Peer::start(&mut command).listening(4);
        // The input contains a line that is not UTF-8, a command that only `smolstep lab` has, and a last line without
        // a newline.
        let out = server.finish_with(b"x\n\xff\xfe\nb\nu NOWHERE\nu\ns\n?\n7 8");
        assert_eq!((out.code(), out.err().as_str()), (Some(0), ""), "{out:?}");
        let text = out.out();
        let answers: Vec<&str> = text.split("s> ").skip(1).collect();
        let keys = "type Enter, a number, step, until, sockets, quit or help\nstep 0 0.000";
        for (answer, what) in answers.iter().zip([
            "'x' is not understood: ",
            "'\u{fffd}\u{fffd}' is not understood: ",
            "'b' is for smolstep lab: ",
        ]) {
            assert_eq!(*answer, format!("{what}{keys}"), "{text}");
        }
        assert!(answers[3].starts_with("unknown state 'NOWHERE': there are CLOSED,"), "{text}");
        assert!(answers[4].starts_with("until needs a state, as in until ESTABLISHED, or a frame: tcp,"), "{text}");
        assert!(answers[5].starts_with("    no connection\n"), "{text}");
        assert!(answers[6].contains("Enter, step N      take a step"), "{text}");
        assert!(answers[7].starts_with("'7 8' is not understood: "), "{text}");
        assert_eq!(answers.len(), 9, "{text}");
    });
}

#[test]
fn the_end_closes_the_connections() {
    on_tap_and_tun("the_end_closes_the_connections", |link| {
        for end in ["q", "end of input", "Ctrl-C", "Ctrl-C at the prompt"] {
            let mut server = stepped(link, &["echo"], 4);
            let client = thread::spawn(|| expect_last(&mut connect(SERVER[0], 7), ""));
            at_prompt(&mut server, 1, "u ESTABLISHED");
            server.wait_for("prompt", |out| prompts(out) >= 2);
            let out = match end {
                "q" => server.finish_with(b"q\n"),
                "end of input" => server.finish(),
                "Ctrl-C" => {
                    server.type_in(b"u LAST-ACK\n");
                    server.wait_for("a step", |out| {
                        out.rsplit("s> ").next().is_some_and(|run| run.contains("session\n"))
                    });
                    server.stop()
                }
                _ => server.stop(),
            };
            assert_eq!((out.code(), out.err().as_str()), (Some(0), ""), "{end}: {out:?}");
            client.join().unwrap();
        }
    });
}

#[test]
fn at_a_terminal_a_line_stops_what_waits() {
    on_tap("at_a_terminal_a_line_stops_what_waits", |link| {
        let command = [env!("CARGO_BIN_EXE_smolstep"), "serve", "echo", "--step", link.arguments()[0], link.name()];
        let mut server = terminal::start(&command).listening(4);
        at_prompt(&mut server, 1, "u tcp");
        server.wait_for("a step", |out| out.contains("step 1 egress"));
        // An empty line stops the run without taking a step.
        server.type_in(b"\n");
        at_prompt(&mut server, 2, "u tcp");
        // A line that is typed before the run begins is for the next prompt.
        server.wait_for("a step", |out| {
            prompts(out) >= 3 && out.rsplit("s> ").next().is_some_and(|run| run.contains("gress"))
        });
        // Any other line also stops the run, and is then executed.
        server.type_in(b"?\n");
        at_prompt(&mut server, 4, "q");
        let finished = server.finish();
        terminal::left_well(&finished);
        assert!(finished.out().contains("or N steps"), "{finished:?}");

        // Ctrl-D at the prompt ends the server, and leaves the cursor at the start of a line.
        let mut server = terminal::start(&command).listening(4);
        server.wait_for("prompt", |out| prompts(out) == 1);
        server.type_in(b"\x04");
        let finished = server.finish();
        terminal::left_well(&finished);
        let screen = terminal::screen(finished.out().strip_suffix("echo on\n").unwrap_or_default());
        assert_eq!(screen[screen.len() - 2..], ["step 0 0.000s>", ""], "{finished:?}");
    });
}

#[test]
fn a_connection_from_before_has_absolute_numbers() {
    on_tap("a_connection_from_before_has_absolute_numbers", |link| {
        let mut server = stepped(link, &["echo"], 4);
        let client = thread::spawn(|| connect(SERVER[0], 7));
        at_prompt(&mut server, 1, "u ESTABLISHED");
        let mut client = client.join().unwrap();
        server.kill();
        // A new server on the same link. The kernel's end of the connection still exists.
        let mut server = stepped(link, &["echo"], 4);
        at_prompt(&mut server, 1, "u data");
        send(&mut client, "hello");
        server.wait_for("the segment", |out| out.contains("len=5 win="));
        let line = "(no SYN seen: absolute numbers)\n";
        server.wait_for(line, |out| out.contains(line));
        server.type_in(b"u rst\n");
        server.wait_for("RST", |out| out.matches(line).count() == 2 && out.contains("out     RST"));
        server.stop();
    });
}
