//! Shows changes in the values that both sides keep for a connection, for `--show`.

use super::outputs::Shown;
use super::value::Value;
use crate::lab::run::HostLab;
use crate::lab::show::host_name;
use crate::stack::Tuple;

/// Prints values below the rows of the ladder, after each step that has changed one of them.
pub struct Watch<'a> {
    values: &'a [Value],
    /// For each connection of each host, the latest texts of its values.
    last: Vec<(usize, Tuple, Vec<String>)>,
}

impl<'a> Watch<'a> {
    /// Watches these values of each connection.
    pub fn new(values: &'a [Value]) -> Self {
        Watch { values, last: Vec::new() }
    }

    /// Prints the watched values that have changed since the previous step. Call this method after each entry of a
    /// step: it does nothing while the step has more entries to show.
    pub fn step(&mut self, lab: &HostLab<'_>, shown: &mut Shown) {
        if self.values.is_empty() || lab.entries.iter().next().is_some() {
            return;
        }
        // The texts of all watched values, for each connection of each host.
        let mut now = Vec::new();
        for host in 0..2 {
            for (tuple, control) in lab.control(host) {
                now.push((host, tuple, self.values.iter().map(|value| (value.text)(&control)).collect::<Vec<_>>()));
            }
        }
        for (host, tuple, texts) in &now {
            let before = self.last.iter().find(|(h, t, _)| (h, t) == (host, tuple)).map(|(_, _, texts)| texts);
            let changed = self.values.iter().zip(texts).enumerate();
            let changed: Vec<_> = changed
                .filter(|(index, (_, text))| before.and_then(|before| before.get(*index)) != Some(*text))
                .map(|(_, (value, text))| format!("{}={text}", value.name))
                .collect();
            if !changed.is_empty() {
                // If the host has several connections, the client's port says which one has changed. The client is
                // host 0.
                let connections = now.iter().filter(|(h, ..)| h == host).count();
                let port = if *host == 0 { tuple.local.port } else { tuple.remote.port };
                let port = if connections > 1 { format!(" :{port}") } else { String::new() };
                shown.say(&format!("      {}{port}  {}", host_name(*host, shown.lang()), changed.join("  ")));
            }
        }
        self.last = now;
    }
}
