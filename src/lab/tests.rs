//! Tests of the lab itself: a run is reproducible, and the lab tracks connections correctly.

use std::vec::Vec;

use smoltcp::phy::{Device, TxToken};

use super::*;
use crate::app::{self, ClientOptions, Options};
use crate::host::{HeapPool, Sizes};
use crate::stack::{Listener, NullConsole};
use crate::trace::Cause;

const TEXTS: [&[u8]; 2] = [b"Li", b"Cheng"];
const SIZES: Sizes = Sizes { connections: 4, receive: 4096, send: 4096, ports: 1, datagrams: 1, payload: 1472 };

/// Runs the greeting program with these faults. Returns all entries of the run.
fn greeting(faults: &[&str]) -> Vec<Entry> {
    let mut list = Faults::default();
    for words in faults {
        assert!(list.add(Fault::parse(words, |_| None).unwrap()));
    }
    let mut pools = [HeapPool::new(SIZES), HeapPool::new(SIZES)];
    let memory = pools.each_mut().map(|pool| (pool.memory(), NullConsole));
    let mut lab: Lab<'_, Peer<'_>, app::UdpServer<'_>, NullConsole, 2, 64> =
        Lab::new(Line::default(), list, 7, memory, |_, _| {}).unwrap();
    let app = app::find("greeting").unwrap();
    let server = Peer::Server(app.server(&Options::default()).unwrap());
    lab.hosts[1].stack.listen(Listener::new(9999, server)).unwrap();
    let client = app.client(&ClientOptions { texts: &TEXTS, ..ClientOptions::default() }).unwrap();
    lab.connect(0, IpEndpoint::new(address(1), 9999), Peer::Client(client), Duration::from_secs(30)).unwrap();
    let mut entries = Vec::new();
    while lab.step() != Progress::End {
        assert!(lab.steps() < 5000, "the run does not end");
        entries.extend(core::iter::from_fn(|| lab.entries.pop()));
    }
    assert_eq!(lab.entries.overwritten(), 0);
    entries
}

#[test]
fn a_run_with_the_same_settings_is_the_same() {
    assert_eq!(greeting(&[]), greeting(&[]));
    assert_ne!(greeting(&[]), greeting(&["drop server synack 1"]));
}

#[test]
fn a_lost_syn_ack_is_sent_again_after_a_second() {
    let causes = |entries: Vec<Entry>| -> Vec<_> {
        let sent = entries.into_iter().filter_map(|e| match e.what {
            What::Sent {
                cause: Some(cause @ (Cause::Retransmission { .. } | Cause::SpuriousRetransmission { .. })),
                ..
            } => Some((e.host, cause)),
            _ => None,
        });
        sent.collect()
    };
    assert_eq!(causes(greeting(&[])), []);
    // The SYN has arrived, so only the acknowledgement of the SYN was lost.
    let second = Cause::SpuriousRetransmission { rto: Duration::from_secs(1), count: 1 };
    assert_eq!(causes(greeting(&["drop server synack 1"]))[..1], [(0, second)]);
}

/// On a hub, the server greets both clients, and each frame reaches both other hosts.
#[test]
fn three_hosts_on_a_hub() {
    let mut pools = [(); 3].map(|()| HeapPool::new(SIZES));
    let memory = pools.each_mut().map(|pool| (pool.memory(), NullConsole));
    let mut lab: Lab<'_, Peer<'_>, app::UdpServer<'_>, NullConsole, 3, 64> =
        Lab::new(Line::default(), Faults::default(), 7, memory, |_, _| {}).unwrap();
    let app = app::find("greeting").unwrap();
    lab.hosts[1].stack.listen(Listener::new(9999, Peer::Server(app.server(&Options::default()).unwrap()))).unwrap();
    let calls = [0, 2].map(|host| {
        let client = app.client(&ClientOptions { texts: &TEXTS, ..ClientOptions::default() }).unwrap();
        let remote = IpEndpoint::new(address(1), 9999);
        (host, lab.connect(host, remote, Peer::Client(client), Duration::from_secs(30)).unwrap())
    });
    let (mut sent, mut arrived) = (0, 0);
    while lab.step() != Progress::End {
        assert!(lab.steps() < 5000, "the run does not end");
        while let Some(entry) = lab.entries.pop() {
            match entry.what {
                What::Sent { .. } => sent += 1,
                What::Arrived { .. } => arrived += 1,
                _ => {}
            }
        }
    }
    for (host, id) in calls {
        assert_eq!(lab.hosts[host].stack.ended(id), Some(crate::stack::End::Closed), "host {host}");
    }
    assert!(sent > 20);
    assert_eq!(arrived, 2 * sent);
}

#[test]
fn a_full_wire_still_delivers() {
    let mut wire: Wire = Wire::new(2, Line::default(), Faults::default(), 7);
    for sent in 0.. {
        assert!(sent < IN_FLIGHT, "the wire never fills up");
        let mut port = Port { wire: &mut wire, host: 0 };
        let Some(token) = port.transmit(START) else { break };
        token.consume(60, |_| {});
        wire.newly_sent.clear();
    }
    let mut port = Port { wire: &mut wire, host: 1 };
    let (_, answer) = port.receive(START + Duration::from_secs(1)).expect("the first frame has arrived");
    answer.consume(60, |_| {});
    assert!(wire.in_flight().count() < IN_FLIGHT);
}

#[test]
fn every_scenario_has_its_title_and_its_texts_in_both_languages() {
    for scenario in scenarios::SCENARIOS {
        let experiment = scenario.experiment();
        let chinese = |text| experiment.in_lang(text, lang::Lang::Zh);
        assert_eq!((scenario.summary, scenario.summary_zh), (&*experiment.title, chinese(&experiment.title)));
        for text in core::iter::once(&experiment.title).chain(&experiment.text) {
            lang::tests::check_chinese(text, chinese(text));
        }
    }
}

#[test]
fn every_transition_has_both_languages() {
    for transition in figure::TRANSITIONS {
        lang::tests::check_chinese(transition.on, transition.on_zh);
        if let Some([english, chinese]) = transition.never {
            lang::tests::check_chinese(english, chinese);
        }
    }
}

/// A fault changes a frame that is already in flight: the frame arrives late, twice, damaged or not at all.
#[test]
fn a_frame_in_flight_is_altered() {
    let arrivals = |fault: Option<Verdict>| {
        let mut wire: Wire = Wire::new(2, Line::default(), Faults::default(), 7);
        Port { wire: &mut wire, host: 0 }.transmit(START).unwrap().consume(60, |_| {});
        wire.newly_sent.clear();
        assert!(fault.is_none_or(|fault| wire.alter(1, fault) && !wire.alter(2, fault)));
        let mut arrivals = Vec::new();
        for millis in 0..10 {
            while let Some((frame, _)) =
                (Port { wire: &mut wire, host: 1 }).receive(START + Duration::from_millis(millis))
            {
                arrivals.push((millis, smoltcp::phy::RxToken::consume(frame, |bytes| bytes[59])));
            }
        }
        arrivals
    };
    assert_eq!(arrivals(None), [(1, 0)]);
    assert_eq!(arrivals(Some(Verdict::Drop)), []);
    assert_eq!(arrivals(Some(Verdict::Delay(Duration::from_millis(4)))), [(5, 0)]);
    assert_eq!(arrivals(Some(Verdict::Duplicate)), [(1, 0), (1, 0)]);
    assert_eq!(arrivals(Some(Verdict::Corrupt)), [(1, 1)]);
}

#[test]
fn a_frame_is_duplicated_only_if_there_is_room() {
    let mut wire: Wire<2, 1> = Wire::new(2, Line::default(), Faults::default(), 7);
    let send = |wire: &mut Wire<2, 1>| Port { wire, host: 0 }.transmit(START).map(|token| token.consume(60, |_| {}));
    assert!(send(&mut wire).is_some() && wire.alter(1, Verdict::Duplicate));
    assert!(!wire.alter(1, Verdict::Duplicate), "both slots are taken");
    assert_eq!(wire.in_flight().count(), 2);
}
