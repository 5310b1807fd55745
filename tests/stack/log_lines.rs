//! The log lines of a TCP connection.

use std::sync::Mutex;

use log::{Level, LevelFilter, Log, Metadata, Record};
use smolstep::trace::LogProbe;
use smoltcp::phy::Medium;

static LINES: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());

struct Lines;

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "smolstep"
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            LINES.lock().unwrap().push((record.level(), record.args().to_string()));
        }
    }

    fn flush(&self) {}
}

#[test]
fn a_connection_is_accepted_received_from_and_closed() {
    log::set_logger(&Lines).unwrap();
    log::set_max_level(LevelFilter::Debug);
    crate::common::talk::hello(Medium::Ethernet, LogProbe::default());

    let lines = LINES.lock().unwrap();
    let info = lines.iter().filter(|(level, _)| *level == Level::Info).map(|(_, line)| line.as_str());
    let info = info.collect::<Vec<_>>();
    // The client's port is random.
    let port = info[0].strip_prefix("accepted 10.0.0.2:").and_then(|rest| rest.strip_suffix(" on 10.0.0.1:7")).unwrap();
    let ends = format!("10.0.0.2:{port} on 10.0.0.1:7");
    assert_eq!(
        info,
        [
            format!("accepted {ends}"),
            format!("received 5 bytes from {ends}"),
            format!("closed {ends}: both sides are done")
        ]
    );
    let state = format!("SYN-RECEIVED -> ESTABLISHED: {ends}");
    assert!(lines.contains(&(Level::Debug, state)), "{lines:?}");
}
