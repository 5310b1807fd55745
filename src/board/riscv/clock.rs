//! Time and sleep, from the timer of the CLINT, and the interrupts of the PLIC.
//!
//! The RISC-V Privileged Architecture 1.12 describes the timer (sections 3.1.9 and 3.2.1). The RISC-V Platform-Level
//! Interrupt Controller 1.0 describes the PLIC.

use core::marker::PhantomData;

use smoltcp::time::{Duration, Instant};

use super::{csr, reset, semihosting};
use crate::board::{Board, Machine, Mmio};
use crate::phy::Registers;

/// The addresses of the timer and the interrupt controller of a RISC-V processor.
pub trait RiscVMap {
    /// The address of the CLINT.
    const CLINT: usize;

    /// The address of the PLIC. Its first context is machine mode of the first hart.
    const PLIC: usize;
}

/// A RISC-V processor with a clock that counts the time since the start. The clock uses the 64-bit timer of the CLINT.
///
/// The clock reads only the timer's low 32 bits. So the clock loses time unless it is read at least once in 2^32 ticks
/// (7 minutes at 10 MHz).
#[derive(Debug)]
pub struct RiscV<B> {
    clint: Mmio,
    plic: Mmio,
    /// The time at the most recent reading, in whole microseconds.
    now: Instant,
    /// The part of that time that is less than a microsecond, in ticks.
    rest: u32,
    /// The low 32 bits of the timer at the most recent reading.
    last_value: u32,
    board: PhantomData<fn() -> B>,
}

// Registers of the CLINT.
const COMPARE: usize = 0x4000;
const COMPARE_HIGH: usize = 0x4004;
const TIME: usize = 0xbff8;
const TIME_HIGH: usize = 0xbffc;

// Registers of the PLIC, for its first context.
const PRIORITY: usize = 0;
const ENABLE: usize = 0x2000;
const THRESHOLD: usize = 0x20_0000;
const CLAIM: usize = 0x20_0004;

/// The longest sleep, in microseconds.
const LONGEST: i64 = 1_000_000;

impl<B: Board + RiscVMap> RiscV<B> {
    const TICKS_A_MICROSECOND: u32 = {
        assert!(B::TICKS_A_MILLISECOND.is_multiple_of(1000), "the timer has a whole number of ticks in a microsecond");
        B::TICKS_A_MILLISECOND / 1000
    };

    /// Makes the timer interrupt `ticks` ticks after the most recent reading of the clock.
    fn wake_after(&mut self, ticks: u32) {
        // If the timer's low half has wrapped around since the reading, the high half is one more than it was then.
        let high = self.clint.read(TIME_HIGH);
        let high = if self.clint.read(TIME) < self.last_value { high.wrapping_sub(1) } else { high };
        let (low, carry) = self.last_value.overflowing_add(ticks);
        // Set the high half to its maximum first, so that no interrupt occurs while only one half has its new value.
        self.clint.write(COMPARE_HIGH, u32::MAX);
        self.clint.write(COMPARE, low);
        self.clint.write(COMPARE_HIGH, high.wrapping_add(carry.into()));
    }
}

impl<B: Board + RiscVMap> Machine for RiscV<B> {
    /// Masks all interrupts, starts the clock, and lets the timer and the board's devices end a sleep.
    fn start() -> Self {
        csr::mask_interrupts();
        let mut machine = RiscV {
            clint: Mmio::new(B::CLINT),
            plic: Mmio::new(B::PLIC),
            now: Instant::ZERO,
            rest: 0,
            last_value: 0,
            board: PhantomData,
        };
        machine.last_value = machine.clint.read(TIME);
        for interrupt in B::INTERRUPTS {
            // Priority 1 is above the threshold, which is 0.
            machine.plic.write(PRIORITY + 4 * interrupt as usize, 1);
            let register = ENABLE + 4 * (interrupt as usize / 32);
            let enabled = machine.plic.read(register);
            machine.plic.write(register, enabled | 1 << (interrupt % 32));
        }
        machine.plic.write(THRESHOLD, 0);
        csr::wake_on_timer_and_devices();
        machine
    }

    /// Reads the timer, and adds the time since the previous reading to the clock.
    fn now(&mut self) -> Instant {
        let value = self.clint.read(TIME);
        // One iteration of the poll loop is far shorter than 2^32 ticks, so the sum does not overflow.
        let ticks = self.rest + value.wrapping_sub(self.last_value);
        self.last_value = value;
        self.rest = ticks % Self::TICKS_A_MICROSECOND;
        self.now += Duration::from_micros((ticks / Self::TICKS_A_MICROSECOND).into());
        self.now
    }

    /// Sleeps until the time `until`, for at most [`LONGEST`]. An interrupt ends the sleep early.
    fn sleep(&mut self, until: Option<Instant>) {
        let now = self.now();
        // The time left, in microseconds.
        let left = until.map_or(LONGEST, |at| (at.total_micros() - now.total_micros()).min(LONGEST));
        // The deadline has passed.
        if left <= 0 {
            return;
        }
        self.wake_after(left as u32 * Self::TICKS_A_MICROSECOND);
        csr::wait_for_interrupt();
    }

    /// Claims and completes the pending interrupts of the board's devices.
    fn forget_interrupts(&mut self) {
        // Each claim takes one pending interrupt, and 0 means that none remains. Writing the number back completes the
        // interrupt.
        for _ in B::INTERRUPTS {
            let interrupt = self.plic.read(CLAIM);
            if interrupt == 0 {
                break;
            }
            self.plic.write(CLAIM, interrupt);
        }
    }

    fn reset() -> ! {
        reset()
    }

    fn command_line(buffer: &mut [u8]) -> &str {
        semihosting::command_line(buffer)
    }

    fn exit(ok: bool) -> ! {
        semihosting::exit(ok)
    }
}
