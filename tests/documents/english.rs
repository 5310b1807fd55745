//! Phrases that must not occur in pages, `--help`, messages and doc comments.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::common::document::{pages, root, text};

/// The ruled-out phrases, each with a replacement or a hint.
const RULED_OUT: &[(&str, &str)] = &[
    (r"\bas good as new\b", "fresh"),
    (r"\basks? on\b|\basking on\b", "keeps asking"),
    (r"\bbe meant( so)?\b", "is invalid"),
    (r"\bcan(no|')t be so\b", "is invalid"),
    (r"\bhas not its\b", "has lost its"),
    (r"\bhow manieth\b", "n-th"),
    (r"\bhold(s|ing)? (its|the|their) (\w+ )?up\b", "blocks"),
    (r"\bin vain\b", "name what failed"),
    (r"\bof which whoever\b|\bof whom\b", "two sentences"),
    (
        r"\bso (many|much) (bytes|characters|connections|datagrams|frames|hosts|later|lines|ms|seconds|steps|time|times)\b",
        "name the parameter",
    ),
    (r"\b(is|are) had\b", "name the subject"),
    (r"\b[Ww]hat of (a|an|it|the)\b", "the part of"),
    (r"\bwhoever\b", "name the person or the thing"),
    (r"\bwithout a word\b", "silently"),
];

#[test]
fn pages_and_help_have_no_ruled_out_phrase() {
    let mut texts: Vec<(String, String)> = pages().into_iter().map(|page| (page.clone(), text(&page))).collect();
    texts.push(("CHANGELOG.md".into(), text("CHANGELOG.md")));
    let help = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_smolstep")).args(arguments).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let all = help(&[]);
    let (_, commands) = all.split_once("Commands:\n").unwrap();
    for line in commands.lines().take_while(|line| !line.is_empty()) {
        let name = line.strip_prefix("  ").and_then(|line| line.split(' ').next()).unwrap_or_default();
        if !name.is_empty() && name != "help" {
            texts.push((format!("smolstep {name} --help"), help(&[name])));
        }
    }
    texts.push(("smolstep --help".into(), all));
    assert_plain(texts);
}

#[test]
fn doc_comments_and_messages_have_no_ruled_out_phrase() {
    let mut files = Vec::new();
    for folder in ["src", "examples"] {
        files_of(&root().join(folder), "rs", &mut files);
    }
    assert!(files.len() > 100, "{}", files.len());
    let of_file = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        // Other lines become empty, so that the line numbers stay the same.
        let lines = text.lines().map(|line| if line.contains("//") || line.contains('"') { line } else { "" });
        (path.strip_prefix(root()).unwrap().display().to_string(), lines.collect::<Vec<_>>().join("\n"))
    };
    assert_plain(files.into_iter().map(of_file));
}

#[test]
fn scenarios_exercises_and_scripts_have_no_ruled_out_phrase() {
    let mut files = Vec::new();
    for (folder, extension) in [("src/lab/scenarios", "lab"), ("docs/exercises", "lab"), ("docs/packetdrill", "pkt")] {
        let before = files.len();
        files_of(&root().join(folder), extension, &mut files);
        assert!(files.len() > before + 10, "{folder}");
    }
    let of_file = |path: PathBuf| (path.display().to_string(), fs::read_to_string(&path).unwrap());
    assert_plain(files.into_iter().map(of_file));
}

/// Fails if a text contains a ruled-out phrase, and prints the file and line of each such phrase. A phrase that spans
/// two lines is not found.
fn assert_plain(texts: impl IntoIterator<Item = (String, String)>) {
    let rules: Vec<_> = RULED_OUT.iter().map(|(phrase, instead)| (Regex::new(phrase).unwrap(), instead)).collect();
    let mut found = String::new();
    for (place, text) in texts {
        for (number, line) in text.lines().enumerate() {
            for (phrase, instead) in &rules {
                if let Some(phrase) = phrase.find(line) {
                    found += &format!("{place}:{}: '{}' (rather: {instead})\n", number + 1, phrase.as_str());
                }
            }
        }
    }
    assert!(found.is_empty(), "{found}");
}

/// Adds the files of a folder and its subfolders whose names have this extension.
fn files_of(folder: &Path, wanted: &str, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_of(&path, wanted, files);
        } else if path.extension().is_some_and(|extension| extension == wanted) {
            files.push(path);
        }
    }
}
