//! Tests of the graphs: what is recorded, and whether the pictures are well-formed.

use std::string::String;
use std::vec::Vec;

use super::*;
use crate::cli::replay::replay_steps;
use crate::lab::Setup;
use crate::lab::lang::Lang;
use crate::lab::scenarios::{SCENARIOS, find};
use crate::lab::show::svg::tests::check;

/// Runs a set-up, and returns a graph of each kind.
fn graphs(setup: &Setup<'_>) -> Vec<Graph> {
    graphs_in(setup, Lang::En)
}

/// Runs a set-up, and returns a graph of each kind in a language.
fn graphs_in(setup: &Setup<'_>, lang: Lang) -> Vec<Graph> {
    let mut graphs = GraphKind::NAMES.map(|(_, kind)| Graph::new(kind, lang));
    replay_steps(setup, |lab| {
        while let Some(entry) = lab.entries.pop() {
            let snapshot = lab.snapshot(entry);
            for graph in &mut graphs {
                graph.note(&snapshot);
                for (tuple, control) in [0, 1].into_iter().flat_map(|host| lab.control(host)) {
                    graph.note_control(entry.at, &tuple, &control);
                }
            }
        }
    })
    .unwrap();
    graphs.into()
}

fn draw(graph: &Graph) -> String {
    let mut text = String::new();
    graph.write(&mut text).unwrap();
    check(&text);
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    text
}

#[test]
fn every_scenario_makes_graphs() {
    for scenario in SCENARIOS {
        let graphs = graphs(&(scenario.setup)());
        for graph in &graphs {
            let text = draw(graph);
            let panels = text.matches(">time (s)</text>").count();
            assert_eq!(panels == 0, text.contains("There is no TCP segment"), "{}: {:?}", scenario.slug, graph.kind);
        }
    }
}

#[test]
fn a_time_sequence_has_each_segment_and_marks_what_is_sent_again() {
    let graphs = graphs(&(find("fast-retransmit").unwrap().setup)());
    let (tracks, connections) = graphs[3].shown_tracks();
    let [track] = tracks[..] else { panic!("one connection") };
    assert_eq!(connections, 1);
    // SYN, eight segments of 1,460 bytes with FIN, and one of them again.
    assert_eq!((track.sent.len(), track.payload()), (10, 8 * 1460));
    assert_eq!((track.sent[0].from, track.sent[0].to), (0, 1));
    assert_eq!((track.sent[1].from, track.sent[1].to), (1, 1461));
    let again: Vec<_> = track.sent.iter().filter(|sent| sent.is_again).map(|sent| sent.from).collect();
    assert_eq!(again, [1461]);
    assert_eq!(track.sent.iter().filter(|sent| sent.is_lost).count(), 1);
    assert!(track.acked.iter().filter(|acked| acked.is_duplicate).count() >= 3);
    assert!(track.acked.iter().any(|acked| acked.sacks[0] == Some((2921, 4381))), "{:?}", track.acked);
    let text = draw(&graphs[3]);
    // The legend has one of each symbol. Red is not the only mark.
    assert_eq!(text.matches("l5 5l-5 5l-5 -5z").count(), 1 + 1);
    assert_eq!(text.matches("l8 8m0 -8l-8 8").count(), 1 + 1);
    assert!(text.contains("client to server, 11680 bytes of payload"), "{text}");
}

#[test]
fn a_round_trip_is_not_measured_with_a_segment_that_is_sent_again() {
    let graphs = graphs(&(find("lost-data").unwrap().setup)());
    let (tracks, _) = graphs[1].shown_tracks();
    let lost = tracks[0];
    assert!(lost.sent.iter().any(|sent| sent.is_again) && !lost.round_trips.is_empty());
    // The wire has 1 ms each way, and an ACK waits at most 10 ms. The timer is much longer.
    assert!(lost.round_trips.iter().all(|(_, time)| (2000..=12_000).contains(time)), "{:?}", lost.round_trips);
    assert!(lost.kept.iter().any(|kept| kept.srtt.is_some_and(|srtt| srtt >= 2000)));
}

#[test]
fn a_graph_that_is_full_says_where() {
    let setup = (find("handshake").unwrap().setup)();
    let mut full = graphs(&setup).swap_remove(2);
    full.points = POINTS;
    let segment = crate::lab::show::ladder::tests::snapshot(
        1,
        crate::lab::show::ladder::tests::sent(None, crate::lab::Verdict::Deliver),
    );
    let before: usize = full.tracks.iter().map(|track| track.sent.len()).sum();
    full.note(&segment);
    assert_eq!(full.tracks.iter().map(|track| track.sent.len()).sum::<usize>(), before);
    assert!(draw(&full).contains("Cut here, after 60000 points: the run goes on. --from 1.002003s draws the rest."));
}

#[test]
fn graphs_speak_chinese() {
    for graph in graphs_in(&(find("fast-retransmit").unwrap().setup)(), Lang::Zh) {
        let text = draw(&graph);
        assert!(text.contains("时间（秒）") && text.contains("客户 到 服务器，数据 11680 字节"), "{text}");
        assert!(!text.contains("sent") && !text.contains("segment"), "{text}");
    }
}

#[test]
fn several_connections_have_a_panel_each() {
    let graph = graphs(&(find("backlog-full").unwrap().setup)()).swap_remove(3);
    let text = draw(&graph);
    assert_eq!(text.matches(">time (s)</text>").count(), 3);
    assert_eq!(text.matches("client :5").count(), 3, "{text}");
}

#[test]
fn payload_is_counted_once_although_segments_arrive_out_of_order_and_twice() {
    let graph = graphs(&(find("shared-bottleneck").unwrap().setup)()).swap_remove(2);
    let payloads: Vec<_> = graph.shown_tracks().0.iter().map(|track| track.payload()).collect();
    assert_eq!(payloads, [87_600; 2]);
}
