//! Runs the lab from beginning to end, with memory on the heap.

use std::collections::BTreeMap;
use std::fmt::Write;

use smoltcp::socket::tcp::State;

use crate::host::{HeapPool, Sizes};
use crate::lab::figure::TRANSITIONS;
use crate::lab::lang::Lang;
use crate::lab::packetdrill::{Failed, Limits, Script, run};
use crate::lab::run::{ENTRIES, sizes};
use crate::lab::scenarios::SCENARIOS;
use crate::lab::show::What;
use crate::lab::{Buffers, CONNECTIONS, Setup, SetupLab, Snapshot, StartError, Wire, change};
use crate::stack::NullConsole;

/// A run of two hosts. The output of their programs is discarded.
pub type Replay<'a> = SetupLab<'a, NullConsole, 2, ENTRIES>;

/// Runs a set-up of two hosts until nothing more happens or a limit is reached. Calls `each` with every trace entry and
/// the most recently received frame. Returns false if a limit was reached.
///
/// # Errors
/// Returns [`StartError`] if the set-up is invalid.
pub fn replay(setup: &Setup<'_>, mut each: impl FnMut(&Snapshot, &[u8])) -> Result<bool, StartError> {
    replay_steps(setup, |lab| {
        while let Some(entry) = lab.entries.pop() {
            each(&lab.snapshot(entry), lab.wire.last_received());
        }
    })
}

/// Runs a set-up like [`replay`], but calls `each` with the lab after each step.
///
/// # Errors
/// Returns [`StartError`] if the set-up is invalid.
pub fn replay_steps(setup: &Setup<'_>, each: impl FnMut(&mut Replay<'_>)) -> Result<bool, StartError> {
    let mut pools = [0, 1].map(|host| HeapPool::new(sizes(setup, host)));
    let mut lab: Replay<'_> = setup.start(pools.each_mut().map(|pool| (pool.memory(), NullConsole)))?;
    Ok(lab.run(setup.limit, setup.steps, each))
}

/// Runs a packetdrill script. Calls `each` with every trace entry and the wire.
///
/// # Errors
/// [`Failed`] names the first line of the script that the run does not match.
pub fn replay_script(script: &Script, limits: Limits, each: &mut dyn FnMut(&Snapshot, &Wire)) -> Result<(), Failed> {
    let Buffers { receive, send } = script.buffers;
    let sizes = Sizes { connections: CONNECTIONS, receive, send, ports: 0, datagrams: 0, payload: 0 };
    let mut pools = [(); 2].map(|()| HeapPool::new(sizes));
    run(script, limits, pools.each_mut().map(|pool| (pool.memory(), NullConsole)), each)
}

/// Returns a table of the transitions in RFC 9293 figure 5. For each transition, the table names at most two scenarios
/// that reach it, and the number of further scenarios. The table ends with the transitions that scenarios reach but
/// that are not in the figure. `lang` is the language of the table.
///
/// # Errors
/// Returns [`StartError`] if a scenario cannot be started.
pub fn coverage(lang: Lang) -> Result<String, StartError> {
    let mut reached_by: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for scenario in SCENARIOS {
        let mut reach = |from: State, to: State| {
            let slugs = reached_by.entry((from.to_string(), to.to_string())).or_default();
            // A scenario can reach a transition several times, but is listed once.
            if slugs.last() != Some(&scenario.slug) {
                slugs.push(scenario.slug);
            }
        };
        let setup = (scenario.setup)();
        // A host begins to listen before the trace begins, so the trace does not contain this transition.
        if !setup.listeners.is_empty() {
            reach(State::Closed, State::Listen);
        }
        replay(&setup, |snapshot, _| {
            if let What::Stack(event) = snapshot.entry.what
                && let Some((from, to)) = change(&event)
            {
                reach(from, to);
            }
        })?;
    }
    let mut table = String::new();
    for transition in TRANSITIONS {
        let (from, to) = (transition.from.to_string(), transition.to.to_string());
        let reached = match (transition.never, reached_by.get(&(from.clone(), to.clone()))) {
            (_, Some(slugs)) if slugs.len() > 2 => {
                let more = slugs.len() - 2;
                let more = match lang {
                    Lang::En => format!("and {more} more"),
                    Lang::Zh => format!("等，另有 {more} 个"),
                };
                format!("{}, {} {more}", slugs[0], slugs[1])
            }
            (_, Some(slugs)) => slugs.join(", "),
            (Some([english, chinese]), None) => {
                format!("{}{}", lang.pick("never: ", "从不发生："), lang.pick(english, chinese))
            }
            (None, None) => lang.pick("not reached", "没有到达").into(),
        };
        // Writing to a string cannot fail.
        let _ =
            writeln!(table, "{from:<12} -> {to:<12}  {}\n    {reached}", lang.pick(transition.on, transition.on_zh));
    }
    table.push_str(lang.pick(
        "\nTransitions that occur here, but are not in the figure (by its note 3, RST ends every state):\n",
        "\n图中没有、但这里发生的转换（按图的注 3，RST 可以终止任何状态）：\n",
    ));
    let drawn = |(from, to): &(String, String)| {
        TRANSITIONS.iter().any(|t| t.from.to_string() == *from && t.to.to_string() == *to)
    };
    for ((from, to), slugs) in reached_by.iter().filter(|(pair, _)| !drawn(pair)) {
        let _ = writeln!(table, "{from:<12} -> {to:<12}  {}", slugs.join(", "));
    }
    Ok(table)
}
