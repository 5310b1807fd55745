//! What a server did: the lines of `serve --events -`, among those that it prints for people.

use serde_json::Value;

use super::peer::Peer;

/// What makes a server print its events.
pub const PRINTED: [&str; 2] = ["--events", "-"];

/// The events in what a server has printed.
pub fn all(out: &str) -> Vec<Value> {
    let lines = out.split_inclusive('\n').filter(|line| line.starts_with('{') && line.ends_with('\n'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Those of a kind, with these fields.
pub fn of(out: &str, kind: &str, fields: &[(&str, &str)]) -> Vec<Value> {
    let mut events = all(out);
    events.retain(|event| event["event"] == kind && fields.iter().all(|(key, text)| event[key] == *text));
    events
}

/// How many of them a server has printed so far.
pub fn count(server: &Peer, kind: &str, fields: &[(&str, &str)]) -> usize {
    of(&server.out(), kind, fields).len()
}

/// Waits until a server has printed `count` of them.
pub fn wait_for(server: &Peer, kind: &str, fields: &[(&str, &str)], count: usize) {
    server.wait_for(&format!("{count} times {kind} {fields:?}"), |out| of(out, kind, fields).len() >= count);
}

/// How often the addresses changed in a way that is described with this text.
pub fn address_changes(out: &str, text: &str) -> usize {
    let events = of(out, "address", &[]);
    events.iter().filter(|event| event["what"].as_str().is_some_and(|what| what.contains(text))).count()
}

/// Waits for such a change.
pub fn wait_for_address_change(server: &Peer, text: &str) {
    server.wait_for(text, |out| address_changes(out, text) > 0);
}

/// What a server has printed for people.
pub fn without(out: &str) -> String {
    out.split_inclusive('\n').filter(|line| !line.starts_with('{')).collect()
}
