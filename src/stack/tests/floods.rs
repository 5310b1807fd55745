//! 20,000 forged segments of each kind cost nobody a connection. icmp_errors.rs tests forged ICMP errors.

use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, TcpControl, TcpRepr, TcpSeqNumber};

use super::pair::*;
use super::raw::*;
use crate::host::Sizes;
use crate::stack::*;
use crate::testing::random::Random;

const COUNT: usize = 20_000;

/// SYNs arrive at a server with four slots, from absent hosts and from the address and port of an established
/// connection. That connection survives, and so do the connections that are opened meanwhile.
#[test]
fn twenty_thousand_forged_syns_cost_nobody_a_connection() {
    let mut random = Random(4987);
    let mut raw = Raw::open(SMALL, App::Echo, 1_000);
    assert_eq!(raw.data(1, 1, 1_000, b"one").iter().map(|seen| seen.len).sum::<usize>(), 3);
    raw.acknowledge(4, 4, 1_000);
    let mut opened = Vec::new();
    for round in 0..COUNT {
        let syn = TcpRepr { seq_number: TcpSeqNumber(random.next() as i32), ..raw.syn() };
        let frame = match round % 4 {
            0 => raw.frame(&syn),
            _ => {
                raw.from(IpAddress::v4(10, 0, 0, 3 + random.below(250) as u8));
                let frame = raw.frame(&TcpRepr { src_port: 1 + random.below(65_535) as u16, ..syn });
                raw.from(CLIENT);
                frame
            }
        };
        raw.pair.to_server.borrow_mut().push_back(frame);
        raw.pair.server.stack.poll(raw.pair.now, &mut raw.pair.server.io);
        raw.pair.to_client.borrow_mut().clear();
        raw.pair.now += Duration::from_millis(1);
        assert!(raw.pair.served().len() <= SMALL.connections);
        raw.pair.server.io.probe.0.retain(|event| matches!(event, Event::Ended { .. }));
        if round % 10_000 == 5_000 {
            let id = raw.pair.call(7, App::ask(b"honest", 6));
            raw.pair.run_until_idle();
            assert_eq!(raw.pair.client.stack.session(id).map(App::got), Some(&b"honest"[..]), "round {round}");
            raw.pair.run_for(SECOND);
            opened.push(id);
        }
    }
    for id in opened {
        assert_eq!(raw.pair.client.stack.ended(id), Some(End::Closed));
    }
    let seen = raw.data(4, 4, 1_000, b"two");
    assert!(seen.iter().any(|seen| (seen.seq, seen.len, seen.ack) == (4, 3, Some(7))), "{seen:?}");
    assert_eq!(raw.pair.server.count(|event| matches!(event, Event::Ended { end: End::Reset, .. })), 0);
}

/// RSTs with the right endpoints and made-up sequence numbers arrive in each state. Half of the numbers are in the
/// window.
#[test]
fn twenty_thousand_forged_rsts_cost_nobody_a_connection() {
    const SIZES: Sizes = Sizes { receive: 60_000, ..SMALL };
    const STATES: [State; 8] = [
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::LastAck,
        State::TimeWait,
    ];
    let mut random = Random(5961);
    for wanted in STATES {
        let app = match wanted {
            State::CloseWait => App::Idle,
            State::FinWait1 | State::FinWait2 | State::TimeWait => App::Closer,
            _ => App::Echo,
        };
        let mut raw = if wanted == State::SynSent { Raw::calling(SIZES, app) } else { Raw::new(SIZES, app) };
        if wanted != State::SynSent {
            let syn = raw.syn();
            raw.send(&syn);
        }
        if !matches!(wanted, State::SynSent | State::SynReceived) {
            raw.acknowledge(1, 1, 1_000);
        }
        let fin = matches!(wanted, State::CloseWait | State::LastAck | State::TimeWait);
        if matches!(wanted, State::FinWait2 | State::TimeWait) {
            raw.acknowledge(1, 2, 1_000);
        }
        if fin {
            raw.send(&raw.fin(1, 1 + usize::from(wanted == State::TimeWait), 1_000));
        }
        assert_eq!(raw.state(), Some(wanted));
        let next = raw.bare(1 + usize::from(fin), 1, 0).seq_number;
        for round in 0..COUNT / STATES.len() {
            let ahead = if random.one_in(2) { 1 + random.below(50_000) } else { random.next() as u32 as usize >> 1 };
            let seq_number = if ahead == 0 { next + 1 } else { next + ahead };
            let guess = TcpSeqNumber(random.next() as i32);
            let ack_number = random.one_in(2).then_some(guess).filter(|ack| Some(*ack) != raw.bare(1, 1, 0).ack_number);
            let repr = TcpRepr { control: TcpControl::Rst, seq_number, ack_number, ..raw.bare(0, 0, 0) };
            raw.send(&repr);
            assert_eq!(raw.state(), Some(wanted), "round {round}");
        }
        assert_eq!(raw.dropped(DropReason::BadReset), COUNT / STATES.len());
    }
}
