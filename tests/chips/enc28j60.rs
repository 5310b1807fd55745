//! embassy-net-enc28j60 0.3.0 on the model of the ENC28J60.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use embassy_net_enc28j60::Enc28j60 as Driver;
use embedded_hal::digital::{ErrorType, OutputPin};
use smolstep::phy::Embassy;
use smoltcp::time::Instant;

use crate::bench::{BOARD, Call, exchange, serve};
use crate::clock;
use crate::model::enc28j60::Enc28j60;
use crate::scenario::{
    ACROSS_THE_BURST, GONE, GREETED, GREETING, across_the_gap, burst, gone_for_5_seconds, printed_across_the_gap,
};
use crate::wire::Wire;

/// Returns a lock that lets only one test run at a time, because all drivers in a program share their crate's static
/// buffers.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reset pin that is not connected, because the driver resets the chip by a command.
struct NoPin;

impl ErrorType for NoPin {
    type Error = Infallible;
}

impl OutputPin for NoPin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Makes calls to a board with the published driver, and returns the output of the clients.
fn call(wire: &Wire, chip: &Enc28j60, calls: &[Call<'_>], plan: impl FnMut(Instant) -> Option<Instant>) -> String {
    let driver = Driver::new(chip.clone(), None::<NoPin>, BOARD);
    let board = serve(Embassy::new(driver).unwrap());
    String::from_utf8(exchange(wire, board, |frame| chip.arrive(frame), calls, plan)).unwrap()
}

#[test]
fn greeting_and_echo_over_tcp_and_udp() {
    let _alone = alone();
    let wire = Wire::new(0, 1);
    let calls = [
        GREETING,
        Call::Tcp("echo", &[b"over TCP"]),
        Call::Udp("greeting", &[b"Ann", b"Bob"]),
        Call::Udp("echo", &[b"over UDP"]),
    ];
    let printed = call(&wire, &Enc28j60::new(wire.clone()), &calls, |_| None);
    assert_eq!(printed, format!("{GREETED}over TCP\nhello Ann!\nhello Bob!\nover UDP\n"));
}

#[test]
fn a_tenth_of_the_frames_is_lost() {
    let _alone = alone();
    for seed in 0..3 {
        clock::reset();
        let wire = Wire::new(10, seed);
        let calls = [GREETING, Call::Bytes("discard", 50_000), Call::Bytes("chargen", 50_000), GREETING];
        let printed = call(&wire, &Enc28j60::new(wire.clone()), &calls, |_| None);
        assert_eq!(printed.len(), 2 * GREETED.len() + 50_000, "seed {seed}");
        assert!(wire.lost() >= 10, "seed {seed}: only {} frames are lost", wire.lost());
    }
}

#[test]
fn a_full_ring_drops_frames_and_empties_again() {
    let _alone = alone();
    let wire = Wire::new(0, 1);
    let chip = Enc28j60::new(wire.clone());
    let printed = call(&wire, &chip, &ACROSS_THE_BURST, burst(&wire));
    assert_eq!(printed, format!("{GREETED}hello Ann!\n{GREETED}"));
    assert!(chip.dropped() > 0);
    assert_eq!(chip.waiting(), 0);
}

#[test]
fn the_link_is_gone_for_5_seconds() {
    let _alone = alone();
    for (program, frames) in GONE {
        clock::reset();
        let wire = Wire::new(0, 1);
        let calls = across_the_gap(program);
        let printed = call(&wire, &Enc28j60::new(wire.clone()), &calls, gone_for_5_seconds(&wire, frames));
        assert_eq!(printed.len(), printed_across_the_gap(program), "{program} after {frames} frames");
        assert!(wire.lost() > 0 || frames == usize::MAX, "{program}: the link goes after the last frame");
    }
}
