//! `--pcap` captures the frames on the link. tshark reads the captures back.

use std::process::Command;

use crate::common::Scratch;
use crate::common::events;
use crate::common::link::{KERNEL, SERVER, ask, at, connect, expect, expect_last, noise, on_tap_and_tun, send, udp};
use crate::common::peer::Peer;
use crate::common::skip;

#[test]
fn a_capture_has_every_frame_in_order() {
    on_tap_and_tun("a_capture_has_every_frame_in_order", |link| {
        let Some(tshark) = Tshark::find() else { return };
        let file = Scratch::new("served.pcapng");
        let server = link.serve_with_events(&["greeting", "echo", "--pcap", file.path()], 8);
        let bytes = noise(100_000, 16);
        for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
            let mut greeting = connect(address, 9999);
            expect(&mut greeting, "Welcome!");
            for name in ["Li", "Cheng", "victor"] {
                send(&mut greeting, name);
                expect(&mut greeting, format!("Hello,{name}!"));
            }
            send(&mut greeting, "exit");
            expect_last(&mut greeting, "");
            let mut echo = connect(address, 7);
            send(&mut echo, &bytes[..50_000]);
            expect(&mut echo, &bytes[..50_000]);
            ask(&udp(at(kernel, 0), at(address, 9999)), "Li", "hello Li!");
        }
        events::wait_for(&server, "ended", &[], 4);
        server.stop();

        tshark.assert_sound(&file);
        // The data that the server sent, from the frames in the capture.
        let said =
            tshark.read(&file, "tcp.srcport == 9999 && tcp.len > 0 && !tcp.analysis.retransmission", &["tcp.payload"]);
        let greetings = ["Welcome!", "Hello,Li!", "Hello,Cheng!", "Hello,victor!"].map(hex);
        assert_eq!(said.lines().collect::<Vec<_>>(), [&greetings[..], &greetings].concat());
        assert_eq!(tshark.read(&file, "udp.srcport == 9999", &["data.data"]), format!("{0}\n{0}\n", hex("hello Li!")));
        assert_eq!(tshark.read(&file, "tcp.flags.reset == 1", &["frame.number"]), "");
    });
}

#[test]
fn a_client_also_writes_a_capture() {
    on_tap_and_tun("a_client_also_writes_a_capture", |link| {
        let Some(tshark) = Tshark::find() else { return };
        let file = Scratch::new("called.pcapng");
        for address in KERNEL {
            let _server = crate::common::peer::python::server("upper", address.parse().unwrap(), 14000);
            let call = link.call(&["upper", address, "hi", "--pcap", file.path()], b"");
            assert_eq!((call.code(), &call.out()[..]), (Some(0), "HI\n"), "{call:?}");
            tshark.assert_sound(&file);
            let said = tshark.read(&file, "tcp.len > 0 && !tcp.analysis.retransmission", &["tcp.payload"]);
            assert_eq!(said, format!("{}\n{}\n", hex("hi"), hex("HI")));
        }
    });
}

#[test]
fn a_capture_taken_with_offload_has_super_segments_and_right_checksums() {
    on_tap_and_tun("a_capture_taken_with_offload_has_super_segments_and_right_checksums", |link| {
        let Some(tshark) = Tshark::find() else { return };
        let file = Scratch::new("offload.pcapng");
        let server = link.serve_with_events(&["echo", "--pcap", file.path()], 4);
        let bytes = noise(1_000_000, 17);
        for (address, kernel) in SERVER.into_iter().zip(KERNEL) {
            let mut echo = connect(address, 7);
            for piece in bytes.chunks(100_000) {
                send(&mut echo, piece);
                expect(&mut echo, piece);
            }
            ask(&udp(at(kernel, 0), at(address, 7)), "checksum left to us", "checksum left to us");
        }
        events::wait_for(&server, "ended", &[], 2);
        server.stop();

        tshark.assert_sound(&file);
        // tshark verifies the checksums. A partial checksum would be bad or unverified.
        let verified = |filter: &str| {
            let good = format!("{filter} && (tcp.checksum.status == good || udp.checksum.status == good)");
            let [all, good] =
                [filter, &good].map(|filter| tshark.read(&file, filter, &["frame.number"]).lines().count());
            assert_eq!(good, all, "{filter}");
            all
        };
        assert!(verified("udp.port == 7") >= 4);
        assert!(verified("tcp") > 20);
        // Over IPv4, the capture contains super-segments in both directions; over IPv6, only towards the stack.
        for long in ["tcp.srcport == 7 && ip", "tcp.dstport == 7 && ip", "tcp.dstport == 7 && ipv6"] {
            assert!(verified(&format!("{long} && frame.len > 1514")) > 0, "{long}");
        }
    });
}

/// A proof that tshark is installed. Its methods run tshark.
struct Tshark;

impl Tshark {
    /// Returns `None`, and reports the test as skipped, if tshark is not installed.
    fn find() -> Option<Tshark> {
        let here = std::env::var_os("PATH").unwrap_or_default();
        match std::env::split_paths(&here).any(|folder| folder.join("tshark").is_file()) {
            true => Some(Tshark),
            false => {
                skip("tshark", "there is no tshark to read captures with");
                None
            }
        }
    }

    /// Asserts that no frame is malformed or has a wrong checksum.
    ///
    /// Also fails if tshark reports any error in its expert information.
    fn assert_sound(&self, file: &Scratch) {
        let wrong = "_ws.malformed || _ws.expert.severity == error || ip.checksum.status == bad \
                     || tcp.checksum.status == bad || udp.checksum.status == bad || icmpv6.checksum.status == bad";
        assert_eq!(self.read(file, wrong, &["frame.number", "_ws.col.Info"]), "");
        assert!(self.read(file, "tcp.flags.syn == 1", &["frame.number"]).lines().count() >= 2);
    }

    /// Returns `fields` of the frames that match `filter`, one line for each frame.
    fn read(&self, file: &Scratch, filter: &str, fields: &[&str]) -> String {
        let mut command = Command::new("tshark");
        command.args(["-r", file.path(), "-Y", filter, "-T", "fields"]);
        for preference in ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"] {
            command.args(["-o", &format!("{preference}:TRUE")]);
        }
        for field in fields {
            command.args(["-e", field]);
        }
        let tshark = Peer::start(&mut command).finish();
        assert_eq!(tshark.code(), Some(0), "{}", tshark.err());
        tshark.out()
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
