//! A client that gets no answer prints one line and exits with 1.

use crate::common::link::{KERNEL, on_tap_and_tun};
use crate::common::peer::{Finished, python};

#[test]
fn a_closed_port_refuses() {
    on_tap_and_tun("a_closed_port_refuses", |link| {
        for address in KERNEL {
            for app in ["greeting", "ack", "echo"] {
                failed(&link.call(&[app, address, "hi"], b""), "connection refused");
            }
        }
    });
}

#[test]
fn a_silent_server_times_out() {
    on_tap_and_tun("a_silent_server_times_out", |link| {
        for address in KERNEL {
            let server = |name, port| python::server(name, address.parse().unwrap(), port);
            let (_tcp, _udp) = (server("silent", 4000), server("inbox", 4000));
            let host = if address.contains(':') { format!("[{address}]:4000") } else { format!("{address}:4000") };
            for app in ["greeting", "ack", "echo", "thanks", "upper", "chargen"] {
                let call = link.call(&[app, &host, "hi", "--timeout", "100ms"], b"");
                failed(&call, "timed out");
            }
            for app in ["greeting", "echo", "thanks", "inbox"] {
                let call = link.call(&[app, &host, "hi", "--udp", "--timeout", "100ms"], b"");
                failed(&call, "timed out");
            }
        }
    });
}

#[test]
fn a_server_that_closes_early_is_an_error() {
    on_tap_and_tun("a_server_that_closes_early_is_an_error", |link| {
        for address in KERNEL {
            let server = |name, port| python::server(name, address.parse().unwrap(), port);
            let (_closing, _resetting) = (server("closing", 4000), server("resetting", 4001));
            let host = |port| match address.contains(':') {
                true => format!("[{address}]:{port}"),
                false => format!("{address}:{port}"),
            };
            failed(&link.call(&["ack", &host(4000), "hi"], b""), "the server closed the connection before it replied");
            failed(
                &link.call(&["echo", &host(4000), "hi"], b""),
                "the server closed the connection before everything was sent and answered",
            );
            for app in ["ack", "echo", "greeting"] {
                failed(&link.call(&[app, &host(4001), "hi"], b""), "connection reset by peer");
            }
        }
    });
}

/// Asserts exit code 1 and one line on standard error that contains `why`.
///
/// Standard output must be empty.
#[track_caller]
fn failed(call: &Finished, why: &str) {
    let err = call.err();
    let one_line = err.starts_with("smolstep: ") && err.ends_with('\n') && err.matches('\n').count() == 1;
    assert!(call.code() == Some(1) && call.stdout.is_empty() && one_line && err.contains(why), "{call:?}");
}
