//! Firmware that tests its own board, and passes the result to QEMU or a debugger.

use core::fmt::Write;
use core::hint::black_box;

use smoltcp::phy::{Device, DeviceCapabilities, RxToken, TxToken};
use smoltcp::time::{Duration, Instant};

use super::{Board, Machine, Uart, settings};
use crate::app::BUDGET;
use crate::lab::selftest::CHECKS;
use crate::phy::conformance::{self, Peer};
use crate::phy::{Ethernet, EthernetAddress};

/// Runs the test that the command line names, or `lab` if it names none, and exits with the result:
///
/// | word | |
/// |---|---|
/// | `lab` | tests the processor, the compiler and the stack with runs of the lab in memory, without a controller |
/// | `conformance` | tests the driver and the controller with [`conformance::check`], on a cable that returns each frame |
/// | `copies` | tests the routines that fill and copy memory |
/// | `division` | tests 64-bit division |
/// | `memory` | prints the memory that a stack needs on this processor |
/// | `overflow` | overflows the call stack; the board reports the overflow and restarts, again and again |
/// | `panic` | panics; the board reports the panic and restarts, again and again |
///
/// # Panics
/// Panics if the word is `panic`.
pub fn selftest<B: Board>() -> ! {
    B::start();
    Uart::<B>::NEW.log();
    let mut uart = Uart::<B>::NEW;
    // The command line begins with the program's name, and the test's name follows.
    let mut line = [0; 64];
    let word = B::Machine::command_line(&mut line).split_whitespace().nth(1).unwrap_or("lab");
    let ok = match word {
        "conformance" => conformance::<B>(&mut uart),
        "copies" => copies(),
        "division" => division(),
        "lab" => lab(&mut uart),
        "memory" => memory(&mut uart),
        // `overflow` never returns. The comparison only makes the arm a `bool`.
        "overflow" => overflow(0) == 0,
        "panic" => panic!("as the command line says"),
        word => {
            log::error!(
                "there is no test '{word}': there are lab, conformance, copies, division, memory, overflow, panic"
            );
            false
        }
    };
    B::Machine::exit(ok)
}

/// Runs the checks of the lab, and prints each result. Returns whether all of them passed.
///
/// This function and `conformance` are not inlined: a function that contained both would need call stack for both.
#[inline(never)]
fn lab<B: Board>(uart: &mut Uart<B>) -> bool {
    let mut ok = true;
    for check in CHECKS {
        let result = check.run();
        ok &= result.is_ok();
        // The console drops bytes when it is full; it never fails.
        let _ = match result {
            Ok(passed) => writeln!(uart, "{}: passed, {passed}", check.name),
            Err(failure) => writeln!(uart, "{}: failed, {failure}", check.name),
        };
    }
    ok
}

/// Runs the conformance check on the board's controller, and prints the result. Returns whether the device passed.
#[inline(never)]
fn conformance<B: Board>(uart: &mut Uart<B>) -> bool {
    let mut device = match B::ethernet(settings::HARDWARE) {
        Ok(device) => Acknowledged(device),
        Err(error) => {
            log::error!("{error}");
            return false;
        }
    };
    // A controller that promises no burst gets the usual number of frames: see [`Peer::burst`].
    let burst = device.capabilities().max_burst_size.unwrap_or(64);
    let mut cable = Returning::<B> { clock: B::Machine::start(), burst };
    // The buffer must be one byte longer than the longest frame.
    let result = conformance::check(&mut device, &mut cable, &mut [0; 1515]);
    // Writing to the console never fails.
    let _ = match &result {
        Ok(report) => writeln!(uart, "conformance: passed, {report}"),
        Err(failure) => writeln!(uart, "conformance: failed, {failure}"),
    };
    result.is_ok()
}

/// Fills, clears and copies memory: every short length from every alignment, to every alignment. Returns whether
/// exactly the right bytes have changed.
fn copies() -> bool {
    const ROOM: usize = 88;
    let source: [u8; ROOM] = black_box(core::array::from_fn(|at| at as u8));
    // A case has the source's alignment (0 to 3), the destination's alignment (0 to 3), and a length of 0 to 79 bytes.
    (0..4 * 4 * 80).all(|case: usize| {
        let (from, at, len) = black_box((case % 4, case / 4 % 4, case / 16));
        // Each entry has a change of `bytes`, and the value that the change must give the byte at `place`. The changes
        // fill, clear, copy, and copy within one array (down and up, by 0 to 3 bytes).
        let changes: [(fn(&mut [u8; ROOM], &[u8; ROOM], [usize; 3]), fn(usize, [usize; 3]) -> u8); 4] = [
            (|bytes, _, [_, at, len]| bytes[at..at + len].fill(black_box(0xa5)), |_, _| 0xa5),
            (|bytes, _, [_, at, len]| bytes[at..at + len].fill(0), |_, _| 0),
            (
                |bytes, source, [from, at, len]| bytes[at..at + len].copy_from_slice(&source[from..from + len]),
                |place, [from, at, _]| (place - at + from) as u8,
            ),
            (
                |bytes, _, [from, at, len]| bytes.copy_within(from..from + len, at),
                |place, [from, at, _]| !((place - at + from) as u8),
            ),
        ];
        changes.iter().all(|(change, expected)| {
            // Before a change, no byte is equal to the source's byte at the same place. A copy within the array copies
            // these inverted bytes.
            let before = source.map(|byte| !byte);
            let mut bytes = before;
            change(&mut bytes, &source, [from, at, len]);
            (0..ROOM).all(|place| {
                let is_changed = (at..at + len).contains(&place);
                bytes[place] == if is_changed { expected(place, [from, at, len]) } else { before[place] }
            })
        })
    })
}

/// Divides numbers of every bit length by each other. Returns whether each dividend is quotient × divisor + remainder.
fn division() -> bool {
    // For each bit length, the largest number of that length and the two numbers after it.
    let numbers = || (0..64).flat_map(|bits| [0, 1, 2].map(|more| (u64::MAX >> bits).wrapping_add(more)));
    numbers().all(|number| {
        numbers().filter(|&by| by != 0).all(|by| {
            let (number, by) = (black_box(number), black_box(by));
            let (quotient, rest) = (number / by, number % by);
            rest < by && quotient.checked_mul(by).and_then(|whole| whole.checked_add(rest)) == Some(number)
        })
    })
}

/// Prints the table [`BUDGET`]: the memory that a stack needs on this processor. Returns true.
fn memory<B: Board>(uart: &mut Uart<B>) -> bool {
    // Writing to the console never fails.
    BUDGET.iter().all(|(what, bytes)| writeln!(uart, "{what:46} {bytes:6}").is_ok())
}

/// Calls itself until the call stack overflows.
#[inline(never)]
#[allow(unconditional_recursion, reason = "the recursion overflows the call stack on purpose")]
fn overflow(depth: u32) -> u32 {
    let frame = black_box([depth; 64]);
    call_and_return(depth);
    // The frame is used after the call, so that the compiler must keep it on the call stack.
    overflow(depth + 1) ^ black_box(frame)[1]
}

/// Calls `leaf`, so that the return address is stored on the call stack. A stack overflow then also causes a fault in
/// QEMU.
///
/// QEMU ignores stores below the memory. The fault occurs when this function returns to an address that was not stored.
#[inline(never)]
fn call_and_return(depth: u32) {
    black_box(leaf(depth));
}

/// The function that [`call_and_return`] calls. The compiler cannot remove this call.
#[inline(never)]
fn leaf(depth: u32) -> u32 {
    black_box(depth)
}

/// A controller whose interrupt is cleared before each receive, as in the poll loop of the firmware.
///
/// Once the interrupt is cleared, a later frame can raise it again and so end [`Returning::pause`].
struct Acknowledged<E>(E);

impl<E: Ethernet> Device for Acknowledged<E> {
    type RxToken<'a>
        = E::RxToken<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = E::TxToken<'a>
    where
        Self: 'a;

    fn receive(&mut self, now: Instant) -> Option<(E::RxToken<'_>, E::TxToken<'_>)> {
        self.0.acknowledge();
        self.0.receive(now)
    }

    fn transmit(&mut self, now: Instant) -> Option<E::TxToken<'_>> {
        self.0.transmit(now)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.0.capabilities()
    }
}

/// A cable that returns the device's own frames.
///
/// On real hardware, the cable is a loopback plug or a loopback mode. In QEMU, the cable is a socket that sends to
/// itself.
struct Returning<B: Board> {
    clock: B::Machine,
    /// The number of frames in a burst that the controller promises to store. QEMU's LAN9118 loses further frames
    /// without counting them.
    burst: usize,
}

/// The length of one wait for a frame. [`Peer::tries`] is the number of waits.
///
/// A frame needs far less time than all waits together. QEMU looks for frames whenever a timer of the board expires.
const PAUSE: Duration = Duration::from_millis(1);

impl<B: Board> Returning<B> {
    /// Sleeps for [`PAUSE`] or until an interrupt. Returns the time.
    fn pause(&mut self) -> Instant {
        let now = self.clock.now();
        self.clock.sleep(Some(now + PAUSE));
        self.clock.forget_interrupts();
        self.clock.now()
    }
}

impl<B: Board> Peer<Acknowledged<B::Ethernet>> for Returning<B> {
    /// Sends `frame` through the device itself, because the cable returns each frame to the device. Returns false if
    /// the frame is too long, or if the device cannot send now.
    fn inject(&mut self, device: &mut Acknowledged<B::Ethernet>, frame: &[u8]) -> bool {
        // The device cannot send a frame that is longer than its MTU.
        if frame.len() > device.capabilities().max_transmission_unit {
            return false;
        }
        let token = device.transmit(self.clock.now());
        token.map(|token| token.consume(frame.len(), |bytes| bytes.copy_from_slice(frame))).is_some()
    }

    /// Waits a moment, then copies the frame that the device has received, if any, to `buffer`. Returns the frame's
    /// length, or `None` if there is no frame or the frame is longer than `buffer`.
    fn observe(&mut self, device: &mut Acknowledged<B::Ethernet>, buffer: &mut [u8]) -> Option<usize> {
        let now = self.pause();
        let (token, _) = device.receive(now)?;
        token.consume(|frame| {
            buffer.get_mut(..frame.len())?.copy_from_slice(frame);
            Some(frame.len())
        })
    }

    /// Returns the time after a short sleep: see [`Returning::pause`].
    fn now(&mut self) -> Instant {
        self.pause()
    }

    fn lost(&mut self, device: &mut Acknowledged<B::Ethernet>) -> u64 {
        device.0.faults().overruns.into()
    }

    fn address(&self) -> EthernetAddress {
        settings::HARDWARE
    }

    fn burst(&self) -> usize {
        self.burst
    }

    fn forges(&self) -> bool {
        // The driver writes the right checksum into every frame that it sends, so no wrong checksum can come back.
        false
    }

    fn tries(&self) -> usize {
        100
    }
}
