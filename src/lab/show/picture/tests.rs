//! Tests of the ladder with a time axis: proportions, positions and pages.

use std::string::String;
use std::vec::Vec;

use super::*;
use crate::cli::replay::replay;
use crate::lab::START;
use crate::lab::lang::Lang;
use crate::lab::scenarios::{SCENARIOS, find};
use crate::lab::show::svg::tests::check;
use crate::lab::show::{Visited, What, write_states_svg};

/// Returns the rows of a scenario that a picture shows and the states that it visits.
fn rows(slug: &str) -> (Vec<Snapshot>, Visited) {
    let (mut rows, mut visited) = (Vec::new(), Visited::default());
    replay(&(find(slug).unwrap().setup)(), |snapshot, _| {
        if !matches!(snapshot.entry.what, What::Clock) {
            rows.push(*snapshot);
        }
        visited.note(snapshot);
    })
    .unwrap();
    (rows, visited)
}

fn draw(picture: &Picture, page: usize) -> String {
    let mut text = String::new();
    picture.write(&mut text, page).unwrap();
    check(&text);
    text
}

/// Returns the values of an attribute in all lines that contain `mark`.
fn numbers(text: &str, mark: &str, attribute: &str) -> Vec<i32> {
    let value = |line: &str| line.split(&std::format!(" {attribute}=\"")).nth(1)?.split('"').next()?.parse().ok();
    text.lines().filter(|line| line.contains(mark)).filter_map(value).collect()
}

/// Checks that no text covers another and that every text is within the picture.
fn check_labels(text: &str, slug: &str) {
    const GROUND: &str = "class=\"ground\"";
    let [x, y, width] = ["x", "y", "width"].map(|attribute| numbers(text, GROUND, attribute));
    let rects: Vec<_> = (0..x.len()).map(|i| (x[i], y[i], width[i])).collect();
    let all = numbers(text, "xmlns", "width")[0];
    for (index, &(x, y, width)) in rects.iter().enumerate() {
        assert!(x >= 0 && x + width <= all, "{slug}: a text at {x} is {width} wide");
        for &(other, top, wide) in &rects[..index] {
            let apart = x + width <= other || other + wide <= x || y + LINE <= top || top + LINE <= y;
            assert!(apart, "{slug}: labels at {x},{y} and {other},{top}");
        }
    }
}

#[test]
fn every_scenario_makes_pictures_whose_texts_do_not_overlap() {
    for scenario in SCENARIOS {
        let (rows, visited) = rows(scenario.slug);
        let draw = |lang| {
            let picture = Picture::new(&rows, Duration::ZERO, false, lang);
            let text: String = (0..picture.pages()).map(|page| draw(&picture, page)).collect();
            if picture.pages() == 1 {
                check_labels(&text, scenario.slug);
            }
            (text, picture.pages())
        };
        draw(Lang::Zh);
        let (text, pages) = draw(Lang::En);
        let mut states = String::new();
        write_states_svg(&mut states, &visited, Lang::En).unwrap();
        check(&states);
        let is_lost = |s: &&Snapshot| matches!(s.entry.what, What::Sent { verdict, .. } if verdict.is_lost());
        let lost = rows.iter().filter(|s| s.entry.host < 2).filter(is_lost).count();
        // A loss is also written as a word. The legend contains one more cross.
        assert_eq!(text.matches(">lost</text>").count(), lost + pages, "{}", scenario.slug);
        assert!(text.matches("l12 12m0 -12l-12 12").count() > lost, "{}", scenario.slug);
    }
}

#[test]
fn an_arrow_slopes_by_its_flight_time() {
    let picture = Picture::new(&rows("handshake").0, Duration::ZERO, false, Lang::En);
    let height = |micros| picture.axis.height(micros);
    for arrow in &picture.events.arrows {
        let points = picture.path(arrow, arrow.arrivals.first().copied());
        assert_eq!(points.last().unwrap().1 - points[0].1, height(1000) - height(0));
        assert_eq!(points[0].1, height(arrow.at));
    }
    // The pause of 95 ms and TIME-WAIT are folded.
    assert_eq!(picture.axis.folds.len(), 2);
    let text = draw(&picture, 0);
    assert!(text.contains("⋯ 95ms without an event ⋯") && text.contains("⋯ 59.999s without an event ⋯"), "{text}");
}

#[test]
fn each_connection_has_its_lane() {
    let picture = Picture::new(&rows("backlog-full").0, Duration::ZERO, false, Lang::En);
    assert_eq!(picture.lanes(), 3);
    let text = draw(&picture, 0);
    assert_eq!(text.matches(">port 5").count(), 3, "{text}");
    // The SYN that does not fit is dropped in the lane of its connection.
    let dropped = picture.events.notes.iter().find(|note| note.text.contains("backlog full")).unwrap();
    assert_eq!(dropped.lane, 2);
}

#[test]
fn a_part_begins_with_the_frames_in_flight() {
    let all = rows("handshake").0;
    let from = Duration::from_micros(2500);
    let is_syn = |s: &&Snapshot| matches!(s.entry.what, What::Sent { frame: 3, .. });
    let early = all.iter().filter(is_syn);
    let later = all.iter().filter(|s| s.entry.at - START >= from);
    let part: Vec<Snapshot> = early.chain(later).copied().collect();
    let picture = Picture::new(&part, from, false, Lang::En);
    let text = draw(&picture, 0);
    assert!(!text.contains("0.002000") && text.contains("0.003000"), "{text}");
    let first = &picture.events.arrows[0];
    let points = picture.path(first, first.arrivals.first().copied());
    assert!(points[0].1 < 0 && points[1].1 == 0, "{points:?}");
}

#[test]
fn a_long_run_has_pages_and_says_where_it_is_cut() {
    let once = rows("handshake").0;
    let mut rows = Vec::new();
    for round in 0..20 {
        rows.extend(once.iter().map(|s| {
            let mut snapshot = *s;
            snapshot.entry.at += Duration::from_secs(100 * round);
            snapshot
        }));
    }
    let picture = Picture::new(&rows, Duration::ZERO, true, Lang::En);
    assert!(picture.pages() > 2);
    let pages: Vec<String> = (0..picture.pages()).map(|page| draw(&picture, page)).collect();
    assert!(pages[0].contains("Page 1 of ") && !pages[0].contains("Cut here"));
    assert!(pages.last().unwrap().contains("Cut here: the run goes on. --from 1960.102s draws the rest."));
    for page in &pages {
        assert!(numbers(page, "xmlns", "height")[0] < 3500);
        check_labels(page, "a page");
    }
    // Each text is on one page.
    let all: usize = pages.iter().map(|page| page.matches("class=\"ground\"").count()).sum();
    assert_eq!(all, picture.labels.labels.len());
    let mut tall = String::new();
    picture.write_all(&mut tall).unwrap();
    check(&tall);
    assert_eq!(tall.matches("class=\"ground\"").count(), all);
}

#[test]
fn a_run_without_rows_makes_an_empty_picture() {
    let picture = Picture::new(&[], Duration::ZERO, false, Lang::En);
    assert_eq!(picture.pages(), 1);
    draw(&picture, 0);
}
