//! Captures in pcapng format. tshark, the command-line version of Wireshark, reads the captures back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use smolstep::cli::create_capture;
use smolstep::stack::Direction;
use smolstep::trace::{Frame, IoSink, LinkType, Writer};
use smoltcp::phy::Medium;
use smoltcp::time::Instant;

use crate::common::netns::output;

#[test]
fn tshark_reads_a_connection_and_finds_nothing_wrong() {
    for medium in [Medium::Ethernet, Medium::Ip] {
        let file = TempFile::new("connection");
        let capture = create_capture(&file.0, "tap0", medium, Instant::from_secs(1)).unwrap();
        let capture = crate::common::talk::hello(medium, capture);
        assert!(capture.error().is_none());
        capture.finish().unwrap();

        let fields =
            ["frame.time_epoch", "frame.interface_name", "frame.packet_flags_direction", "ip.src", "tcp.payload"];
        let Some(lines) = tshark(&file.0, &fields) else { return };
        let said = |from: &str| lines.iter().filter(|line| line[3] == from && line[4] == "68656c6c6f").count();
        assert_eq!((said("10.0.0.2"), said("10.0.0.1")), (1, 1), "hello, there and back");
        let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        for line in &lines {
            let time = line[0].parse::<f64>().unwrap();
            assert!((time - today).abs() < 3600.0, "{time} is the time of day");
            assert_eq!(line[1], "tap0");
            match line[3].as_str() {
                "10.0.0.1" => assert_eq!(line[2], "0x00000002", "out"),
                "10.0.0.2" => assert_eq!(line[2], "0x00000001", "in"),
                _ => assert_eq!(medium, Medium::Ethernet, "ARP"),
            }
        }
    }
}

#[test]
fn tshark_shows_comments_times_and_interfaces() {
    let file = TempFile::new("comments");
    let mut writer = Writer::new(IoSink(fs::File::create(&file.0).unwrap())).unwrap();
    let one = writer.interface("cable.left", LinkType::Ethernet).unwrap();
    let two = writer.interface("cable.right", LinkType::RawIp).unwrap();
    // The lengths of these ICMP echo requests cover every remainder modulo 4, to test each length of padding.
    for n in 0..4u8 {
        let ip = ping(&b"abcdef"[..usize::from(n)]);
        let ethernet = [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..], &ip].concat();
        let comment = ["", "a", "SYN, seq 17 → lost", "new\nline"][usize::from(n)];
        let micros = 1_700_000_000_000_001 + u64::from(n);
        let frame = Frame { interface: one, micros, direction: None, bytes: &ethernet, comment };
        writer.frame(&frame).unwrap();
        let frame = Frame { interface: two, direction: Some(Direction::In), bytes: &ip, ..frame };
        writer.frame(&frame).unwrap();
    }
    writer.flush().unwrap();

    let Some(lines) = tshark(&file.0, &["frame.time_epoch", "frame.interface_name", "frame.comment", "icmp.type"])
    else {
        return;
    };
    assert_eq!(lines.len(), 8);
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(line[0], format!("1700000000.00000{}000", i / 2 + 1));
        assert_eq!(line[1], ["cable.left", "cable.right"][i % 2]);
        assert_eq!(line[2], ["", "a", "SYN, seq 17 → lost", "new\\nline"][i / 2]);
        assert_eq!(line[3], "8", "read as a ping");
    }
}

/// Returns `fields` of every frame, or `None` if tshark is not installed. Fails if a frame is malformed or has a wrong
/// checksum.
fn tshark(file: &Path, fields: &[&str]) -> Option<Vec<Vec<String>>> {
    if output(Command::new("tshark").arg("--version")).is_err() {
        crate::common::skip("tshark", "no tshark here (Debian and Ubuntu: apt-get install tshark)");
        return None;
    }
    let bad = "_ws.malformed || _ws.expert.severity >= error || ip.checksum.status == 0 || tcp.checksum.status == 0";
    assert_eq!(run(file, &["-Y", bad]), "", "frames that tshark finds fault with");
    let mut arguments = vec!["-T", "fields", "-E", "separator=/t"];
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    let lines = run(file, &arguments);
    Some(lines.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

fn run(file: &Path, arguments: &[&str]) -> String {
    let checked = ["-n", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-r"];
    let output = output(Command::new("tshark").args(checked).arg(file).args(arguments)).unwrap();
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Builds an ICMP echo request from 10.0.0.2 to 10.0.0.1.
fn ping(data: &[u8]) -> Vec<u8> {
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr};

    let checksums = ChecksumCapabilities::default();
    let icmp = Icmpv4Repr::EchoRequest { ident: 1, seq_no: 1, data };
    let ip = Ipv4Repr {
        src_addr: Ipv4Address::new(10, 0, 0, 2),
        dst_addr: Ipv4Address::new(10, 0, 0, 1),
        next_header: IpProtocol::Icmp,
        payload_len: icmp.buffer_len(),
        hop_limit: 64,
    };
    let mut packet = vec![0; ip.buffer_len() + icmp.buffer_len()];
    ip.emit(&mut Ipv4Packet::new_unchecked(&mut packet), &checksums);
    icmp.emit(&mut Icmpv4Packet::new_unchecked(&mut packet[ip.buffer_len()..]), &checksums);
    packet
}

/// A temporary file, which is removed on drop.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        TempFile(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.pcapng", std::process::id())))
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
