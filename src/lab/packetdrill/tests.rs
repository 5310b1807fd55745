//! Tests of the text of segments.

use std::string::{String, ToString};
use std::vec::Vec;

use smoltcp::phy::Medium;
use smoltcp::time::Duration;
use smoltcp::wire::{EthernetAddress, Ipv4Address};

use super::segment::{Choice, Flags, SegmentText, parse};
use super::{Ends, Error};
use crate::app::{self, Options, Server};
use crate::host::{HeapPool, Sizes};
use crate::lab::show::What;
use crate::lab::{Faults, Lab, Line};
use crate::stack::{Listener, NullConsole};
use crate::trace::Summary;

const ENDS: Ends = Ends {
    hardware: [EthernetAddress([2, 0, 0, 0, 0, 2]), EthernetAddress([2, 0, 0, 0, 0, 1])],
    addresses: [Ipv4Address::new(192, 168, 69, 2), Ipv4Address::new(192, 168, 69, 1)],
    ports: [40_000, 7000],
    isn: [0xffff_fff0, 1000],
};

fn error(text: &str) -> (usize, usize, String) {
    let Error { line, column, word, .. } = parse(text).expect_err(text);
    (line, column, word)
}

#[test]
fn a_segment_is_written_as_it_was_read() {
    for text in [
        "S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>",
        "S. 0:0(0) ack 1 <...>",
        ". 1:1(0) ack 4294967295 win 65535",
        "FP. 1:11(10) ack 1",
        "R 2:2(0)",
        "- 2:2(0) win 0",
        "SFRPUEW. 2:2(0) ack 0",
        ". 1:1(0) ack 1 win 257 <nop,nop,sack 1001:2001 3001:4001,eol>",
        ". 4294967290:4(10) ack 1 <nop,nop,TS val 100 ecr 4294967295>",
    ] {
        assert_eq!(parse(text).map(|segment| segment.to_string()), Ok(text.into()));
    }
    assert_eq!(parse(". 5:5(0) win 1").map(|segment| segment.ack), Ok(Some(0)));
    let spread = "PF.  0x10:17 ( 1 )\n ack\t1 /* why */ win 1 < mss 1 , nop > // so";
    assert_eq!(parse(spread).map(|segment| segment.to_string()), Ok("FP. 16:17(1) ack 1 win 1 <mss 1,nop>".into()));
}

#[test]
fn an_error_names_the_column_and_the_word() {
    for (text, column, word) in [
        ("", 1, ""),
        ("X 0:0(0)", 1, "X"),
        ("S 0-0(0)", 4, "-"),
        ("S  a:0(0)", 4, "a"),
        ("S 0:1(0)", 5, "1"),
        ("S 0:0(65536)", 7, "65536"),
        ("S 0:0(99999999999999999999)", 7, "99999999999999999999"),
        ("S 0:0(0) ack 1", 10, "ack"),
        ("S 0:0(0) win 65536", 14, "65536"),
        ("S 0:0(0) win 1 <mss>", 20, ">"),
        ("S 0:0(0) win 1 <mss 1 nop>", 23, "nop"),
        ("S 0:0(0) win 1 <foo 1>", 17, "foo"),
        ("S 0:0(0) win 1 <nop,", 21, ""),
        ("S 0:0(0) win 1 <>", 17, ">"),
        ("S 0:0(0) win 1 <sack >", 22, ">"),
        ("S 0:0(0) win 1 <TS val 1>", 25, ">"),
        ("S 0:0(0) win 1 <TS val 1 ecr 2,sack 1:2 2:3 3:4 4:5>", 32, "sack"),
        ("S 0:0(0) win 1 <sack 1:2 2:3 3:4 4:5 5:6>", 38, "5"),
        ("S 0:0(0) win 1 foo", 16, "foo"),
        ("S 0:0(0) win 1 /* foo", 16, "/*"),
        ("S ü:0(0)", 3, "ü"),
        ("ü ü:0(0)", 1, "ü"),
    ] {
        assert_eq!(error(text), (1, column, word.into()), "{text}");
    }
    assert_eq!(error("S 0:0(0)\n  ack x"), (2, 7, "x".into()));
    assert_eq!(error("S /* a\n b */ é"), (2, 7, "é".into()));
    let long = "x".repeat(5000);
    assert_eq!(error(&std::format!("S {long}")).2.len(), 43);
}

#[test]
fn a_frame_carries_the_segment() {
    for text in [
        "S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>",
        ". 1:1(0) ack 4294967295 win 65535",
        "FP. 1:1461(1460) ack 7 win 0",
        "- 2:2(0) win 0",
        "SFRPUEW. 20:20(0) ack 0 win 1",
        ". 1:1(0) ack 1 win 257 <nop,nop,sack 1001:2001 3001:4001>",
        ". 1:1(0) ack 1 win 257 <nop,nop,TS val 100 ecr 4294967295>",
    ] {
        let frames = parse(text).unwrap().frames(&ENDS, 1500);
        let [frame] = &frames[..] else { panic!("{} frames", frames.len()) };
        let (segment, ends) = SegmentText::read(frame).expect("the checksums are right");
        assert_eq!(ends, Ends { isn: [0; 2], ..ENDS });
        assert_eq!(segment.relative_to(ENDS.isn).to_string(), text);
        assert_eq!(
            Summary::of(frame, Medium::Ethernet).ends.map(|e| [e.source, e.destination]),
            Some(ENDS.endpoints())
        );
    }
    let padded = parse("S 0:0(0) win 1 <mss 1000,wscale 7>").unwrap().frames(&ENDS, 1500);
    let options = SegmentText::read(&padded[0]).and_then(|(segment, _)| segment.options);
    assert_eq!(options, Some(std::vec![Choice::Mss(1000), Choice::WindowScale(7), Choice::Eol]));
}

#[test]
fn a_long_segment_takes_several_frames() {
    let segment = parse("SFP. 0:3000(3000) ack 1 win 5 <nop,nop,sack 5:6>").unwrap();
    let frames = segment.frames(&ENDS, 1500);
    let pieces: Vec<_> = frames
        .iter()
        .map(|frame| SegmentText::read(frame).unwrap().0.relative_to(ENDS.isn))
        .map(|segment| (segment.flags.0, segment.seq, segment.len))
        .collect();
    let (syn, ack, last) = (Flags::SYN, Flags::ACK, Flags::FIN | Flags::PSH);
    assert_eq!(pieces, [(syn | ack, 0, 1448), (ack, 1449, 1448), (ack | last, 2897, 104)]);
    assert!(frames.iter().all(|frame| frame.len() <= 1514));
}

#[test]
fn a_damaged_frame_has_no_segment() {
    let frame = parse("P. 1:11(10) ack 1 win 5").unwrap().frames(&ENDS, 1500).remove(0);
    for at in 0..frame.len() {
        let mut damaged = frame.clone();
        damaged[at] ^= 0x10;
        let read = SegmentText::read(&damaged);
        // No checksum covers the hardware addresses.
        assert_eq!(read.is_some(), at < 12, "byte {at}");
        assert!(SegmentText::read(&frame[..at]).is_none());
    }
}

/// An injected SYN reaches the server, which answers it.
#[test]
fn a_frame_by_hand_is_sent_and_arrives() {
    let sizes = Sizes { connections: 1, receive: 4096, send: 4096, ports: 0, datagrams: 0, payload: 0 };
    let mut pools = [HeapPool::new(sizes), HeapPool::new(sizes)];
    let mut lab: Lab<'_, Server<'_>, (), NullConsole, 2, 64> = Lab::new(
        Line::default(),
        Faults::default(),
        7,
        pools.each_mut().map(|pool| (pool.memory(), NullConsole)),
        |_, _| {},
    )
    .unwrap();
    let server = app::find("echo").and_then(|app| app.server(&Options::default())).unwrap();
    lab.hosts[1].stack.listen(Listener::new(7000, server)).unwrap();
    let frame = parse("S 0:0(0) win 1000 <mss 1000>").unwrap().frames(&ENDS, 1500).remove(0);
    assert!(lab.inject(0, &frame));
    assert!(!lab.inject(2, &frame), "there are two hosts");
    assert!(!lab.inject(0, &[0; 1515]));
    let _ = lab.run(Duration::from_millis(5), 100, |_| {});
    let sent: Vec<_> = lab
        .entries
        .iter()
        .filter_map(|entry| match entry.what {
            What::Sent { summary, .. } => Some((entry.host, summary.segment()?.flags())),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [(0, "SYN"), (1, "SYN,ACK"), (0, "RST")]);
}
