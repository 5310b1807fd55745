//! Reads the events in the output of `serve --events -`, which also contains other lines.

use serde_json::Value;

use super::peer::Peer;

/// The options that make a server print its events.
pub const PRINTED: [&str; 2] = ["--events", "-"];

/// Returns the events in a server's output.
pub fn all(out: &str) -> Vec<Value> {
    let lines = out.split_inclusive('\n').filter(|line| line.starts_with('{') && line.ends_with('\n'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Returns the events of the kind `kind` that have all of `fields`.
pub fn of(out: &str, kind: &str, fields: &[(&str, &str)]) -> Vec<Value> {
    let mut events = all(out);
    events.retain(|event| event["event"] == kind && fields.iter().all(|(key, text)| event[key] == *text));
    events
}

/// Returns the number of events that [`of`] selects from a server's output so far.
pub fn count(server: &Peer, kind: &str, fields: &[(&str, &str)]) -> usize {
    of(&server.out(), kind, fields).len()
}

/// Waits until a server has printed `count` events that [`of`] selects.
pub fn wait_for(server: &Peer, kind: &str, fields: &[(&str, &str)], count: usize) {
    server.wait_for(&format!("{count} times {kind} {fields:?}"), |out| of(out, kind, fields).len() >= count);
}

/// Returns the number of address changes whose description contains `text`.
pub fn address_changes(out: &str, text: &str) -> usize {
    let events = of(out, "address", &[]);
    events.iter().filter(|event| event["what"].as_str().is_some_and(|what| what.contains(text))).count()
}

/// Waits for an address change whose description contains `text`.
pub fn wait_for_address_change(server: &Peer, text: &str) {
    server.wait_for(text, |out| address_changes(out, text) > 0);
}

/// Returns a server's output without the events.
pub fn without(out: &str) -> String {
    out.split_inclusive('\n').filter(|line| !line.starts_with('{')).collect()
}
