//! Tests that pictures are well-formed and bounded.

use std::string::String;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::cli::replay::replay;
use crate::lab::scenarios::SCENARIOS;
use crate::lab::show::{Visited, What, write_states_svg};

/// Checks that elements are closed in the right order, and that text is escaped.
pub(in crate::lab) fn check(picture: &str) {
    let mut open = Vec::new();
    for part in picture.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect(part);
        assert!(!text.contains('>'), "{part}");
        let text = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
        assert!(!text.contains('&'), "{part}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{part}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap_or(tag)),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn every_scenario_makes_two_pictures() {
    for scenario in SCENARIOS {
        let (mut snapshots, mut visited) = (Vec::new(), Visited::default());
        replay(&(scenario.setup)(), |snapshot, _| {
            snapshots.push(*snapshot);
            visited.note(snapshot);
        })
        .unwrap();
        let (mut ladder, mut states) = (String::new(), String::new());
        write_ladder_svg(&mut ladder, &snapshots).unwrap();
        write_states_svg(&mut states, &visited).unwrap();
        check(&ladder);
        check(&states);
        let lost = |s: &&Snapshot| matches!(s.entry.what, What::Sent { verdict, .. } if verdict.is_lost());
        let crosses = ladder.matches("l12 12m0 -12l-12 12").count();
        // The legend has one cross.
        assert_eq!(crosses, 1 + snapshots.iter().filter(lost).count(), "{}", scenario.slug);
        // A loss is also written as a word, and each label hides the arrows behind it.
        assert_eq!(ladder.matches(">lost</text>").count(), crosses, "{}", scenario.slug);
        let sent = snapshots.iter().filter(|s| matches!(s.entry.what, What::Sent { .. })).count();
        assert!(ladder.matches("class=\"ground\"").count() >= sent, "{}", scenario.slug);
    }
}

#[test]
fn a_long_run_is_cut_and_says_so() {
    let snapshot = crate::lab::show::ladder::tests::snapshot(0, What::Clock);
    let draw = |rows| {
        let mut picture = String::new();
        write_ladder_svg(&mut picture, &vec![snapshot; rows]).unwrap();
        check(&picture);
        (picture.contains("Cut here, after 400 rows"), picture.matches("1.002003").count())
    };
    assert_eq!(draw(SVG_ROWS), (false, SVG_ROWS));
    assert_eq!(draw(SVG_ROWS + 1), (true, SVG_ROWS));
}

#[test]
fn text_is_escaped() {
    let mut out = String::new();
    write!(Escaped(&mut out), "a<b>&c").unwrap();
    assert_eq!(out, "a&lt;b&gt;&amp;c");
}
