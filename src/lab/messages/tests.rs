use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::lab::lang::tests::check_chinese;

/// The files and folders whose messages can be shown in Chinese.
const SOURCES: [&str; 15] = [
    "src/app/client.rs",
    "src/lab/expect",
    "src/lab/expect.rs",
    "src/lab/fault.rs",
    "src/lab/file",
    "src/lab/packetdrill",
    "src/lab/run/marks.rs",
    "src/lab/setup.rs",
    "src/lab/tokens.rs",
    "src/cli/lab/exercise.rs",
    "src/cli/lab/file.rs",
    "src/cli/lab/mark.rs",
    "src/cli/lab/mod.rs",
    "src/cli/lab/outputs.rs",
    "src/cli/lab/overlap.rs",
];
/// Texts that are not messages, or that are parts of a message in the tables.
const NOT_MESSAGES: [&str; 14] = [
    "TS val {val} ecr {ecr}",
    "expected '> {segment}'{}, but {what}",
    "it was sent at {}",
    "'> {seen}' was sent at {}: {part}",
    "{what} sent until {}",
    "nothing was",
    "only a part was",
    "the plug is pulled",
    "the host restarts",
    "delayed by {time}",
    "queue full",
    "too long",
    "does not hold",
    "?  shows the hint    Enter  goes to the next question    q  ends",
];

/// Returns the Rust files at `path`, without tests.
fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return std::vec![path.to_owned()];
    }
    let inside = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    inside.filter(|path| !path.ends_with("tests.rs")).flat_map(|path| rust_files(&path)).collect()
}

/// Returns the strings in the code of a file, without its tests, and without the strings that are already beside a
/// Chinese text. `{name}` becomes `{}`.
fn strings(code: &str) -> Vec<String> {
    let code = code.split("mod tests {").next().unwrap();
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (before, after) = rest.split_at(at);
        if after.starts_with("//") {
            rest = after.split_once('\n').map_or("", |(_, next)| next);
        } else if after.starts_with("'\"'") || after.starts_with("'\\") {
            // A character.
            rest = &after[3..];
        } else if let Some(inner) = after.strip_prefix('"') {
            let mut escaped = false;
            let is_end = |c: char| {
                let was_escaped = escaped;
                escaped = !was_escaped && c == '\\';
                !was_escaped && c == '"'
            };
            let end = inner.find(is_end).unwrap();
            let is_english_of_pair = ["Lang::En => format!(", "pick(", "pick(\n"]
                .iter()
                .any(|start| before.trim_end().ends_with(start.trim_end()));
            if !is_english_of_pair {
                found.push(unescaped(&inner[..end]));
            }
            rest = &inner[end + 1..];
        } else {
            rest = &after[1..];
        }
    }
    found
}

/// Returns the text of a string in the code.
fn unescaped(text: &str) -> String {
    let mut lines = text.split("\\\n");
    let mut joined = String::from(lines.next().unwrap());
    lines.for_each(|line| joined.push_str(line.trim_start()));
    joined.replace("\\\"", "\"").replace("\\\\", "\\")
}

/// Returns whether a text contains two English words in a row.
fn has_words(text: &str) -> bool {
    let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase() || c == '\'');
    text.split(' ').collect::<Vec<_>>().windows(2).any(|pair| pair.iter().all(is_word))
}

/// Replaces each `{name}` by `x`.
fn with_parts(text: &str) -> String {
    let mut parts = text.split('{');
    let mut filled = String::from(parts.next().unwrap());
    for part in parts {
        match part.split_once('}') {
            Some((name, after)) if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
                filled.push('x');
                filled.push_str(after);
            }
            _ => {
                filled.push('{');
                filled.push_str(part);
            }
        }
    }
    filled
}

#[test]
fn each_message_in_the_code_has_a_chinese_text() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = BTreeSet::new();
    for file in SOURCES.iter().flat_map(|path| rust_files(&root.join(path))) {
        for text in strings(&fs::read_to_string(&file).unwrap()) {
            let is_message = has_words(&text) && text.is_ascii() && !NOT_MESSAGES.contains(&&text[..]);
            if is_message && joined(&with_parts(&text)).is_none() {
                missing.insert(std::format!("{}: {text}", file.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_tables_hold_chinese_texts_with_the_same_parts() {
    for (english, chinese) in TABLES.into_iter().flatten() {
        check_chinese(english, chinese);
        let parts = (1..).take_while(|number| english.contains(&std::format!("{{{number}}}"))).count();
        for number in 1..=parts {
            let is_used = [std::format!("{{{number}}}"), std::format!("{{{number}*}}")];
            assert!(
                english.contains("os error") || is_used.iter().any(|part| chinese.contains(part)),
                "{english}: {chinese}"
            );
        }
    }
}

#[test]
fn a_text_from_outside_that_looks_like_messages_takes_little_time() {
    // The time grew fourfold with each repetition.
    let name = "timed out: timed out: x; z; ".repeat(40);
    assert!(in_lang(&std::format!("{name}: 2 of 3 points"), Lang::Zh).contains('z'));
}

#[test]
fn positions_and_words_of_the_user_stay() {
    for (english, chinese) in [
        ("my.lab:3:5: 'client' should be client or server", "my.lab:3:5: 'client' 应为：client 或 server"),
        (
            "f.pkt:2:1: 'closed' should be two numbers, as in {onoff=1, linger=0}",
            "f.pkt:2:1: 'closed' 应为：两个数，如 {onoff=1, linger=0}",
        ),
        (
            "no frame matched the fault 'drop {1} x': correct its sender, kind or number",
            "没有帧符合故障 'drop {1} x'：请改正发送方、种类或序号",
        ),
        ("it is longer than 1 MiB; 2 more files are invalid", "文件超过 1 MiB；另有 2 个文件无效"),
        ("a message that is in no table", "a message that is in no table"),
    ] {
        assert_eq!(in_lang(english, Lang::Zh), chinese);
        assert_eq!(in_lang(english, Lang::En), english);
    }
}
