//! Tests of the documentation pages: code blocks, links, and ruled-out phrases.
//!
//! A code block must print the output that the page shows.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod compare;
mod english;
mod sandbox;

use common::document::{self, Block, blocks, pages};

#[test]
fn readme() {
    run("README.md");
}

#[test]
fn readme_in_chinese() {
    run("README.zh.md");
}

#[test]
fn command_line() {
    run("docs/cli.md");
}

#[test]
fn lab() {
    run("docs/lab.md");
}

#[test]
fn all_other_pages() {
    for page in pages() {
        if !["README.md", "README.zh.md", "docs/cli.md", "docs/lab.md"].contains(&page.as_str()) {
            run(&page);
        }
    }
}

#[test]
fn each_block_that_shows_output_can_be_run() {
    let all: Vec<Block> = pages().iter().flat_map(|page| blocks(page)).collect();
    let shown: Vec<_> = all.iter().filter(|block| block.shows_output()).collect();
    for block in &shown {
        assert!(!block.examples().is_empty(), "{}: which command prints this?", block.place);
    }
    assert!(shown.len() > 20, "{}", shown.len());
}

#[test]
fn the_readme_is_short() {
    let lines = document::text("README.md").lines().count();
    assert!(lines <= 180, "{lines} lines");
}

#[test]
fn links_lead_to_files_and_headings() {
    for page in pages() {
        let folder = document::root().join(&page).parent().unwrap().to_owned();
        for link in document::text(&page).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            if file.starts_with("http") {
                continue;
            }
            let target = if file.is_empty() { document::root().join(&page) } else { folder.join(file) };
            assert!(target.exists(), "{page}: {link}");
            let text = std::fs::read_to_string(&target).unwrap_or_default();
            let found = text.lines().any(|line| line.starts_with('#') && anchor(line) == heading);
            assert!(heading.is_empty() || found, "{page}: {link}");
        }
    }
}

/// Returns the anchor that a link to a heading uses.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Runs all blocks of a page that show output. A failed block does not prevent the others from running.
fn run(page: &str) {
    let failed: Vec<String> = blocks(page)
        .iter()
        .filter(|block| block.shows_output())
        .filter_map(|block| sandbox::run(block).err())
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
