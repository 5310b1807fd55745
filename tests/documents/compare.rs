//! Compares a command's output with a page, except for parts that differ between runs.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// The prompts of `--step` and of a chat. A page can show the prompt of a terminal, which a program does not print to a
/// pipe.
static PROMPT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:(?:run [a-z], )?step \d+ [\d.]+s> |^>>> )").unwrap());

/// Patterns of text that differs between runs, and their replacements.
static VARIES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // The time in a log line, or in a step of a live server.
        (r"\[\d{4}-\d\d-\d\dT[\d:.]+Z ", "[TIME "),
        (r"^ +\d+\.\d{6}s step \d+ ", "TIME step "),
        // A port that the kernel chose.
        (r":(3[2-9]|[45]\d|60)\d{3}\b", ":PORT"),
        (r"\b[456]\d{4} → ", "PORT → "),
        (r" → [456]\d{4}\b", " → PORT"),
        (r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC"),
        (r"\bfe80::[0-9a-f:]+", "LINK-LOCAL"),
        // An address that a DHCP server leased.
        (r"\b192\.168\.69\.1[56]\d\b", "LEASED"),
        // The digest depends on the generator of initial sequence numbers.
        (r"\bdigest [0-9a-f]{16}\b", "digest D"),
        (r"\b[\d./]+ ms\b", "N ms"),
        (r"\b(rto|win|cwnd|unacknowledged|retransmits)=\d+(ms)?", "$1=N"),
        (r"\b\d+:\d\d:\d\d\b", "DURATION"),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name))
    .into()
});

static FIGURE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[0-9a-f]*\d[0-9a-f]*([.,][0-9]+)*").unwrap());

/// Returns the typed input that a line shows after a prompt, or `None` if the line has no prompt.
pub fn typed(line: &str) -> Option<&str> {
    PROMPT.find(line).filter(|found| found.start() == 0 && found.end() < line.len()).map(|found| &line[found.end()..])
}

/// Returns whether a line is only a prompt.
pub fn is_prompt(line: &str) -> bool {
    PROMPT.find(line).is_some_and(|found| found.len() == line.len())
}

/// Returns a line with replacements for text that differs between runs.
///
/// If `figures` is set, all numbers are also replaced.
pub fn normal(line: &str, figures: bool) -> String {
    let mut line = PROMPT.replace_all(line, "").trim_end().to_owned();
    for (pattern, name) in VARIES.iter() {
        line = pattern.replace_all(&line, *name).into_owned();
    }
    if figures {
        line = FIGURE.replace_all(&line, |_: &Captures<'_>| "N").split_whitespace().collect::<Vec<_>>().join(" ");
    }
    line
}

/// Returns whether `printed` equals `shown`, where `...` stands for any number of lines.
///
/// With `prefix`, `printed` can contain more lines at its end.
pub fn matches(shown: &[String], printed: &[String], prefix: bool) -> bool {
    match shown.split_first() {
        None => prefix || printed.is_empty(),
        Some((any, rest)) if any == "..." => (0..=printed.len()).any(|skip| matches(rest, &printed[skip..], prefix)),
        Some((line, rest)) => printed.first() == Some(line) && matches(rest, &printed[1..], prefix),
    }
}

#[test]
fn text_that_varies_between_runs_compares_equal() {
    let same = |a, b| assert_eq!(normal(a, false), normal(b, false));
    same(
        "[2026-11-21T05:01:01Z INFO ] accepted 192.168.69.100:51016",
        "[2027-01-01T00:00:00Z INFO ] accepted 192.168.69.100:60999",
    );
    same(
        "64 bytes from fdaa::64: icmp_seq=1 ttl=64 time=0.025 ms",
        "64 bytes from fdaa::64: icmp_seq=1 ttl=64 time=1.1 ms",
    );
    assert_ne!(normal("listening tcp 192.168.69.1:9999", false), normal("listening tcp 192.168.69.1:9998", false));
    assert_eq!(typed("step 9 0.003s> u ESTABLISHED"), Some("u ESTABLISHED"));
    assert_eq!(normal("step 9 0.003s> frame 4 is dropped", false), "frame 4 is dropped");
}

#[test]
fn three_dots_match_any_lines() {
    let lines = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
    assert!(matches(&lines("a ... c"), &lines("a b b c"), false));
    assert!(matches(&lines("a c"), &lines("a c d"), true));
    assert!(!matches(&lines("a c"), &lines("a c d"), false));
    assert!(!matches(&lines("a ... d"), &lines("a b c"), false));
}
