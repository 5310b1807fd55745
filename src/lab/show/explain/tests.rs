//! Tests that explanations are whole sentences and name a section.

use std::collections::BTreeSet;

use super::*;
use crate::lab::Verdict;
use crate::lab::figure::{STATES, TRANSITIONS};
use crate::lab::show::ladder::tests::{sent, snapshot};
use crate::trace::Cause;

/// Checks that the text is a sentence, and that the reference is `RFC N`, perhaps with a section.
fn check(why: Explanation) {
    assert!(why.text.ends_with(['.', ')']) && !why.text.contains("  "), "{why:?}");
    if let Some(rest) = why.rfc.strip_prefix("RFC ") {
        let (number, section) = rest.split_once(" section ").unwrap_or((rest, "1"));
        assert!(number.parse::<u16>().is_ok() && section.split('.').all(|n| n.parse::<u8>().is_ok()), "{why:?}");
    } else {
        assert_eq!(why.rfc, "", "{why:?}");
    }
}

#[test]
fn every_transition_of_the_diagram_has_a_reason_of_its_own() {
    let general = transition(State::Established, State::Closed);
    let mut texts = BTreeSet::new();
    for t in TRANSITIONS.into_iter().filter(|t| t.never.is_none()) {
        let why = transition(t.from, t.to);
        check(why);
        assert_ne!(why, general);
        assert!(texts.insert(why.text), "{} -> {}", t.from, t.to);
    }
    for from in STATES {
        STATES.into_iter().for_each(|to| check(transition(from, to)));
    }
}

#[test]
fn what_made_a_segment_leave_is_told() {
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
    assert_eq!(rfc(Some(Cause::WindowUpdate)), "RFC 9293 section 3.8.6");
}

#[test]
fn drops_and_ends_are_told() {
    use crate::stack::DropReason::*;
    for why in [BacklogFull, BadIcmp, FragmentedTcp, Martian, SlotsFull, Unreachable, UnsupportedHeader] {
        check(dropped(why, false));
        check(dropped(why, true));
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
