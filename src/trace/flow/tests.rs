//! Tests of the causes that a flow infers for retransmissions.

use super::*;

const SEGMENT: Segment = Segment {
    syn: false,
    fin: false,
    rst: false,
    psh: false,
    seq: TcpSeqNumber(0),
    ack: Some(TcpSeqNumber(1)),
    window: 60_000,
    scale: None,
    mss: None,
    sacks: false,
    len: 0,
};

fn data(number: i32) -> Segment {
    Segment { seq: TcpSeqNumber(1 + 100 * number), len: 100, ..SEGMENT }
}

fn ack(number: i32, sacks: bool) -> Segment {
    Segment { ack: Some(TcpSeqNumber(1 + 100 * number)), sacks, ..SEGMENT }
}

/// Returns a flow whose first side has sent ten segments of 100 bytes.
fn ten() -> Flow {
    let mut flow = Flow::default();
    assert_eq!(flow.sent(0, Instant::ZERO, &Segment { syn: true, ack: None, ..SEGMENT }), None);
    flow.arrived(0, Instant::ZERO, &Segment { syn: true, ..SEGMENT });
    for number in 0..10 {
        assert_eq!(flow.sent(0, Instant::ZERO, &data(number)), None);
    }
    flow
}

#[test]
fn an_acknowledgement_that_reports_a_gap_counts_as_a_duplicate() {
    let (mut flow, now) = (ten(), Instant::from_millis(20));
    for sacks in [true; 3] {
        flow.arrived(0, now, &ack(1, sacks));
    }
    assert_eq!(flow.sent(0, now, &data(1)), Some(Cause::FastRetransmission));
    // A second gap in the same recovery.
    flow.arrived(0, now, &ack(1, true));
    assert_eq!(flow.sent(0, now, &data(3)), Some(Cause::FastRetransmission));
    // The segment was lost again, so it is sent again only when the timer expires.
    let rto = Duration::from_millis(220);
    assert_eq!(flow.sent(0, now + rto, &data(1)), Some(Cause::Retransmission { rto, count: 2 }));
}

#[test]
fn the_final_segment_sent_before_the_oldest_is_a_tail_loss_probe() {
    let mut flow = ten();
    assert_eq!(flow.sent(0, Instant::from_millis(42), &data(9)), Some(Cause::TailProbe));
    let rto = Duration::from_millis(220);
    assert_eq!(flow.sent(0, Instant::ZERO + rto, &data(0)), Some(Cause::Retransmission { rto, count: 1 }));
    // After a timeout, the remaining segments are also sent again.
    assert!(matches!(flow.sent(0, Instant::ZERO + rto, &data(9)), Some(Cause::Retransmission { count: 2, .. })));
}
