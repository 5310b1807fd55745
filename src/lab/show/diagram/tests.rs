//! The picture has what the table has.

use std::string::String;

use super::*;
use crate::lab::show::svg::tests::check;

#[test]
fn every_state_has_its_box_and_every_transition_its_line() {
    let mut picture = String::new();
    write_states_svg(&mut picture, &Visited::default()).unwrap();
    check(&picture);
    assert_eq!(picture.matches("<rect").count(), 1 + BOXES.len());
    assert_eq!(picture.matches("url(#none)").count(), TRANSITIONS.len());
    for transition in TRANSITIONS {
        assert!(picture.contains(transition.on));
        assert!(BOXES.iter().any(|b| b.2 == transition.from) && BOXES.iter().any(|b| b.2 == transition.to));
    }
}
