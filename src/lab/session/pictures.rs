//! The commands `svg` and `pcapng`, which draw or record a run from its start.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use smoltcp::time::Duration;

use super::experiment::Opened;
use super::request::{Problem, Request, clip};
use crate::lab::show::{Extras, Graph, GraphKind, LabCapture, Part, PictureRows, Plot, Visited, write_states_svg};
use crate::trace::Sink;

/// The maximum length of a capture, in bytes.
const MOST_CAPTURED: usize = 64 << 20;

/// Draws the ladder, the state diagram or a graph. For a graph, the answer also says where the graph's axes are.
pub(super) fn svg(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let (run, kind, lang) = (opened.run_name(request)?, request.text("kind")?, opened.lang);
    let time = |name| -> Result<Option<Duration>, Problem> {
        let micros = request.optional_number(name)?;
        Ok(micros.map(|micros| Duration::from_micros(micros.min(LATEST))))
    };
    let part = Part::new(time("from_us")?, time("to_us")?);
    // The state diagram shows the states up to this step.
    let last = request.optional_number("step")?.unwrap_or(u64::MAX);
    let extras = Extras {
        background: request.flag("background")?,
        clock: request.flag("clock")?,
        options: request.flag("options")?,
        raw: request.flag("raw")?,
    };
    let mut svg = String::new();
    let graph_kind = GraphKind::NAMES.iter().find(|(name, _)| *name == kind).map(|(_, kind)| *kind);
    let plot = opened.with_run(opened.by_hand(run), |run| {
        Ok(match (kind, graph_kind) {
            ("ladder", _) => {
                let mut rows = PictureRows::new(part, extras);
                run.record(None, &mut |snapshot, _| rows.take(snapshot))?;
                // Writing to a string cannot fail.
                let _ = rows.picture(lang).write_all(&mut svg);
                None
            }
            ("states", _) => {
                let mut visited = Visited::default();
                run.record(None, &mut |snapshot, _| {
                    if part.contains(&snapshot.entry) && u64::from(snapshot.entry.step) <= last {
                        visited.note(snapshot);
                    }
                })?;
                let _ = write_states_svg(&mut svg, &visited, lang);
                None
            }
            (_, Some(graph_kind)) => {
                let mut graph = Graph::new(graph_kind, lang);
                run.record(None, &mut |snapshot, lab| {
                    if part.contains(&snapshot.entry) {
                        graph.note(snapshot);
                        graph.note_controls(snapshot, lab);
                    }
                })?;
                let _ = graph.write(&mut svg);
                graph.plot()
            }
            _ => {
                let names: Vec<&str> = GraphKind::NAMES.iter().map(|(name, _)| *name).collect();
                let message = format!("'{}' should be ladder, states, {}", clip(kind), names.join(", "));
                return Err(Problem::new(message));
            }
        })
    })?;
    let mut answer = json!({ "svg": svg });
    if let Some(Plot { left, right, top, bottom, size: [width, height], times: [from, to] }) = plot {
        answer["plot"] = json!({
            "left": left,
            "right": right,
            "top": top,
            "bottom": bottom,
            "width": width,
            "height": height,
            "from_us": from,
            "to_us": to,
        });
    }
    Ok(answer)
}

/// The latest time at which a part of a run can begin or end, in microseconds: a century.
const LATEST: u64 = 100 * 31_557_600_000_000;

/// Returns a capture of the run, as a pcapng file.
pub(super) fn pcapng(opened: &mut Opened, request: &Request) -> Result<Value, Problem> {
    let run = opened.run_name(request)?;
    let bytes = opened.with_run(opened.by_hand(run), |run| {
        // A run has two hosts. Writing to `Bytes` cannot fail, so `Ok` is the only case.
        let Ok(mut capture) = LabCapture::new(Bytes(Vec::new()), 2);
        run.record(None, &mut |snapshot, lab| {
            let Ok(()) = capture.note(snapshot, &lab.wire);
        })?;
        let Ok(Bytes(bytes)) = capture.finish();
        Ok(bytes)
    })?;
    // `Bytes` drops what does not fit, so a capture that fills it may be incomplete.
    if bytes.len() >= MOST_CAPTURED {
        return Err(Problem::new("the capture is longer than 64 MiB: smolstep lab --pcap writes it to a file"));
    }
    Ok(json!({ "base64": STANDARD.encode(bytes) }))
}

/// A capture in memory. Bytes beyond the maximum length are dropped.
struct Bytes(Vec<u8>);

impl Sink for Bytes {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        let room = MOST_CAPTURED.saturating_sub(self.0.len());
        self.0.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        Ok(())
    }
}
