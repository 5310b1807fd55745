//! Scenarios of the crate's programs over UDP, and of one program over TCP.

use crate::app;
use crate::lab::Setup;

const LI_CHENG: &[&[u8]] = &[b"Li", b"Cheng"];

pub(super) fn thanks_tcp() -> Setup<'static> {
    program("thanks", false)
}

pub(super) fn thanks_udp() -> Setup<'static> {
    program("thanks", true)
}

pub(super) fn udp_exchange() -> Setup<'static> {
    program("greeting", true)
}

pub(super) fn udp_lost() -> Setup<'static> {
    program("greeting", true).with_faults(&["drop server udp 2"])
}

pub(super) fn udp_closed_port() -> Setup<'static> {
    let mut setup = program("echo", true);
    setup.udp.retain(|(host, ..)| *host == 0);
    setup
}

fn program(name: &str, udp: bool) -> Setup<'static> {
    let setup = app::find(name).and_then(|app| Setup::program(&app, LI_CHENG, udp).ok());
    // An empty run meets no expectation, and the tests run every scenario, so they would notice it.
    setup.unwrap_or_default()
}
