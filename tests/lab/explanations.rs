//! Tests that explanations name the right cause and RFC section.

use smolstep::cli::replay::replay;
use smolstep::lab::Fault;
use smolstep::lab::lang::Lang;
use smolstep::lab::scenarios::find;
use smolstep::lab::show::{Explanation, What, explain};
use smolstep::stack::Event;

/// Returns the explanations of a run, each with the number of its frame.
fn explanations(slug: &str, faults: &[&str]) -> Vec<(Option<u32>, Explanation)> {
    let mut setup = (find(slug).expect("a scenario").setup)();
    for words in faults {
        assert!(setup.faults.add(Fault::parse(words, |_| None).expect("a fault")));
    }
    let mut all = Vec::new();
    let _ = replay(&setup, |snapshot, _| {
        let frame = match snapshot.entry.what {
            What::Arrived { frame, .. } | What::Sent { frame, .. } => Some(frame),
            _ => None,
        };
        all.extend(explain(snapshot).map(|why| (frame, why)));
    });
    all
}

/// Asserts that an explanation of a frame, or of an event without a frame, contains `part` and names the section `rfc`.
fn assert_explained(slug: &str, faults: &[&str], frame: Option<u32>, part: &str, rfc: &str) {
    let all = explanations(slug, faults);
    let fits =
        |(of, why): &(Option<u32>, Explanation)| *of == frame && why.text(Lang::En).contains(part) && why.rfc == rfc;
    let of_frame: Vec<_> = all.iter().filter(|(of, _)| frame.is_some() && *of == frame).collect();
    assert!(all.iter().any(fits), "{slug} {frame:?}: '{part}' ({rfc}): {of_frame:?}");
}

#[test]
fn no_later_ack_replaces_the_lost_ack_of_a_fin() {
    assert_explained("time-wait", &[], Some(10), "one of the two purposes of TIME-WAIT", "RFC 9293 section 3.3.2");
    assert_explained("time-wait", &[], Some(12), "begins anew", "RFC 9293 section 3.10.7.4");
    assert!(explanations("time-wait", &[]).iter().all(|(_, why)| !why.text(Lang::En).contains("a later one")));
}

#[test]
fn answers_to_probes_are_not_duplicates() {
    assert_explained("zero-window", &[], Some(8), "the closed window has no room", "RFC 9293 section 3.8.6.1");
    assert_explained("keep-alive", &[], Some(8), "begins before the window", "RFC 9293 section 3.8.4");
    assert_explained(
        "half-open-reboot",
        &[],
        Some(8),
        "a peer without such a connection answers it with RST",
        "RFC 5961 section 4.2",
    );
    assert_explained("fast-retransmit", &[], Some(14), "out of order", "RFC 5681 section 3.2");
}

#[test]
fn rst_in_syn_sent_is_judged_by_its_acknowledgement() {
    assert_explained("refused", &[], Some(4), "it is valid only if it acknowledges our SYN", "RFC 9293 section 3.5.3");
    assert_explained("abort", &[], Some(7), "the expected sequence number", "RFC 9293 section 3.10.7.4");
}

#[test]
fn deviations_of_this_stack_are_explained() {
    assert_explained("simultaneous-open", &[], Some(9), "four segments instead of six", "RFC 9293 section 3.5");
    assert_explained("handshake", &[], Some(7), "three segments close the connection", "RFC 9293 section 3.6");
    assert_explained(
        "keep-alive",
        &[],
        Some(7),
        "By the RFC, keep-alives are off by default",
        "RFC 9293 section 3.8.4",
    );
    assert_explained("fast-retransmit", &[], Some(19), "Without SACK, three duplicate ACKs", "RFC 6675 section 5");
    assert_explained("lost-data", &[], Some(6), "retransmission timer runs", "RFC 9293 section 3.8.1");
    assert_explained("small-window", &[], Some(5), "the congestion window", "RFC 5681 section 3.1");
    assert_explained("time-wait", &[], None, "this stack waits 60 s", "RFC 9293 section 3.6.1");
}

/// A retransmission that is lost, too, was sent because the timer expired, and the next timer is longer.
#[test]
fn the_backoff_of_frames_that_are_lost_again_is_explained() {
    assert_explained("lost-data", &[], Some(7), "twice as long", "RFC 6298 section 5");
    assert_explained("lost-data", &[], Some(9), "the timeout doubles each time", "RFC 6298 section 5");
}

#[test]
fn segments_after_a_timeout_are_not_explained_as_the_oldest_segment() {
    let all: Vec<String> = (1..=8).filter(|n| *n != 2).map(|n| format!("drop client data {n}")).collect();
    let faults: Vec<&str> = all.iter().map(String::as_str).collect();
    let all = explanations("fast-retransmit", &faults);
    let oldest = all.iter().filter(|(_, why)| why.text(Lang::En).contains("the oldest segment is sent again")).count();
    let rest = all
        .iter()
        .filter(|(_, why)| why.text(Lang::En).starts_with("The timer expired for an earlier segment"))
        .count();
    assert_eq!((oldest, rest > 3), (1, true), "{rest}");
}

/// Duplicate ACKs show a loss once. If the retransmission is lost, too, only the time shows that.
#[test]
fn a_lost_retransmission_is_found_by_time() {
    let faults = ["drop client data 4", "drop client data 9"];
    assert_explained("fast-retransmit", &faults, Some(19), "Without SACK", "RFC 6675 section 5");
    assert_explained("fast-retransmit", &faults, Some(21), "that retransmission was lost too", "RFC 8985 section 6.2");
    assert!(
        explanations("fast-retransmit", &faults).iter().all(|(_, why)| !why.text(Lang::En).contains("timer expired"))
    );
}

#[test]
fn waiting_for_arp_is_not_explained_as_an_unreachable_host() {
    let mut setup = (find("handshake").expect("a scenario").setup)();
    setup.line.loss = 1_000_000;
    let mut ends = Vec::new();
    let _ = replay(&setup, |snapshot, _| {
        if let What::Stack(Event::Ended { .. }) = snapshot.entry.what {
            ends.extend(explain(snapshot).map(|why| why.rfc));
        }
    });
    assert_eq!(ends, ["RFC 826"]);
}

/// The explanation of a loss depends on what was lost: no host repeats these answers, and no later ACK makes up for
/// them.
#[test]
fn a_lost_answer_is_explained_by_what_it_answers() {
    let has_any = |slug: &str, fault: &str, part: &str, rfc: &str| {
        let fits = |why: &Explanation| why.text(Lang::En).contains(part) && why.rfc == rfc;
        (1..=9).any(|n| explanations(slug, &[&format!("{fault} {n}")]).iter().any(|(_, why)| fits(why)))
    };
    for (slug, fault, part, rfc) in [
        ("zero-window", "drop server ack", "the peer sends its next probe", "RFC 9293 section 3.8.6.1"),
        ("zero-window", "drop server ack", "This window update never arrives", "RFC 9293 section 3.8.6.1"),
        ("keep-alive", "drop server ack", "the peer sends its next probe", "RFC 9293 section 3.8.4"),
        ("half-open-reboot", "drop server ack", "This challenge ACK never arrives", "RFC 9293 section 3.10.7.4"),
        ("handshake", "corrupt client syn", "as if it had been lost", "RFC 9293 section 3.1"),
        ("thanks-udp", "corrupt client udp", "as if it had been lost", "RFC 1122 section 4.1.3.4"),
        ("simultaneous-open", "drop client rst", "complete at this end", "RFC 9293 section 3.10.7.4"),
    ] {
        assert!(has_any(slug, fault, part, rfc), "{slug}: {part}");
    }
}

/// A segment is explained by the state in which it arrives: the same flags mean something else in another state.
#[test]
fn an_arrival_is_explained_by_the_state_before_it() {
    let no_connection = "no such connection here, so RST answers it";
    assert_explained("half-way-reset", &[], Some(4), no_connection, "RFC 9293 section 3.10.7.1");
    assert_explained("half-open-reboot", &[], Some(8), "does not acknowledge our SYN", "RFC 9293 section 3.10.7.3");
    assert_explained("blind-rst", &[], Some(10), "does not begin a new one", "RFC 9293 section 3.10.7.4");
    for (slug, frame) in [("simultaneous-open", 7), ("simultaneous-open", 8), ("black-hole", 12)] {
        assert_explained(slug, &[], Some(frame), "already has the peer's SYN", "RFC 9293 section 3.10.7.4");
        let dropped = "this is its SYN,ACK, and this end already has the peer's SYN";
        assert_explained(slug, &[], None, dropped, "RFC 9293 section 3.10.7.4");
    }
    for (slug, section) in [("handshake", "3"), ("simultaneous-open", "4")] {
        let rfc = format!("RFC 9293 section 3.10.7.{section}");
        assert_explained(slug, &[], None, "complete at this end: its program", &rfc);
    }
    // The ACK that ends a connection arrives in LAST-ACK, and not in CLOSED.
    let all = explanations("handshake", &[]);
    assert!(all.iter().all(|(_, why)| !why.text(Lang::En).contains("arrived in")), "{all:?}");
}

#[test]
fn a_repeated_syn_ack_is_not_explained_as_forged() {
    assert_explained("black-hole", &[], Some(13), "our ACK of it was lost or is late", "RFC 9293 section 3.10.7.4");
    let forged = explanations("black-hole", &[]).iter().any(|(_, why)| why.text(Lang::En).contains("may be forged"));
    assert!(!forged);
}

/// Only the SYNs of a flood have a sender that does not exist.
#[test]
fn a_forged_syn_of_a_peer_is_not_explained_as_a_flood() {
    assert_explained("blind-rst", &[], Some(10), "claims to come from a host", "RFC 5961 section 4.1");
    let flood = explanations("syn-flood", &[]);
    assert!(flood.iter().any(|(_, why)| why.text(Lang::En).contains("A flood of them")), "{flood:?}");
}

#[test]
fn payload_beyond_the_window_is_not_explained_as_accepted() {
    let refused = |frame| {
        let all = explanations("zero-window", &[]);
        all.iter().any(|(of, why)| *of == Some(frame) && why.text(Lang::En).contains("the window has no room for it"))
    };
    assert_eq!([5, 7, 9, 11, 13, 15, 18].map(refused), [false, true, true, true, true, true, false]);
}

#[test]
fn a_report_of_a_long_packet_is_named() {
    assert_explained("path-mtu", &[], Some(6), "gives the MTU of the next link, so this end", "RFC 1191 section 6.4");
}

/// If segments shrink because long ones have timed out, their explanations say so.
#[test]
fn shorter_segments_in_a_black_hole_are_explained() {
    for (frame, part) in [(11, "this segment is shorter"), (15, "the data is sent in shorter segments")] {
        assert_explained("black-hole", &[], Some(frame), part, "RFC 4821 section 7.7");
    }
    assert_explained("black-hole", &[], Some(10), "the router drops it. Its sender", "RFC 1191 section 4");
}

/// A connection is half-open only if the other end has it.
#[test]
fn a_restart_leaves_a_connection_half_open_only_if_the_peer_has_it() {
    assert_explained("half-way-reset", &[], None, "so none is half-open", "RFC 9293 section 3.5.1");
    assert_explained("half-open-reboot", &[], None, "so they are half-open", "RFC 9293 section 3.5.1");
}
