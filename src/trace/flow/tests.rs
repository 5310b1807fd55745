//! Tests of the causes and marks that a flow infers for segments.

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
    sacks: [None; 3],
    len: 0,
};

fn data(number: i32) -> Segment {
    Segment { seq: TcpSeqNumber(1 + 100 * number), len: 100, ..SEGMENT }
}

fn ack(number: i32, sacks: bool) -> Segment {
    let block = sacks.then_some((TcpSeqNumber(1), TcpSeqNumber(2)));
    Segment { ack: Some(TcpSeqNumber(1 + 100 * number)), sacks: [block, None, None], ..SEGMENT }
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
fn an_acknowledgement_that_reports_a_gap_is_counted_as_a_duplicate() {
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
    // After a timeout, the remaining segments are sent again too.
    assert!(matches!(flow.sent(0, Instant::ZERO + rto, &data(9)), Some(Cause::Retransmission { count: 2, .. })));
}

#[test]
fn an_acknowledgement_is_a_duplicate_only_while_data_is_outstanding() {
    let (mut flow, now) = (ten(), Instant::ZERO);
    assert_eq!(flow.arrived(1, now, &data(0)), None);
    assert_eq!(flow.sent(1, now, &ack(1, false)), None);
    assert_eq!(flow.arrived(1, now, &data(2)), Some(Mark::OutOfOrder));
    assert_eq!(flow.sent(1, now, &ack(1, true)), Some(Cause::DuplicateAck));
    // An ACK with another window is not a duplicate (RFC 5681 section 2, e).
    assert_eq!(flow.arrived(1, now, &data(3)), Some(Mark::OutOfOrder));
    assert_eq!(flow.sent(1, now, &Segment { window: 50_000, ..ack(1, true) }), None);
    // The acknowledged segment arrived before.
    assert_eq!(flow.arrived(1, now, &data(0)), Some(Mark::Repeated));
    assert_eq!(flow.sent(1, now, &Segment { window: 50_000, ..ack(1, true) }), Some(Cause::RepeatedAck));
    // The gap is filled, and all data is acknowledged: nothing is outstanding.
    assert_eq!(flow.arrived(1, now, &data(1)), None);
    assert_eq!(flow.sent(1, now, &Segment { window: 50_000, ..ack(10, false) }), None);
    assert_eq!(flow.sent(1, now, &Segment { window: 50_000, ..ack(10, false) }), None);
}

#[test]
fn answers_to_probes_are_told_apart() {
    let (mut flow, now) = (ten(), Instant::ZERO);
    for number in 0..10 {
        flow.arrived(1, now, &data(number));
    }
    let closed = Segment { window: 0, ..ack(10, false) };
    assert_eq!(flow.sent(1, now, &closed), None);
    flow.arrived(0, now, &closed);
    let probe = Segment { len: 1, ..data(10) };
    assert_eq!(flow.sent(0, now, &probe), Some(Cause::ZeroWindowProbe));
    assert_eq!(flow.arrived(1, now, &probe), None);
    assert_eq!(flow.sent(1, now, &closed), Some(Cause::ZeroWindowProbeAck));
    assert_eq!(flow.sent(1, now, &Segment { window: 100, ..closed }), Some(Cause::WindowUpdate));
    let alive = Segment { seq: TcpSeqNumber(1000), len: 1, ..SEGMENT };
    assert_eq!(flow.sent(0, now, &alive), Some(Cause::KeepAlive));
    flow.arrived(1, now, &alive);
    assert_eq!(flow.sent(1, now, &Segment { window: 100, ..closed }), Some(Cause::KeepAliveAck));
}

#[test]
fn the_stack_knows_better_why_it_sends_again() {
    let (mut flow, rto) = (ten(), Duration::from_millis(220));
    let late = Instant::from_millis(500);
    let again = |count| Some(Cause::Retransmission { rto, count });
    assert_eq!(flow.sent_again(0, late, &data(0), Some(Repeat::Timer(rto))), again(1));
    assert_eq!(flow.sent_again(0, late, &data(1), Some(Repeat::AfterTimer)), Some(Cause::AfterTimeout(1)));
    assert_eq!(flow.sent_again(0, late, &data(9), Some(Repeat::TailProbe)), Some(Cause::TailProbe));
    // The peer has acknowledged all data, and the acknowledgement was lost.
    flow.sent(1, late, &ack(10, false));
    let spurious = Some(Cause::SpuriousRetransmission { rto, count: 2 });
    assert_eq!(flow.sent_again(0, late, &data(0), Some(Repeat::Timer(rto))), spurious);
}

#[test]
fn acknowledging_only_some_of_the_flight_in_recovery_is_a_partial_acknowledgement() {
    let (mut flow, now) = (ten(), Instant::from_millis(20));
    assert_eq!(flow.sent_again(0, now, &data(0), Some(Repeat::Duplicates)), Some(Cause::FastRetransmission));
    assert_eq!(flow.arrived(0, now, &ack(5, false)), Some(Mark::PartialAck));
    assert_eq!(flow.arrived(0, now, &ack(10, false)), None, "all of it");
}

/// An acknowledgement that belongs to an earlier connection does not restart the timer.
#[test]
fn what_was_never_sent_is_not_acknowledged() {
    let mut flow = Flow::default();
    let syn = Segment { syn: true, ack: None, ..SEGMENT };
    flow.sent(0, Instant::ZERO, &syn);
    flow.arrived(0, Instant::from_millis(2), &ack(77, false));
    let rto = Duration::from_secs(1);
    assert_eq!(flow.sent(0, Instant::ZERO + rto, &syn), Some(Cause::Retransmission { rto, count: 1 }));
}
