//! Tests of TIME-WAIT: how long it lasts and how late segments are answered once its slot is reused.

use smoltcp::phy::{ChecksumCapabilities, Medium};
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, TcpControl, TcpSeqNumber};

use super::pair::*;
use super::raw::SECOND;
use crate::host::{HeapPool, Sizes};
use crate::stack::*;
use crate::trace::Summary;

/// A connection that is in TIME-WAIT on the server.
struct Late {
    pair: Pair,
    tuple: Tuple,
    /// The server's SND.NXT and RCV.NXT.
    numbers: (TcpSeqNumber, TcpSeqNumber),
    began: Instant,
}

impl Late {
    /// Returns a connection that the server closed first. The client has forgotten the connection.
    fn new() -> Late {
        let mut pair = Pair::new(SMALL);
        pair.server.listen(Listener::new(7, App::Closer));
        pair.meet(SERVER);
        let id = pair.call(7, App::Echo);
        pair.run_for(SECOND);
        pair.client.stack.take(id).unwrap();
        let [connection] = pair.served()[..] else { panic!("{:?}", pair.served()) };
        assert_eq!(connection.phase, Phase::TimeWait);
        let slot = &pair.server.stack.connections.slots[connection.id.slot()];
        let (seq, ack) = slot.control.next_numbers();
        let began = slot.time_wait_until - SECOND * 60;
        Late { tuple: connection.tuple, numbers: (seq, ack), began, pair }
    }

    /// Returns a connection in TIME-WAIT whose slot another connection has taken.
    fn recycled() -> Late {
        let mut late = Late::new();
        let ids: Vec<_> = (0..4).map(|_| late.pair.call(7, App::Echo)).collect();
        late.pair.run_for(SECOND);
        for id in ids {
            late.pair.client.stack.take(id).unwrap();
        }
        assert!(late.pair.served().iter().all(|connection| connection.tuple != late.tuple));
        late
    }

    /// Returns the server's answer to a segment from the client's old port: flags, sequence number, acknowledgement,
    /// window.
    fn answer(&mut self, control: TcpControl, seq: TcpSeqNumber, data: &[u8]) -> Option<(&'static str, i32, i32, u16)> {
        let mut repr = control::bare(&self.tuple, seq, self.numbers.0, 1000);
        repr.control = control;
        if matches!(control, TcpControl::Syn | TcpControl::Rst) {
            repr.ack_number = None;
        }
        repr.payload = data;
        let (client, server) = (EthernetAddress([2, 0, 0, 0, 0, 2]), EthernetAddress([2, 0, 0, 0, 0, 1]));
        let (mut frame, checksums) = ([0; 200], ChecksumCapabilities::default());
        let len = control::write(&mut frame[14..], &self.tuple, &repr, &checksums).unwrap();
        link::write(Some(link::Ends { to: server, from: client }), &mut frame);
        self.pair.to_server.borrow_mut().push_back(frame[..14 + len].to_vec());
        self.pair.server.stack.poll(self.pair.now, &mut self.pair.server.io);
        let frames = std::mem::take(&mut *self.pair.to_client.borrow_mut());
        let answers: Vec<_> =
            frames.iter().filter_map(|frame| Summary::of(frame, Medium::Ethernet).segment()).collect();
        assert!(answers.len() <= 1, "{answers:?}");
        let answer = answers.first()?;
        Some((answer.flags(), answer.seq.0, answer.ack.unwrap_or_default().0, answer.window as u16))
    }

    /// Returns the answer to a late segment.
    fn acknowledgement(&self) -> Option<(&'static str, i32, i32, u16)> {
        Some(("ACK", self.numbers.0.0, self.numbers.1.0, 0))
    }

    /// Sets SND.NXT of the connection in TIME-WAIT.
    fn pretend_to_have_sent(&mut self, nxt: TcpSeqNumber) {
        let connections = &mut self.pair.server.stack.connections;
        match connections.find(&self.tuple) {
            Some(index) => connections.slots[index].control.set_isn(nxt.0 as u32),
            None => connections.time_wait_records.set_last(self.pair.now, &self.tuple, nxt),
        }
    }

    fn go_to(&mut self, seconds: u64) {
        self.pair.run_for(self.began + SECOND * seconds as u32 - self.pair.now);
    }

    fn back(&self, bytes: usize) -> TcpSeqNumber {
        self.numbers.1 - bytes
    }
}

#[test]
fn time_wait_lasts_60_seconds() {
    let mut late = Late::new();
    late.go_to(59);
    assert_eq!(late.pair.served()[0].state, State::TimeWait);
    assert_eq!(late.pair.served()[0].due, Some(late.began + SECOND * 60));
    late.go_to(60);
    assert!(late.pair.served().is_empty());
    let ended = |event: &Event| matches!(event, Event::State { from: State::TimeWait, to: State::Closed, .. });
    assert_eq!(late.pair.server.count(ended), 1);
}

#[test]
fn a_repeated_fin_restarts_time_wait() {
    let mut late = Late::new();
    late.go_to(50);
    assert!(late.answer(TcpControl::Fin, late.back(1), &[]).is_some());
    late.go_to(109);
    assert_eq!(late.pair.served()[0].state, State::TimeWait);
    late.go_to(110);
    assert!(late.pair.served().is_empty());
}

/// smoltcp's own TIME-WAIT ends after 10 s. The program can still read the remaining data after that.
#[test]
fn a_program_can_still_read_in_time_wait() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::ask(&[1; 400], 0)));
    let id = pair.call(7, App::Slow { piece: 2, got: 0, next: Instant::ZERO });
    pair.run_for(SECOND * 150);
    assert_eq!(pair.state(id), Some(State::TimeWait));
    pair.run_for(SECOND * 100);
    let Some((App::Slow { got, .. }, end)) = pair.client.stack.take(id) else { panic!("the connection has not ended") };
    assert_eq!((got, end), (400, End::Closed));
}

#[test]
fn a_record_ignores_resets_and_acknowledgements() {
    let mut late = Late::recycled();
    for control in [TcpControl::Rst, TcpControl::None] {
        assert_eq!(late.answer(control, late.numbers.1, &[]), None);
    }
    let dropped = |event: &Event| matches!(event, Event::Dropped(DropReason::BadReset | DropReason::OldAck));
    assert_eq!(late.pair.server.count(dropped), 2);
    assert_eq!(late.answer(TcpControl::Fin, late.back(1), &[]), late.acknowledgement(), "the record is still there");
}

#[test]
fn a_record_answers_at_most_twice_a_second() {
    let mut late = Late::recycled();
    let segments: [(TcpControl, usize, &[u8]); 4] = [
        (TcpControl::Fin, 1, &[]),
        (TcpControl::Fin, 3, b"ab"),
        (TcpControl::None, 0, b"abc"),
        // An old duplicate.
        (TcpControl::Syn, 1000, &[]),
    ];
    for (control, back, data) in segments {
        assert_eq!(late.answer(control, late.back(back), data), late.acknowledgement(), "{control:?}");
        late.pair.now += Duration::from_millis(499);
        assert_eq!(late.answer(control, late.back(back), data), None, "{control:?}");
        late.pair.now += SECOND;
    }
}

#[test]
fn a_record_ends_with_its_connections_time_wait() {
    let mut late = Late::recycled();
    late.go_to(59);
    assert_eq!(late.answer(TcpControl::None, late.numbers.1, b"late"), late.acknowledgement());
    late.go_to(61);
    let (flags, ..) = late.answer(TcpControl::None, late.numbers.1, b"late").unwrap();
    assert!(flags.contains("RST"), "{flags}");
}

#[test]
fn a_repeated_fin_restarts_a_record() {
    let mut late = Late::recycled();
    late.go_to(50);
    assert_eq!(late.answer(TcpControl::Fin, late.back(1), &[]), late.acknowledgement());
    // Any other FIN does not restart the record.
    late.go_to(100);
    assert_eq!(late.answer(TcpControl::Fin, late.numbers.1, &[]), late.acknowledgement());
    late.go_to(109);
    assert_eq!(late.answer(TcpControl::None, late.numbers.1, b"late"), late.acknowledgement());
    late.go_to(111);
    let (flags, ..) = late.answer(TcpControl::None, late.numbers.1, b"late").unwrap();
    assert!(flags.contains("RST"), "{flags}");
}

#[test]
fn a_new_syn_replaces_a_record() {
    let mut late = Late::recycled();
    assert_eq!(late.answer(TcpControl::Syn, late.numbers.1, &[]), late.acknowledgement(), "not above RCV.NXT");
    let (flags, ..) = late.answer(TcpControl::Syn, late.numbers.1 + 1, &[]).unwrap();
    assert_eq!(flags, "SYN,ACK");
    assert!(late.pair.served().iter().any(|connection| connection.tuple == late.tuple));
}

/// An old or forged SYN opens a connection in SYN-RECEIVED, which ends without an RST to the peer.
///
/// The peer answers our SYN,ACK either from its old connection or with an RST, as if it had no connection. TIME-WAIT
/// then continues (RFC 9293 section 3.6.1).
#[test]
fn an_old_syn_ends_in_time_wait() {
    for (recycled, control) in [
        (false, TcpControl::None),
        (true, TcpControl::None),
        (false, TcpControl::Fin),
        (true, TcpControl::Fin),
        (false, TcpControl::Rst),
        (true, TcpControl::Rst),
    ] {
        let mut late = if recycled { Late::recycled() } else { Late::new() };
        let syn = late.numbers.1 + 1_000;
        assert_eq!(late.answer(TcpControl::Syn, syn, &[]).unwrap().0, "SYN,ACK");
        let (seq, answer) = match control {
            TcpControl::Rst => (syn + 1, None),
            TcpControl::Fin => (late.back(1), late.acknowledgement()),
            _ => (late.numbers.1, None),
        };
        assert_eq!(late.answer(control, seq, &[]), answer, "{control:?}");
        assert!(late.pair.served().iter().all(|connection| connection.phase == Phase::TimeWait));
        late.pair.now += SECOND;
        assert_eq!(late.answer(TcpControl::Fin, late.back(1), &[]), late.acknowledgement(), "{control:?}");
        late.go_to(59);
        assert_eq!(late.answer(TcpControl::Syn, late.back(1), &[]), late.acknowledgement(), "{control:?}");
    }
}

/// The old connection's sequence numbers are ahead of the ISN clock, because it sent more than 250,000 bytes a second.
#[test]
fn a_new_connection_begins_above_the_numbers_of_the_old_one() {
    for (recycled, ahead) in [(false, 1), (false, 1 << 30), (true, 1), (true, 1 << 30)] {
        let mut late = if recycled { Late::recycled() } else { Late::new() };
        let begins = |late: &Late| TcpSeqNumber(late.pair.server.stack.isn(late.pair.now, &late.tuple) as i32);
        let last = begins(&late) + ahead;
        late.pretend_to_have_sent(last);
        let (flags, seq, ..) = late.answer(TcpControl::Syn, late.numbers.1 + 1, &[]).unwrap();
        assert_eq!(flags, "SYN,ACK");
        assert_eq!(TcpSeqNumber(seq), last + 0x1_0000, "recycled: {recycled}, {ahead} ahead");
    }
    for recycled in [false, true] {
        let mut late = if recycled { Late::recycled() } else { Late::new() };
        let clock = late.pair.server.stack.isn(late.pair.now, &late.tuple);
        late.pretend_to_have_sent(TcpSeqNumber(clock as i32) - 1);
        let (_, seq, ..) = late.answer(TcpControl::Syn, late.numbers.1 + 1, &[]).unwrap();
        assert_eq!(seq as u32, clock, "the ISN clock is ahead, so the clock decides");
    }
}

/// The client closes first, so its own slots are in TIME-WAIT.
#[test]
fn connect_reuses_time_wait_slots_but_not_endpoints_with_a_record() {
    let mut pair = Pair::new(SMALL);
    pair.server.listen(Listener::new(7, App::Echo));
    let mut tuples = Vec::new();
    for round in 0..200 {
        let id = pair.call(7, App::Closer);
        tuples.push(pair.client.stack.connections.tuple(id.slot()).unwrap());
        pair.run_for(Duration::from_millis(100));
        assert_eq!(pair.client.stack.take(id).map(|(_, end)| end), Some(End::Closed), "round {round}");
    }
    let Host { stack, io } = &mut pair.client;
    for tuple in &tuples {
        let (port, timeout) = (tuple.local.port, SECOND);
        let again = stack.connect_from(pair.now, port, tuple.remote, App::Idle, timeout, io);
        assert_eq!(again, Err(ConnectError::Full), "{port}");
    }
    pair.run_for(SECOND * 61);
    let Host { stack, io } = &mut pair.client;
    assert!(stack.connect_from(pair.now, tuples[0].local.port, tuples[0].remote, App::Idle, SECOND, io).is_ok());
}

/// There are 16,384 records on a host with 1,024 connections or more, and two for each connection of a board.
#[test]
fn the_number_of_records_depends_on_the_number_of_connections() {
    let records = |connections| {
        let sizes = Sizes { connections, receive: 1, send: 1, ..SMALL };
        let mut pool = HeapPool::<'_, App, Respond<Parrot>>::new(sizes);
        pool.memory().time_wait.len()
    };
    assert_eq!([1, 1_023, 1_024, 5_000].map(records), [16, 16_368, 16_384, 16_384]);
    let mut pool = Pool::<'_, App, Respond<Parrot>, 3, 1, 1, 0, 0, 0>::new();
    assert_eq!(pool.memory().time_wait.len(), 6);
}

/// RFC 1337: an RST does not end TIME-WAIT while the connection still has its slot.
#[test]
fn a_reset_does_not_end_it() {
    let mut late = Late::new();
    assert_eq!(late.answer(TcpControl::Rst, late.numbers.1, &[]), None);
    assert_eq!(late.pair.served()[0].state, State::TimeWait);
    assert_eq!(late.pair.server.count(|event| *event == Event::Dropped(DropReason::BadReset)), 1);
    assert_eq!(late.answer(TcpControl::Fin, late.back(1), &[]).map(|(flags, ..)| flags), Some("ACK"));
}

#[test]
fn many_connections_leave_a_bounded_number_of_records() {
    const SIZES: Sizes = Sizes { connections: 8, ..SMALL };
    let mut pair = Pair::new(SIZES);
    pair.server.listen(Listener::new(7, App::Closer));
    pair.server.listen(Listener::new(8, App::Echo));
    let live = pair.call(8, App::Idle);
    pair.run_for(SECOND);
    for round in 0..20_000 {
        let id = pair.call(7, App::Echo);
        pair.run_until_idle();
        while pair.client.stack.ended(id).is_none() {
            pair.now += Duration::from_millis(10);
            pair.run_until_idle();
        }
        assert_eq!(pair.client.stack.take(id).map(|(_, end)| end), Some(End::Closed), "round {round}");
        pair.server.io.probe.0.clear();
        pair.client.io.probe.0.clear();
    }
    assert_eq!(pair.server.stack.connections.time_wait_records.count(pair.now), 128);
    assert_eq!(pair.state(live), Some(State::Established));
    let served = pair.served();
    assert_eq!(served.iter().filter(|connection| connection.state == State::Established).count(), 1);
    assert_eq!(served.iter().filter(|connection| connection.phase == Phase::TimeWait).count(), 7);
    pair.run_for(SECOND * 61);
    assert_eq!(pair.server.stack.connections.time_wait_records.count(pair.now), 0);
}
