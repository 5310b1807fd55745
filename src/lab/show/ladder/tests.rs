//! Tests that compare the exact lines of a ladder.

use std::string::{String, ToString};

use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, IpEndpoint, TcpSeqNumber};

use super::*;
use crate::lab::show::{Entry, Transfer, What};
use crate::lab::{START, Verdict};
use crate::stack::{DropReason, Event, Next};
use crate::trace::{Carries, Cause, Ends, Mark, Segment, Summary};

pub(in crate::lab) const SYN_ACK: Segment = Segment {
    syn: true,
    fin: false,
    rst: false,
    psh: false,
    seq: TcpSeqNumber(7000),
    ack: Some(TcpSeqNumber(501)),
    window: 4096,
    scale: Some(0),
    mss: Some(1460),
    sacks: [None; 3],
    len: 0,
};

/// Returns a snapshot in which the server is in SYN-RECEIVED.
pub(in crate::lab) fn snapshot(host: usize, what: What) -> Snapshot {
    let entry = Entry { step: 12, at: START + Duration::from_micros(1_002_003), host, what };
    let isn = [Some(TcpSeqNumber(7000)), Some(TcpSeqNumber(500))];
    let states = [State::SynSent, State::SynReceived];
    let (before, is_refused, tries_shorter) = ([None; 2], false, false);
    let lane = Lane::default();
    Snapshot {
        entry,
        isn,
        states,
        before,
        is_refused,
        tries_shorter,
        has_states: true,
        port: None,
        lane,
        reduction: None,
    }
}

pub(in crate::lab) fn sent(cause: Option<Cause>, verdict: Verdict) -> What {
    What::Sent { frame: 5, summary: summary(), len: 58, cause, verdict }
}

pub(in crate::lab) fn summary() -> Summary {
    let end = |last, port| IpEndpoint::new(IpAddress::v4(192, 168, 69, last), port);
    Summary { ends: Some(Ends { source: end(1, 9999), destination: end(2, 50000) }), carries: Carries::Tcp(SYN_ACK) }
}

const AGAIN: Option<Cause> = Some(Cause::Retransmission { rto: Duration::from_secs(1), count: 1 });

/// Returns a line without its time, step and first state, which are always the same.
fn row(width: usize, ascii: bool, what: What) -> String {
    let ladder = Ladder { width, ascii, color: false, lang: Lang::En };
    let row = ladder.row(&snapshot(1, what)).unwrap().to_string();
    let header = ladder.header().to_string();
    // The last column begins below its heading.
    let last = row.rfind("SYN-").unwrap();
    assert_eq!(row[..last].chars().count(), header.find("server").unwrap(), "{row}");
    row.strip_prefix("  1.002003    12 SYN-SENT").unwrap().trim_start().into()
}

#[test]
fn lines_of_80_columns() {
    assert_eq!(row(80, false, sent(None, Verdict::Deliver)), "◄───── #5 SYN,ACK seq=0 ack=1 win=4096 ── SYN-RCVD");
    assert_eq!(row(80, false, sent(AGAIN, Verdict::Deliver)), "◄╌╌ #5 ↻ RTO 1s SYN,ACK s=0 a=1 w=4096 ╌╌ SYN-RCVD");
    assert_eq!(row(80, false, sent(None, Verdict::Lost)), "✗──── #5 SYN,ACK seq=0 ack=1 win=4096 ── SYN-RCVD");
    assert_eq!(row(80, true, sent(AGAIN, Verdict::Drop)), "x- -  #5 again RTO 1s SYN,ACK s=0 a=1 -  SYN-RCVD");
    let late = sent(None, Verdict::Delay(Duration::from_millis(300)));
    assert_eq!(row(80, true, late), "<---- #5 +300ms SYN,ACK s=0 a=1 w=4096 -- SYN-RCVD");
    assert_eq!(row(80, false, What::Ran(Next::Close, None, Transfer::default())), "program runs: close SYN-RCVD");
}

#[test]
fn lines_of_120_columns() {
    assert_eq!(
        row(120, false, sent(None, Verdict::Deliver)),
        "◄─────────────────────────────────── #5 SYN,ACK seq=0 ack=1 len=0 win=4096 ── SYN-RECEIVED"
    );
    assert_eq!(
        row(120, false, sent(AGAIN, Verdict::Drop)),
        "✗╌╌╌╌╌╌╌╌╌╌╌╌ #5 dropped ↻ RTO 1s SYN,ACK seq=0 ack=1 len=0 win=4096 ╌╌ SYN-RECEIVED"
    );
    let damaged = What::Arrived { frame: 5, summary: summary(), damaged: true, mark: None };
    assert_eq!(row(120, false, damaged), "#5 SYN,ACK arrives damaged: thrown away SYN-RECEIVED");
}

#[test]
fn every_width_holds_every_line() {
    let count = AGAIN.map(|_| Cause::Retransmission { rto: Duration::from_micros(1_234_567), count: 12 });
    for width in 0..200 {
        for ascii in [false, true] {
            for what in [sent(None, Verdict::Duplicate), sent(count, Verdict::Corrupt), What::Clock] {
                let row = row(width, ascii, what);
                assert!(!ascii || row.is_ascii(), "{row}");
            }
        }
    }
}

#[test]
fn colours_only_when_asked() {
    let row = |color, what| {
        Ladder { width: 80, ascii: false, color, lang: Lang::En }.row(&snapshot(1, what)).unwrap().to_string()
    };
    let lost = row(true, sent(None, Verdict::Lost));
    assert!(lost.contains(RED) && lost.contains(PLAIN), "{lost:?}");
    assert!(row(true, sent(AGAIN, Verdict::Deliver)).contains(YELLOW));
    assert!(!row(false, sent(None, Verdict::Lost)).contains('\x1b'));
    assert!(!row(true, sent(None, Verdict::Deliver)).contains('\x1b'), "nothing to mark");
}

#[test]
fn selective_acknowledgements_are_relative_and_never_cut() {
    let block = |from, to| Some((TcpSeqNumber(from), TcpSeqNumber(to)));
    let row = |width, sacks| {
        let segment = Segment { syn: false, seq: TcpSeqNumber(7001), ack: Some(TcpSeqNumber(1961)), sacks, ..SYN_ACK };
        let summary = Summary { carries: Carries::Tcp(segment), ..summary() };
        let cause = Some(Cause::DuplicateAck);
        row(width, false, What::Sent { frame: 15, summary, len: 66, cause, verdict: Verdict::Deliver })
    };
    let one = [block(3421, 4881), None, None];
    assert!(row(120, one).contains("#15 duplicate ACK seq=1 ack=1461 len=0 win=4096 sack 2921:4381 ──"));
    assert_eq!(row(80, one), "◄─── #15 dup ACK a=1461 sack 2921:4381 ── SYN-RCVD");
    let three = [block(3421, 4881), block(6341, 7801), block(9261, 10721)];
    assert!(row(120, three).contains("sack 2921:4381 5841:7301 8761:10221 ──"), "{}", row(120, three));
    assert_eq!(row(80, three), "◄─ #15 dup ACK a=1461 sack 2921:4381.. ── SYN-RCVD");
}

#[test]
fn a_label_without_room_leaves_whole_fields_out() {
    let row = |cause, segment: Segment, verdict| {
        let summary = Summary { carries: Carries::Tcp(segment), ..summary() };
        let lane = Lane { number: Some(0), of: 2, is_shared: false };
        let what = What::Sent { frame: 104, summary, len: 66, cause, verdict };
        let snapshot = Snapshot { lane, port: Some(50744), ..snapshot(1, what) };
        Ladder { width: 80, ascii: false, color: false, lang: Lang::En }.row(&snapshot).unwrap().to_string()
    };
    let data = Segment { syn: false, seq: TcpSeqNumber(17221), len: 1460, ..SYN_ACK };
    let found = row(Some(Cause::TailProbe), data, Verdict::Deliver);
    assert!(found.contains("◄╌╌╌ #104 :50744 ↻ tail ACK s=10221 ╌╌ "), "{found}");
    let found = row(Some(Cause::FastRetransmission), data, Verdict::QueueFull);
    assert!(found.contains(" #104 :50744 queue full ↻ ACK a=1 ╌╌ "), "{found}");
    let sacks = [Some((TcpSeqNumber(29201), TcpSeqNumber(30661))), None, None];
    let found = row(Some(Cause::WindowUpdate), Segment { len: 0, sacks, ..data }, Verdict::Deliver);
    assert!(found.contains(" #104 :50744 window ACK a=1 ── "), "{found}");
}

#[test]
fn a_note_without_room_is_worded_briefly_and_never_cut_without_a_sign() {
    let told = |width, ascii, what| {
        let lane = Lane { number: Some(0), of: 2, is_shared: false };
        let snapshot = Snapshot { lane, port: Some(50744), ..snapshot(1, what) };
        Ladder { width, ascii, color: false, lang: Lang::En }.row(&snapshot).unwrap().to_string()
    };
    let transfer = Transfer { read: 2, written: 11 };
    let found = told(80, false, What::Ran(Next::Close, None, transfer));
    assert!(found.contains(" :50744 reads 2 B, writes 11 B: close "), "{found}");
    let data = Summary { carries: Carries::Tcp(Segment { syn: false, len: 1460, ..SYN_ACK }), ..summary() };
    let late = What::Arrived { frame: 112, summary: data, damaged: false, mark: Some(Mark::OutOfOrder) };
    assert!(told(80, false, late).contains(" #112 :50744 ACK out of order "), "{}", told(80, false, late));
    let dropped = || What::Stack(Event::Dropped(DropReason::BadReset));
    assert!(told(80, false, dropped()).contains("… SYN-RCVD"), "{}", told(80, false, dropped()));
    assert!(told(80, true, dropped()).contains(".. SYN-RCVD") && !told(120, false, dropped()).contains('…'));
    assert!(row(80, false, What::RanUdp(9999, Next::Wait, transfer)).starts_with("UDP :9999 reads 2 B, writes 11 B"));
}

#[test]
fn udp_has_no_states() {
    let snapshot = Snapshot { has_states: false, ..snapshot(1, What::Clock) };
    let row = Ladder { width: 80, ascii: true, color: false, lang: Lang::En }.row(&snapshot).unwrap().to_string();
    assert!(row.starts_with("  1.002003    12 -          ") && row.ends_with("  -"), "{row}");
}

#[test]
fn each_connection_has_its_lane_and_colour() {
    let row = |number, color| {
        let lane = Lane { number, of: 3, is_shared: false };
        let snapshot = Snapshot { lane, port: number.map(|_| 50000), ..snapshot(1, sent(None, Verdict::Deliver)) };
        Ladder { width: 80, ascii: false, color, lang: Lang::En }.row(&snapshot).unwrap().to_string()
    };
    assert!(row(Some(1), false).contains("SYN-SENT   │●│ ◄"), "{}", row(Some(1), false));
    assert!(row(None, false).contains("SYN-SENT   │││ ◄"));
    assert!(row(Some(1), true).contains(CONNECTIONS[1]) && !row(Some(0), true).contains(CONNECTIONS[1]));
    for number in 0..3 {
        assert_eq!(row(Some(number), false).chars().count(), 78, "{}", row(Some(number), false));
    }
}
