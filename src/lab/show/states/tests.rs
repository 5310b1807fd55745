//! Tests of the record of transitions.

use std::vec::Vec;

use super::*;
use crate::cli::replay::replay;
use crate::lab::scenarios;

fn visited(slug: &str) -> Visited {
    let mut visited = Visited::default();
    assert!(replay(&(scenarios::find(slug).unwrap().setup)(), |snapshot, _| visited.note(snapshot)).unwrap());
    visited
}

fn counts(visited: &Visited, from: State, to: State) -> [u32; 2] {
    let index = TRANSITIONS.iter().position(|t| (t.from, t.to) == (from, to)).unwrap();
    visited.taken(index).map(|taken| taken.count)
}

#[test]
fn both_sides_are_counted_separately() {
    let visited = visited("client-closes-first");
    assert_eq!(counts(&visited, State::Closed, State::Listen), [0, 1]);
    assert_eq!(counts(&visited, State::Closed, State::SynSent), [1, 0]);
    assert_eq!(counts(&visited, State::Listen, State::SynReceived), [0, 1]);
    assert_eq!(counts(&visited, State::Established, State::FinWait1), [1, 0]);
    assert_eq!(counts(&visited, State::LastAck, State::Closed), [0, 1]);
    assert_eq!(counts(&visited, State::TimeWait, State::Closed), [1, 0]);
    assert!(visited.was_in(State::TimeWait) && !visited.was_in(State::Closing));
}

#[test]
fn changes_that_are_not_in_the_diagram_are_kept_separately() {
    let visited = visited("abort");
    let changes: Vec<_> = visited.others().iter().map(|other| (other.from, other.to)).collect();
    assert!(changes.contains(&(State::Established, State::Closed)), "{changes:?}");
}

#[test]
fn the_first_steps_are_remembered_and_all_are_counted() {
    let mut taken = Taken::default();
    (1..=6).for_each(|step| taken.record(step));
    assert_eq!((taken.count, taken.steps()), (6, &[1, 2, 3, 4][..]));
}
