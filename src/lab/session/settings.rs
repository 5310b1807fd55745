//! The settings of an experiment for which the web page has controls: their lines in the file, and their values.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use super::request::{Problem, clip};
use crate::lab::Setup;
use crate::stack::Congestion;

/// The line before the settings at the end of a file.
const HEAD: &str = "# Settings";

/// The form of a setting's value.
#[derive(Clone, Copy)]
enum Form {
    /// A whole number, followed by a unit. If `zero` is a word, a file contains this word instead of 0.
    Number { unit: &'static str, zero: Option<&'static str> },
    /// A percentage.
    Percent,
    /// A word.
    Word,
    /// `on` or `off`.
    Switch,
}

/// Returns the form of a setting whose value is always written as a number with `unit`.
const fn number(unit: &'static str) -> Form {
    Form::Number { unit, zero: None }
}

/// Returns the form of a setting whose value 0 means no limit and is written `none`.
const fn or_none(unit: &'static str) -> Form {
    Form::Number { unit, zero: Some("none") }
}

/// The settings. Each has its member name, the words that begin its line, and the form of its value.
const SETTINGS: [(&str, &str, Form); 11] = [
    ("latency_us", "network latency", number("us")),
    ("jitter_us", "network jitter", number("us")),
    ("rate_bit_s", "network rate", or_none("bit")),
    ("queue", "network queue", or_none("")),
    ("loss_percent", "network loss", Form::Percent),
    ("mtu", "network mtu", number("")),
    ("router_mtu", "network router-mtu", or_none("")),
    ("buffer", "hosts buffer", number("")),
    ("congestion", "hosts congestion", Form::Word),
    ("nagle", "hosts nagle", Form::Switch),
    ("ack_delay_us", "hosts ack-delay", number("us")),
];

/// Returns the text of a file with lines for `settings` at its end, and with `seed`.
///
/// The lines replace those that an earlier call added. For a setting that can be unlimited, `null` means no limit. For
/// any other setting, `null` means no change.
pub(super) fn apply(text: &str, settings: &Map<String, Value>, seed: Option<u64>) -> Result<String, Problem> {
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    if let Some(seed) = seed {
        set_seed(&mut lines, seed);
    }
    for (name, value) in settings {
        let Some((_, words, form)) = SETTINGS.iter().find(|(other, ..)| other == name) else {
            let names: Vec<&str> = SETTINGS.iter().map(|(name, ..)| *name).collect();
            return Err(Problem::new(format!("there is no setting '{}': there are {}", clip(name), names.join(", "))));
        };
        if value.is_null() && !matches!(form, Form::Number { zero: Some(_), .. }) {
            continue;
        }
        let line = format!("{words} {}", form.word(name, value)?);
        let head = lines.iter().rposition(|line| line == HEAD).unwrap_or_else(|| {
            lines.push(HEAD.to_owned());
            lines.len() - 1
        });
        // Remove earlier lines of the same setting, but only after the heading.
        let mut line_number = 0;
        lines.retain(|line| {
            line_number += 1;
            let rest = line.strip_prefix(words);
            line_number <= head || !rest.is_some_and(|rest| rest.starts_with(' '))
        });
        lines.push(line);
    }
    // The last line must end with a newline too.
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// Replaces the line `seed`, or adds it before the first line, because the seed must come before every line `vary`.
fn set_seed(lines: &mut Vec<String>, seed: u64) {
    let line = format!("seed {seed}");
    match lines.iter_mut().find(|line| line.split_whitespace().next() == Some("seed")) {
        Some(seed_line) => *seed_line = line,
        None => lines.insert(0, line),
    }
}

impl Form {
    /// Returns the value in the form that a .lab file uses. `name` is the setting's name, for error messages.
    fn word(self, name: &str, value: &Value) -> Result<String, Problem> {
        let error = |what: &str| Problem::new(format!("the setting '{name}' should be {what}"));
        match self {
            Form::Number { zero: Some(word), .. } if value.is_null() || value.as_u64() == Some(0) => {
                Ok(word.to_owned())
            }
            Form::Number { unit, .. } => {
                let number = value.as_u64().ok_or_else(|| error("a whole number, not negative"))?;
                Ok(format!("{number}{unit}"))
            }
            Form::Percent => {
                let percent = value.as_f64().filter(|percent| (0.0..=100.0).contains(percent));
                // A file takes at most four digits after the point.
                Ok(format!("{:.4}%", percent.ok_or_else(|| error("a number from 0 to 100"))?))
            }
            Form::Word => match value.as_str() {
                // A second word would be read as the name of another setting.
                Some(word) if word.chars().all(|c| c.is_ascii_alphanumeric()) => Ok(word.to_owned()),
                _ => Err(error("a word")),
            },
            Form::Switch => match value.as_bool() {
                Some(true) => Ok("on".to_owned()),
                Some(false) => Ok("off".to_owned()),
                None => Err(error("true or false")),
            },
        }
    }
}

/// Returns the values of all settings in a set-up.
///
/// A setting without a limit is `null`. `buffer` is `null` if the buffers have different sizes.
pub(super) fn in_force(setup: &Setup<'_>) -> Value {
    let line = &setup.line;
    let [client, server] = setup.buffers;
    let is_same = client == server && client.receive == client.send;
    json!({
        "latency_us": line.latency.total_micros(),
        "jitter_us": line.jitter.total_micros(),
        "rate_bit_s": line.rate,
        "queue": line.queue,
        // `loss` is in parts per million.
        "loss_percent": f64::from(line.loss) / 1e4,
        "mtu": line.mtu,
        "router_mtu": line.router_mtu,
        "buffer": is_same.then_some(client.receive),
        "congestion": match setup.congestion {
            Congestion::Cubic => "cubic",
            Congestion::None => "none",
            Congestion::Reno => "reno",
        },
        "nagle": setup.nagle,
        "ack_delay_us": setup.ack_delay.map_or(0, |delay| delay.total_micros()),
    })
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    fn applied(text: &str, settings: Value, seed: Option<u64>) -> Result<String, Problem> {
        apply(text, settings.as_object().unwrap(), seed)
    }

    #[test]
    fn settings_are_replaced_and_do_not_pile_up() {
        let once = applied("network latency 3ms\n", json!({"latency_us": 20_000, "nagle": true}), Some(5)).unwrap();
        assert_eq!(once, "seed 5\nnetwork latency 3ms\n# Settings\nnetwork latency 20000us\nhosts nagle on\n");
        let twice = applied(&once, json!({"latency_us": 500, "queue": null, "loss_percent": 0.5}), Some(6)).unwrap();
        let expected = "seed 6\nnetwork latency 3ms\n# Settings\nhosts nagle on\nnetwork latency 500us\n\
                        network loss 0.5000%\nnetwork queue none\n";
        assert_eq!(twice, expected);
        assert_eq!(applied(&twice, json!({}), None).unwrap(), twice);
    }

    #[test]
    fn unknown_settings_and_invalid_values_are_rejected() {
        assert!(applied("", json!({"congestion": "reno", "latency_us": 0, "loss_percent": 100}), None).is_ok());
        for bad in [
            json!({"congestion": "reno black-hole"}),
            json!({"latency_us": -1}),
            json!({"loss_percent": 101}),
            json!({"loss_percent": "1"}),
            json!({"nagle": 1}),
            json!({"speed": 1}),
        ] {
            assert!(applied("", bad.clone(), None).is_err(), "{bad}");
        }
    }
}
