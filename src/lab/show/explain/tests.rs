//! Tests that explanations are whole sentences and name a section.

use std::collections::BTreeSet;
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::lab::Verdict;
use crate::lab::figure::{STATES, TRANSITIONS};
use crate::lab::lang::tests::check_chinese;
use crate::lab::show::ladder::tests::{sent, snapshot};
use crate::stack::End;
use crate::trace::Cause;

/// Checks that the text is a sentence, and that the reference is `RFC N`, perhaps with a section.
pub(super) fn check(why: Explanation) {
    assert!(why.english.ends_with(['.', ')']) && !why.english.contains("  "), "{why:?}");
    assert!(why.chinese.ends_with(['。', '）']), "{why:?}");
    check_chinese(why.english, why.chinese);
    if let Some(rest) = why.rfc.strip_prefix("RFC ") {
        let (number, section) = rest.split_once(" section ").unwrap_or((rest, "1"));
        assert!(number.parse::<u16>().is_ok() && section.split('.').all(|n| n.parse::<u8>().is_ok()), "{why:?}");
    } else {
        assert_eq!(why.rfc, "", "{why:?}");
    }
}

#[test]
fn every_transition_of_the_diagram_has_its_own_reason() {
    let general = transition(State::Established, State::Closed);
    let mut texts = BTreeSet::new();
    for t in TRANSITIONS.into_iter().filter(|t| t.never.is_none()) {
        let why = transition(t.from, t.to);
        check(why);
        assert_ne!(why, general);
        assert!(texts.insert(why.english), "{} -> {}", t.from, t.to);
    }
    for from in STATES {
        STATES.into_iter().for_each(|to| check(transition(from, to)));
    }
}

#[test]
fn the_cause_of_a_segment_is_explained() {
    use smoltcp::time::Duration;

    let rto = Duration::from_secs(1);
    let rfc = |cause| {
        let why = explain(&snapshot(1, sent(cause, Verdict::Deliver))).unwrap();
        check(why);
        why.rfc
    };
    assert_eq!(rfc(None), "RFC 9293 section 3.5");
    assert_eq!(rfc(Some(Cause::Retransmission { rto, count: 1 })), "RFC 6298 section 2", "of a SYN");
    assert_eq!(rfc(Some(Cause::Retransmission { rto, count: 2 })), "RFC 6298 section 5");
    assert_eq!(rfc(Some(Cause::FastRetransmission)), "RFC 6675 section 5");
    assert_eq!(rfc(Some(Cause::DuplicateAck)), "RFC 5681 section 3.2");
    assert_eq!(rfc(Some(Cause::DelayedAck(rto))), "RFC 9293 section 3.8.6.3");
    assert_eq!(rfc(Some(Cause::KeepAlive)), "RFC 9293 section 3.8.4");
    assert_eq!(rfc(Some(Cause::ZeroWindowProbe)), "RFC 9293 section 3.8.6.1");
    assert_eq!(rfc(Some(Cause::WindowUpdate)), "RFC 9293 section 3.8.6.2.2");
}

/// Each action of the wire has its own explanation.
#[test]
fn each_action_of_the_wire_is_explained() {
    use crate::lab::WIRE;
    use crate::lab::show::ladder::tests::{SYN_ACK, summary};
    use crate::trace::{Carries, Summary};

    let mut texts = BTreeSet::new();
    for verdict in [Verdict::Drop, Verdict::QueueFull, Verdict::TooLong] {
        let why = explain(&snapshot(1, sent(None, verdict))).unwrap();
        check(why);
        assert!(texts.insert(why.english), "{verdict}");
    }
    let syn = Segment { ack: None, ..SYN_ACK };
    let rst = Segment { syn: false, rst: true, ..SYN_ACK };
    let ack = Segment { syn: false, ..SYN_ACK };
    let without_ends =
        [Carries::ArpReply, Carries::Icmp(3, 4), Carries::Tcp(syn), Carries::Tcp(rst), Carries::Tcp(ack)];
    // A SYN that claims to come from a host is not one of a flood.
    let by_hand = (summary().ends, Carries::Tcp(syn));
    for (ends, carries) in without_ends.map(|carries| (None, carries)).into_iter().chain([by_hand]) {
        let what = What::Sent {
            frame: 1,
            summary: Summary { ends, carries },
            len: 60,
            cause: None,
            verdict: Verdict::Deliver,
        };
        let why = explain(&snapshot(WIRE, what)).unwrap();
        check(why);
        assert!(texts.insert(why.english), "{carries:?}");
    }
    assert_eq!(
        explain(&snapshot(1, sent(Some(Cause::PathMtu), Verdict::Deliver))).unwrap().rfc,
        "RFC 1191 section 6.4"
    );
}

#[test]
fn drops_and_ends_are_explained() {
    use crate::stack::DropReason::*;
    for why in [BacklogFull, BadIcmp, FragmentedTcp, Martian, SlotsFull, Unreachable, UnsupportedHeader] {
        check(dropped(why, false, None));
        check(dropped(why, true, None));
    }
    for end in [
        End::Aborted,
        End::AddressGone,
        End::Closed,
        End::Recycled,
        End::Refused,
        End::Reset,
        End::TimedOut,
        End::Unreachable,
    ] {
        check(ended(end, None));
    }
    check(explain(&snapshot(1, sent(None, Verdict::Lost))).unwrap());
}

/// The source of each file that explains, so that the test also reads explanations that no scenario shows.
const SOURCES: [&str; 8] = [
    include_str!("../explain.rs"),
    include_str!("arrived.rs"),
    include_str!("caused.rs"),
    include_str!("dropped.rs"),
    include_str!("ended.rs"),
    include_str!("reduced.rs"),
    include_str!("transition.rs"),
    include_str!("wire.rs"),
];

/// Returns the string literals at the start of `source`, separated by commas, without their line breaks.
fn literals(source: &str) -> Vec<String> {
    let mut parts = source.split('"');
    let mut texts = Vec::new();
    while let (Some(between), Some(text)) = (parts.next(), parts.next()) {
        if !between.trim_matches([',', ' ', '\n']).is_empty() {
            break;
        }
        texts.push(text.split("\\\n").map(str::trim_start).collect());
    }
    texts
}

/// Returns the numbers that follow a word in a text.
pub(super) fn numbers(text: &str, word: &str) -> Vec<String> {
    let after = text.split(word).skip(1);
    let numbers = after.map(|rest| rest.split(|c: char| !c.is_ascii_digit() && c != '.').next());
    let numbers = numbers.flatten().map(|number| number.trim_end_matches('.').into());
    numbers.filter(|number: &String| !number.is_empty()).collect()
}

#[test]
fn every_explanation_has_both_languages_and_names_the_same_sections() {
    let mut count = 0;
    for source in SOURCES {
        for call in source.split("because(").skip(1).filter(|call| call.trim_start().starts_with('"')) {
            let texts = literals(call);
            let [english, chinese, rfc] = &texts[..] else { panic!("{texts:?}") };
            let (english, chinese, rfc) = (english.clone().leak(), chinese.clone().leak(), rfc.clone().leak());
            check(because(english, chinese, rfc));
            assert_eq!(numbers(english, "RFC "), numbers(chinese, "RFC "), "{chinese}");
            assert_eq!(numbers(english, " section "), numbers(chinese, " §"), "{chinese}");
            count += 1;
        }
    }
    assert!(count >= 130, "{count}");
}
