//! Faults of the wire: each fault has the effect on a frame that its verb names.

use smolstep::cli::replay::replay;
use smolstep::lab::scenarios::SCENARIOS;
use smolstep::lab::show::What;
use smolstep::lab::{Fault, START, ScriptStep, Setup, Verdict};
use smolstep::stack::{End, Event};
use smolstep::trace::Cause;
use smoltcp::time::Duration;

/// The fate of the client's first data segment, and all arrivals of data segments.
struct Fate {
    verdict: Verdict,
    sent: Duration,
    arrived: Vec<(u32, Duration)>,
}

/// Runs a client with a fault. Returns the number of the frame with its first data segment and the fate of that frame.
fn fate(words: &str) -> (u32, Fate) {
    let time = |word: &str| word.strip_suffix("ms")?.parse().ok().map(Duration::from_millis);
    let mut setup = Setup::scripts(
        &[
            ScriptStep::Pause(100),
            ScriptStep::Send(b"one"),
            ScriptStep::Pause(110),
            ScriptStep::Send(b"two"),
            ScriptStep::Pause(900),
            ScriptStep::Close,
        ],
        &[ScriptStep::ReadToEnd, ScriptStep::Close],
    );
    assert!(setup.faults.add(Fault::parse(words, time).expect("a fault")));
    let (mut number, mut fate) = (0, Fate { verdict: Verdict::Deliver, sent: Duration::ZERO, arrived: Vec::new() });
    let ended = replay(&setup, |snapshot, _| {
        let at = snapshot.entry.at - START;
        match snapshot.entry.what {
            What::Sent { frame, summary, verdict, .. }
                if summary.segment().is_some_and(|s| s.len > 0) && number == 0 =>
            {
                number = frame;
                (fate.verdict, fate.sent) = (verdict, at);
            }
            What::Arrived { frame, summary, .. } if summary.segment().is_some_and(|s| s.len > 0) => {
                fate.arrived.push((frame, at));
            }
            _ => {}
        }
    });
    assert_eq!(ended, Ok(true), "{words}");
    (number, fate)
}

/// Runs a client with a fault. Returns the verdict on its first data segment and the delay of each arrival of that
/// segment.
fn delays(words: &str) -> (Verdict, Vec<Duration>) {
    let (number, fate) = fate(words);
    let times = fate.arrived.iter().filter(|(frame, _)| *frame == number).map(|(_, at)| *at - fate.sent).collect();
    (fate.verdict, times)
}

const LATENCY: Duration = Duration::from_millis(1);

#[test]
fn drop() {
    assert_eq!(delays("drop client data 1"), (Verdict::Drop, vec![]));
}

#[test]
fn delay() {
    let late = Duration::from_millis(300);
    assert_eq!(delays("delay 300ms client data 1"), (Verdict::Delay(late), vec![late + LATENCY]));
}

#[test]
fn duplicate() {
    assert_eq!(delays("duplicate client data 1"), (Verdict::Duplicate, vec![LATENCY; 2]));
}

#[test]
fn corrupt() {
    assert_eq!(delays("corrupt client data 1"), (Verdict::Corrupt, vec![LATENCY]));
}

#[test]
fn reorder() {
    let (number, fate) = fate("reorder client data 1");
    assert_eq!(fate.verdict, Verdict::Reorder);
    let place = fate.arrived.iter().position(|(frame, _)| *frame == number);
    assert_eq!(place, Some(1), "one other frame comes first");
}

#[test]
fn a_fault_without_a_number_meets_all() {
    let setup = |words: &str| {
        let mut setup =
            Setup::scripts(&[ScriptStep::Send(b"one"), ScriptStep::Close], &[ScriptStep::ReadToEnd, ScriptStep::Close])
                .with_faults(&[words]);
        setup.limit = Duration::from_secs(20);
        setup
    };
    let mut dropped = 0;
    let ended = replay(&setup("drop client syn"), |snapshot, _| {
        dropped += u32::from(matches!(snapshot.entry.what, What::Sent { verdict: Verdict::Drop, .. }));
    });
    assert_eq!((ended, dropped), (Ok(false), 5), "SYN leaves after 0, 1, 3, 7 and 15 s");
}

/// The RTO that the lab shows is the time that the timer ran, even if data was acknowledged meanwhile.
#[test]
fn each_timeout_is_twice_the_previous_timeout() {
    let mut doubled = 0;
    for seed in 0..60 {
        let mut setup = Setup::scripts(
            &[ScriptStep::SendBytes(8000), ScriptStep::Close],
            &[ScriptStep::ReadToEnd, ScriptStep::Close],
        );
        (setup.seed, setup.line.loss) = (seed, 300_000);
        let mut last = [None; 2];
        let _ = replay(&setup, |snapshot, _| {
            let What::Sent { summary, cause: Some(cause), .. } = snapshot.entry.what else { return };
            let (Cause::Retransmission { rto, count } | Cause::SpuriousRetransmission { rto, count }) = cause else {
                return;
            };
            let seq = summary.segment().map(|segment| segment.seq);
            if let Some((before, number, ran)) = last[snapshot.entry.host]
                && (seq, count) == (before, number + 1)
            {
                let ran: Duration = ran;
                assert_eq!(rto, (ran * 2).min(Duration::from_secs(60)), "seed {seed}");
                doubled += 1;
            }
            last[snapshot.entry.host] = Some((seq, count, rto));
        });
    }
    assert!(doubled > 50, "{doubled}");
}

/// A connection that has timed out sends nothing more: no retransmission and no probe. If the handshake was complete,
/// one RST tells the peer, in the step of the time-out.
#[test]
fn a_connection_that_timed_out_sends_at_most_one_reset() {
    let (mut ends, mut resets) = (0, 0);
    for scenario in SCENARIOS {
        for words in ["drop client any", "drop client data", "drop client ack", "drop server any", "drop server synack"]
        {
            let mut setup = (scenario.setup)();
            let fault = Fault::parse(words, |_| None).expect("a fault");
            if !setup.faults.add(fault) || setup.flood > 0 {
                continue;
            }
            // The host, the connection and the step of each time-out.
            let mut over = Vec::new();
            let _ = replay(&setup, |snapshot, _| {
                let entry = snapshot.entry;
                match entry.what {
                    What::Stack(Event::Ended { end: End::TimedOut, tuple, .. }) => {
                        ends += 1;
                        over.push((entry.host, [tuple.local, tuple.remote], entry.step));
                    }
                    What::Sent { summary, .. } => {
                        let (Some(segment), Some(tuple)) = (summary.segment(), summary.ends) else { return };
                        let connection = [tuple.source, tuple.destination];
                        let known = over.iter().rfind(|(host, ends, _)| (*host, *ends) == (entry.host, connection));
                        // A new call can use the same ports, and begins with SYN.
                        let Some((.., step)) = known.filter(|_| !segment.syn) else { return };
                        assert!(segment.rst, "{} with {words}: {snapshot:?}", scenario.slug);
                        resets += u32::from(entry.step == *step);
                    }
                    _ => {}
                }
            });
        }
    }
    assert!(ends > 0 && resets > 0 && resets <= ends, "{resets} resets for {ends} connections");
}
