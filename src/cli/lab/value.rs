//! The values of a connection that `--show` names, and their texts.

use smoltcp::time::Instant;

use crate::lab::START;
use crate::lab::show::{Span, or_dash, since, span};
use crate::lab::tokens::clip;
use crate::stack::Control;

/// A value that `--show` names.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// The name on the command line.
    pub name: &'static str,
    /// Returns the value as text, or `-` if it is not known.
    pub text: fn(&Control) -> String,
}

/// The values, in the order of RFC 9293 section 3.3.1, RFC 6298 and RFC 5681.
const VALUES: [Value; 20] = [
    Value { name: "una", text: |c| since(c.una, c.iss).to_string() },
    Value { name: "nxt", text: |c| since(c.nxt, c.iss).to_string() },
    Value { name: "snd-wnd", text: |c| or_dash(c.irs.map(|_| c.snd_wnd)) },
    Value { name: "rcv-nxt", text: |c| or_dash(c.irs.map(|irs| since(c.rcv_nxt, irs))) },
    Value { name: "rcv-wnd", text: |c| or_dash(c.irs.map(|_| c.rcv_wnd)) },
    Value { name: "srtt", text: |c| span(c.srtt) },
    Value { name: "rttvar", text: |c| span(c.rttvar) },
    Value { name: "rto", text: |c| Span(c.rto).to_string() },
    Value { name: "cwnd", text: |c| or_dash(c.cwnd) },
    Value { name: "ssthresh", text: |c| or_dash(c.ssthresh) },
    Value { name: "dup-acks", text: |c| c.duplicates.to_string() },
    Value { name: "retransmission", text: |c| time(c.retransmission) },
    Value { name: "tail-probe", text: |c| time(c.tail_probe) },
    Value { name: "persist", text: |c| time(c.persist) },
    Value { name: "time-wait", text: |c| time(c.time_wait) },
    Value { name: "delayed-ack", text: |c| time(c.delayed_ack) },
    Value { name: "keep-alive", text: |c| time(c.keep_alive) },
    Value { name: "user-timeout", text: |c| time(c.user_timeout) },
    Value { name: "unsent", text: |c| c.unsent.to_string() },
    Value { name: "held-by", text: |c| c.held_by.map_or("-".into(), |by| by.slug().to_string()) },
];

impl Value {
    /// Finds a value by its name.
    ///
    /// # Errors
    /// The error lists the names.
    pub fn named(name: &str) -> Result<Value, String> {
        VALUES.into_iter().find(|value| value.name == name).ok_or_else(|| {
            let names: Vec<_> = VALUES.iter().map(|value| value.name).collect();
            format!("'{}' should be one of {}", clip(name), names.join(", "))
        })
    }
}

/// Returns the time at which a timer expires, counted from the start of the run.
fn time(at: Option<Instant>) -> String {
    span(at.map(|at| at - START))
}

#[cfg(test)]
mod tests {
    use clap::Args;

    use super::*;
    use crate::cli::lab::LabArgs;

    #[test]
    fn the_help_lists_the_names() {
        let command = LabArgs::augment_args(clap::Command::new("lab"));
        let option = command.get_arguments().find(|option| option.get_id() == "show").unwrap();
        let names = VALUES.map(|value| value.name).join(", ");
        assert!(option.get_help().unwrap().to_string().contains(&names), "{names}");
    }
}
