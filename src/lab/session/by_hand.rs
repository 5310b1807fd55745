//! The commands that change a run by hand: `fault` and `inject`. Each command makes a new run.

use alloc::format;
use alloc::string::ToString;

use serde_json::Value;

use super::experiment::Opened;
use super::request::{Problem, Request, clip};
use crate::lab::Verdict;
use crate::lab::lang::Lang;
use crate::lab::packetdrill::segment;
use crate::lab::run::{ByHand, Change, ends, has_checksum};
use crate::lab::show::What;

/// Makes a new run in which a frame in flight is dropped, delayed, duplicated or damaged. Returns the JSON object that
/// describes the new run.
pub(super) fn fault(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let (run, step, frame) = (opened.run_name(request)?, request.number("step")?, request.number("frame")?);
    let fault = verdict(request.text("fault")?)?;
    let (lang, earlier) = (opened.lang, opened.by_hand(run).to_vec());
    let by_hand = ByHand { after: step, what: Change::Frame(frame, fault) };
    // Try the change in a repetition of the run first, because an impossible change must not make a new run.
    let is_in_flight = opened.with_lab(&earlier, step, |lab, run| {
        if !lab.wire.in_flight().any(|(id, ..)| id == frame) {
            return Ok(false);
        }
        if fault == Verdict::Corrupt && !has_checksum(lab, frame) {
            return Err(Problem::new(match lang {
                Lang::En => format!("frame {frame} is not an IP packet: ARP has no checksum, so it would arrive"),
                Lang::Zh => format!("帧 {frame} 不是 IP 分组：ARP 没有校验和，损坏了也会被接收"),
            }));
        }
        if !by_hand.apply(lab, run.setup) {
            return Err(no_room(lang));
        }
        Ok(true)
    })?;
    if !is_in_flight {
        return Err(not_in_flight(opened, run, step, frame));
    }
    let name = opened.branch(run, by_hand)?;
    Ok(opened.run_json(name))
}

/// Makes a new run in which a segment that no host has sent is put on the wire. Returns the JSON object that describes
/// the new run.
pub(super) fn inject(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let (run, step) = (opened.run_name(request)?, request.number("step")?);
    // The command names the alleged sender. The other host receives the segment.
    let to = 1 - request.host("host")?;
    let text = request.text("segment")?;
    let segment = segment::parse(text.trim()).map_err(|error| {
        Problem::new(match opened.lang {
            Lang::En => format!("column {} of the segment: {error}", error.column),
            Lang::Zh => format!("报文段的第 {} 列：{error}", error.column),
        })
    })?;
    let (lang, earlier) = (opened.lang, opened.by_hand(run).to_vec());
    // The segment's sequence numbers depend on the connection at this step, so repeat the run.
    let by_hand = opened.with_lab(&earlier, step, |lab, run| {
        let ends = ends(lab, run.setup, to);
        let by_hand = ByHand { after: step, what: Change::Segment(to, ends, segment) };
        if by_hand.apply(lab, run.setup) { Ok(by_hand) } else { Err(no_room(lang)) }
    })?;
    let name = opened.branch(run, by_hand)?;
    Ok(opened.run_json(name))
}

/// Parses a fault: `drop`, `delay TIME`, `duplicate` or `corrupt`.
fn verdict(text: &str) -> Result<Verdict, Problem> {
    let mut words = text.split_whitespace();
    let verdict = match (words.next(), words.next(), words.next()) {
        (Some("corrupt"), None, _) => Some(Verdict::Corrupt),
        (Some("delay"), Some(time), None) => crate::lab::file::duration(time).map(Verdict::Delay),
        (Some("drop"), None, _) => Some(Verdict::Drop),
        (Some("duplicate"), None, _) => Some(Verdict::Duplicate),
        _ => None,
    };
    verdict.ok_or_else(|| {
        Problem::new(format!("'{}' should be drop, delay TIME as in delay 300ms, duplicate or corrupt", clip(text)))
    })
}

/// Returns the error for a full wire.
fn no_room(lang: Lang) -> Problem {
    Problem::new(lang.pick("there is no room on the wire for one more frame", "网线上容不下更多的帧"))
}

/// Returns the error for a frame that is not in flight after step `step`. The message says when the frame is in flight.
fn not_in_flight(opened: &mut Opened, run: char, step: u32, frame: u32) -> Problem {
    let lang = opened.lang;
    let recording = match opened.recording(run) {
        Ok(recording) => recording,
        Err(problem) => return problem,
    };
    let (mut sent, mut arrived) = (None, None);
    for recorded in recording.entries.iter() {
        let entry = &recorded.snapshot.entry;
        match entry.what {
            What::Sent { frame: id, .. } if id == frame => sent = Some(entry.step),
            What::Arrived { frame: id, .. } if id == frame => arrived = Some(entry.step),
            _ => {}
        }
    }
    // In the step in which the frame arrives, it is no longer in flight.
    let when = match (sent, arrived, lang) {
        (None, _, Lang::En) => "it is never sent".to_string(),
        (None, _, Lang::Zh) => "它没有被发送".to_string(),
        (Some(sent), Some(arrived), Lang::En) => format!("it is from step {sent} to {}", arrived.saturating_sub(1)),
        (Some(sent), Some(arrived), Lang::Zh) => format!("它从第 {sent} 步到第 {} 步在途", arrived.saturating_sub(1)),
        (Some(sent), None, Lang::En) => format!("it is sent in step {sent}, and never arrives"),
        (Some(sent), None, Lang::Zh) => format!("它在第 {sent} 步发送，没有到达"),
    };
    Problem::new(match lang {
        Lang::En => format!("frame {frame} is not in flight after step {step}: {when}"),
        Lang::Zh => format!("第 {step} 步后帧 {frame} 不在途中：{when}"),
    })
}
