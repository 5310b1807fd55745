//! Steps a second in the lab with its trace on, and how long a session of 10,000 messages takes under 10% loss.
//!
//! `cargo bench --bench lab`. Every entry of the trace is taken and made ready to be shown, as the outputs do.
#![allow(missing_docs, reason = "a program, not a library")]

use std::time::Instant;

use smolstep::app;
use smolstep::host::play::play;
use smolstep::lab::Setup;
use smolstep::trace::What;
use smoltcp::time::Duration;

/// In a million.
const TEN_PERCENT: u32 = 100_000;

fn main() {
    // `cargo test --benches` asks for a look at whether it runs.
    let messages = if std::env::args().any(|arg| arg == "--bench") { 10_000 } else { 10 };
    let texts: Vec<String> = (0..messages).map(|number| number.to_string()).collect();
    let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    for loss in [0, TEN_PERCENT] {
        let Some(mut setup) = app::find("greeting").and_then(|app| Setup::program(&app, &texts, false).ok()) else {
            return;
        };
        setup.line.loss = loss;
        setup.limit = Duration::from_secs(1_000_000);
        setup.steps = u32::MAX;
        let (mut steps, mut entries, mut lost, mut virtual_time) = (0, 0_u64, 0_u64, 0);
        let start = Instant::now();
        let ended = play(&setup, |snapshot, _| {
            entries += 1;
            steps = snapshot.entry.step;
            virtual_time = snapshot.entry.at.secs();
            if let What::Sent { verdict: smolstep::lab::Verdict::Lost, .. } = snapshot.entry.what {
                lost += 1;
            }
        });
        let time = start.elapsed().as_secs_f64();
        println!(
            "{messages} messages, {}% loss: {steps} steps, {entries} entries, {lost} frames lost, {virtual_time} s virtual, \
             {time:.3} s real, {:.0} steps/s, ended: {ended:?}",
            loss / 10_000,
            f64::from(steps) / time,
        );
    }
}
