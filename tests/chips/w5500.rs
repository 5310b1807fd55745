//! embassy-net-wiznet 0.3.0 on the model of the W5500.

use embassy_futures::join::join;
use embassy_net_wiznet::{State, chip};
use embedded_hal_async::digital::Wait;
use smolstep::phy::Embassy;
use smoltcp::time::{Duration, Instant};

use crate::bench::{BOARD, Call, exchange, serve};
use crate::clock;
use crate::model::w5500::{InterruptPin, ResetPin, W5500};
use crate::scenario::{
    ACROSS_THE_BURST, GONE, GREETED, GREETING, across_the_gap, burst, gone_for_5_seconds, printed_across_the_gap,
};
use crate::wire::Wire;
use interrupt::Interrupt;

#[path = "../../examples/boards/w5500-evb-pico/src/interrupt.rs"]
mod interrupt;

/// A board that serves with the published driver. `interrupt` turns the chip's interrupt pin into the pin that the
/// driver gets.
async fn board<I: Wait>(chip: W5500, interrupt: impl FnOnce(InterruptPin) -> I) {
    let mut state = State::<2, 2>::new();
    let pins = (interrupt(InterruptPin(chip.clone())), ResetPin(chip.clone()));
    let made = embassy_net_wiznet::new::<2, 2, chip::W5500, _, _, _>(BOARD, &mut state, chip, pins.0, pins.1).await;
    let (device, runner) = made.unwrap();
    join(runner.run(), serve(Embassy::new(device).unwrap())).await;
}

/// Makes calls to a board, and returns the output of the clients. `interrupt` turns the chip's interrupt pin into the
/// pin that the driver gets.
fn call_with<I: Wait>(
    interrupt: impl FnOnce(InterruptPin) -> I,
    wire: &Wire,
    chip: &W5500,
    calls: &[Call<'_>],
    plan: impl FnMut(Instant) -> Option<Instant>,
) -> String {
    let printed = exchange(wire, board(chip.clone(), interrupt), |frame| chip.arrive(frame), calls, plan);
    String::from_utf8(printed).unwrap()
}

/// Makes calls to a board with the interrupt pin of examples/boards/w5500-evb-pico. Returns the output of the clients.
fn call(wire: &Wire, chip: &W5500, calls: &[Call<'_>], plan: impl FnMut(Instant) -> Option<Instant>) -> String {
    call_with(Interrupt, wire, chip, calls, plan)
}

#[test]
fn greeting_and_echo_over_tcp_and_udp() {
    let wire = Wire::new(0, 1);
    let calls = [
        GREETING,
        Call::Tcp("echo", &[b"over TCP"]),
        Call::Udp("greeting", &[b"Ann", b"Bob"]),
        Call::Udp("echo", &[b"over UDP"]),
    ];
    let printed = call(&wire, &W5500::new(wire.clone()), &calls, |_| None);
    assert_eq!(printed, format!("{GREETED}over TCP\nhello Ann!\nhello Bob!\nover UDP\n"));
}

#[test]
fn bytes_flow_both_ways_through_both_buffers_many_times() {
    let wire = Wire::new(0, 1);
    let chip = W5500::new(wire.clone());
    let printed = call(&wire, &chip, &[Call::Bytes("discard", 200_000), Call::Bytes("chargen", 200_000)], |_| None);
    assert_eq!((printed.len(), chip.dropped(), wire.lost()), (200_000, 0, 0));
}

#[test]
fn a_tenth_of_the_frames_is_lost() {
    for seed in 0..10 {
        clock::reset();
        let wire = Wire::new(10, seed);
        let calls = [GREETING, Call::Bytes("discard", 50_000), Call::Bytes("chargen", 50_000), GREETING];
        let printed = call(&wire, &W5500::new(wire.clone()), &calls, |_| None);
        assert_eq!(printed.len(), 2 * GREETED.len() + 50_000, "seed {seed}");
        assert!(wire.lost() >= 10, "seed {seed}: only {} frames are lost", wire.lost());
    }
}

#[test]
fn a_full_receive_buffer_drops_frames_and_empties_again() {
    let wire = Wire::new(0, 1);
    let chip = W5500::new(wire.clone());
    let printed = call(&wire, &chip, &ACROSS_THE_BURST, burst(&wire));
    assert_eq!(printed, format!("{GREETED}hello Ann!\n{GREETED}"));
    assert!(chip.dropped() > 0);
    assert_eq!(chip.received(), 0);
}

/// If this test fails with a newer driver, examples/boards/w5500-evb-pico no longer needs its interrupt.rs.
#[test]
fn with_the_plain_interrupt_pin_frames_stay_in_the_chip() {
    let wire = Wire::new(0, 1);
    let chip = W5500::new(wire.clone());
    call_with(|pin| pin, &wire, &chip, &[Call::Wait(Duration::from_secs(5))], burst(&wire));
    assert!(chip.received() > 10_000, "only {} bytes stay", chip.received());
}

/// If this test fails with a newer driver, a fault of the SPI bus no longer makes that driver panic.
#[test]
#[should_panic(expected = "out of range")]
fn a_wrong_length_in_the_chip_panics() {
    let wire = Wire::new(0, 1);
    let chip = W5500::new(wire.clone());
    let deliver = |frame: &[u8]| chip.arrive_garbled(frame);
    exchange(&wire, board(chip.clone(), Interrupt), deliver, &[GREETING], |_| None);
}

#[test]
fn the_link_is_gone_for_5_seconds() {
    for (program, frames) in GONE {
        clock::reset();
        let wire = Wire::new(0, 1);
        let calls = across_the_gap(program);
        let printed = call(&wire, &W5500::new(wire.clone()), &calls, gone_for_5_seconds(&wire, frames));
        assert_eq!(printed.len(), printed_across_the_gap(program), "{program} after {frames} frames");
        assert!(wire.lost() > 0 || frames == usize::MAX, "{program}: the link goes after the last frame");
    }
}
