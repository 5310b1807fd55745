//! Time and sleep, from the SysTick timer that every Cortex-M has (ARMv7-M, B3.3).

use core::marker::PhantomData;

use smoltcp::time::{Duration, Instant};

use super::{reset, semihosting};
use crate::board::{Board, Machine, Mmio};
use crate::phy::Registers;

/// A Cortex-M with a clock that counts the time since the start, with SysTick.
///
/// The clock loses time unless it is read at least once in each period of SysTick. A period is 0.9 s or 2^24 ticks,
/// whichever is shorter (0.67 s at 25 MHz).
pub struct CortexM<B> {
    timer: Mmio,
    system: Mmio,
    /// The time at the most recent reading, in whole microseconds.
    now: Instant,
    /// The part of that time that is less than a microsecond, in half ticks.
    rest: u32,
    /// The timer's value at the most recent reading, in ticks.
    last_value: u32,
    /// The timer's period, in ticks.
    period: u32,
    board: PhantomData<B>,
}

// Registers of SysTick, as offsets from 0xe000_e010.
const CONTROL: usize = 0;
const RELOAD: usize = 4;
const CURRENT: usize = 8;

// Registers of the system control space, as offsets from 0xe000_e000.
const INTERRUPT_ENABLE: usize = 0x100;
const INTERRUPT_CLEAR: usize = 0x280;
const STATE: usize = 0xd04;

/// The bit of `STATE` that reports an overflow of SysTick.
const OVERFLOWED: u32 = 1 << 26;
/// The bit of `STATE` that clears `OVERFLOWED` when 1 is written to it.
const FORGET: u32 = 1 << 25;

/// The longest period of SysTick, in ticks: the timer has 24 bits.
const LONGEST: u32 = 1 << 24;

/// Returns the bits that select `interrupts` in one register of the interrupt controller.
///
/// The register with number `register` has the bits of 32 interrupts, from number 32 × `register` on.
///
/// The bits are computed at compile time, because each iteration of the poll loop writes the registers.
const fn bits(interrupts: [u32; 2], register: u32) -> u32 {
    let [a, b] = interrupts;
    assert!(a < 64 && b < 64, "the interrupts of a board here are below 64");
    (if a / 32 == register { 1 << (a % 32) } else { 0 }) | (if b / 32 == register { 1 << (b % 32) } else { 0 })
}

impl<B: Board> CortexM<B> {
    /// The number of half ticks in a microsecond. At 12.5 MHz, a microsecond is 12.5 ticks.
    const HALF_TICKS_A_MICROSECOND: u32 = B::TICKS_A_MILLISECOND * 2 / 1000;

    /// A deadline is near if it is less than this many microseconds away.
    ///
    /// `sleep` sets the timer to a near deadline. For any other deadline, the timer keeps its usual period,
    /// [`PERIOD`](Self::PERIOD). The limit is less than smoltcp's shortest retransmission timeout, so sending a segment
    /// does not cause a near deadline.
    const NEAR: i64 = 900_000;

    /// The period of the timer while no deadline is near, in ticks. The timer overflows before any deadline that is not
    /// near.
    const PERIOD: u32 = {
        let near = Self::NEAR as u64 * B::TICKS_A_MILLISECOND as u64 / 1000;
        if near < LONGEST as u64 { near as u32 } else { LONGEST }
    };

    /// The longest time to which `sleep` sets the timer, in microseconds. A sleep with a later deadline ends early,
    /// when the timer overflows.
    const SLEEP: i64 = (Self::PERIOD as i64 - 1) * 1000 / B::TICKS_A_MILLISECOND as i64;

    /// Writes the board's interrupt bits to the register `first` and the register after it.
    fn interrupts(&mut self, first: usize) {
        self.system.write(first, const { bits(B::INTERRUPTS, 0) });
        self.system.write(first + 4, const { bits(B::INTERRUPTS, 1) });
    }

    /// Restarts the timer with a period of `period` ticks.
    fn restart(&mut self, period: u32) {
        self.period = period;
        self.last_value = period;
        // The timer counts from the value of RELOAD to 0, so a period has one tick more than this value.
        self.timer.write(RELOAD, period - 1);
        // Any write to the current value makes the timer begin a new period.
        self.timer.write(CURRENT, 0);
        // An overflow of the previous period must not be counted in the new period.
        self.system.write(STATE, FORGET);
    }
}

impl<B: Board> Machine for CortexM<B> {
    /// Masks all interrupts, lets the board's interrupts end a sleep, and starts the timer.
    fn start() -> Self {
        cortex_m::interrupt::disable();
        let mut clock = CortexM {
            timer: Mmio::new(0xe000_e010),
            system: Mmio::new(0xe000_e000),
            now: Instant::ZERO,
            rest: 0,
            last_value: Self::PERIOD,
            period: Self::PERIOD,
            board: PhantomData,
        };
        clock.interrupts(INTERRUPT_ENABLE);
        clock.restart(Self::PERIOD);
        // Starts the timer from the core's clock, with an interrupt at each overflow. The interrupt ends a sleep.
        clock.timer.write(CONTROL, 0b111);
        clock
    }

    /// Reads the timer, and adds the time since the previous reading to the clock.
    fn now(&mut self) -> Instant {
        let mut current = self.timer.read(CURRENT);
        // The timer counts down, so the number of ticks since the previous reading is `previous` minus the present
        // value.
        let mut previous = self.last_value;
        if self.system.read(STATE) & OVERFLOWED != 0 {
            // The timer has begun another period. The first reading can be from before that, so read the timer again.
            self.system.write(STATE, FORGET);
            previous += self.period;
            current = self.timer.read(CURRENT);
        }
        // After a restart, the timer reads 0 until the first tick.
        self.last_value = if current == 0 { self.period } else { current };
        // The time is counted in half ticks, because a microsecond is not a whole number of ticks on every board: see
        // `HALF_TICKS_A_MICROSECOND`. The sum covers at most two periods, so 32 bits are enough. A 64-bit division
        // would make each iteration of the poll loop take half as long again.
        let half_ticks = self.rest + 2 * previous.saturating_sub(self.last_value);
        self.rest = half_ticks % Self::HALF_TICKS_A_MICROSECOND;
        self.now += Duration::from_micros((half_ticks / Self::HALF_TICKS_A_MICROSECOND).into());
        self.now
    }

    /// Sleeps until an interrupt. If the deadline is near, the timer interrupts at the deadline.
    fn sleep(&mut self, until: Option<Instant>) {
        // The time from `now` to the deadline, in microseconds.
        let left = |now: Instant| until.map_or(i64::MAX, |at| at.total_micros() - now.total_micros());
        // For this comparison, the most recent reading of the clock is exact enough.
        let near = left(self.now) < Self::NEAR;
        if near {
            let left = left(self.now()).min(Self::SLEEP);
            // The deadline has passed.
            if left <= 0 {
                return;
            }
            // The number of ticks, computed in half ticks to stay exact. A period of one tick would stop the timer.
            self.restart((left as u32 * (B::TICKS_A_MILLISECOND / 500) / 2).max(2));
        }
        cortex_m::asm::wfi();
        // Read the clock before the timer returns to its usual period, so that no time is lost. `now` also adds the
        // time to the clock.
        if near {
            self.now();
            self.restart(Self::PERIOD);
        }
    }

    fn forget_interrupts(&mut self) {
        self.interrupts(INTERRUPT_CLEAR);
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
