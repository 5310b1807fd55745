//! Time and sleep, from the SysTick timer that every Cortex-M has (ARMv7-M, B3.3).

use core::marker::PhantomData;

use smoltcp::time::{Duration, Instant};

use super::Board;
use super::mmio::Mmio;
use crate::phy::Registers;

/// The time since the start. Read it, or sleep, at least once in each period of SysTick. A period is 0.9 s, or less if the
/// timer's 24 bits hold less (0.67 s at 25 MHz).
pub struct Clock<B> {
    timer: Mmio,
    system: Mmio,
    /// The time at the last reading in whole microseconds, and the half ticks that had passed beyond it.
    now: Instant,
    rest: u32,
    /// The timer's value at the last reading, and its period.
    stood: u32,
    period: u32,
    board: PhantomData<B>,
}

// SysTick, from 0xe000_e010.
const CONTROL: usize = 0;
const RELOAD: usize = 4;
const CURRENT: usize = 8;

// Registers of the system control space, as offsets from 0xe000_e000.
const INTERRUPT_ENABLE: usize = 0x100;
const INTERRUPT_CLEAR: usize = 0x280;
const STATE: usize = 0xd04;

/// The bit of `STATE` that reports an overflow of SysTick. `FORGET` is the bit that clears it.
const OVERFLOWED: u32 = 1 << 26;
const FORGET: u32 = 1 << 25;

/// The longest period of SysTick, in ticks: the timer has 24 bits.
const LONGEST: u32 = 1 << 24;

/// Returns the 32 bits of `interrupts` that belong in `register`. Evaluated at compile time, since each sleep writes the
/// registers.
const fn bits(interrupts: [u32; 2], register: u32) -> u32 {
    let [a, b] = interrupts;
    assert!(a < 64 && b < 64, "the interrupts of a board here are below 64");
    (if a / 32 == register { 1 << (a % 32) } else { 0 }) | (if b / 32 == register { 1 << (b % 32) } else { 0 })
}

impl<B: Board> Clock<B> {
    /// Half ticks in a microsecond. Half ticks, because 12.5 MHz is 12.5 ticks in a microsecond.
    const HALVES_A_MICROSECOND: u32 = B::TICKS_A_MILLISECOND * 2 / 1000;

    /// For a deadline nearer than this, in microseconds, `sleep` reads the clock anew and sets the timer to the deadline. For a later
    /// one the timer keeps its period. The value is less than smoltcp's shortest retransmission timeout. Each segment that is sent sets
    /// such a timeout, so its deadline is not near.
    const NEAR: i64 = 900_000;

    /// The period of the timer while no deadline is near, in ticks. A deadline that is not near must not be due before the timer
    /// overflows.
    const PERIOD: u32 = {
        let near = Self::NEAR as u64 * B::TICKS_A_MILLISECOND as u64 / 1000;
        if near < LONGEST as u64 { near as u32 } else { LONGEST }
    };

    /// The longest sleep that the timer measures, in microseconds. A longer sleep ends when the timer overflows.
    const SLEEP: i64 = (Self::PERIOD as i64 - 1) * 1000 / B::TICKS_A_MILLISECOND as i64;

    /// Starts the timer, masks all interrupts, and lets the board's interrupts end a sleep.
    pub fn start() -> Self {
        cortex_m::interrupt::disable();
        let mut clock = Clock {
            timer: Mmio::new(0xe000_e010),
            system: Mmio::new(0xe000_e000),
            now: Instant::ZERO,
            rest: 0,
            stood: Self::PERIOD,
            period: Self::PERIOD,
            board: PhantomData,
        };
        clock.interrupts(INTERRUPT_ENABLE);
        clock.restart(Self::PERIOD);
        // Turns the timer on, with the core's clock and an interrupt at each overflow, which ends a sleep.
        clock.timer.write(CONTROL, 0b111);
        clock
    }

    /// Returns the time since the start.
    pub fn now(&mut self) -> Instant {
        let mut current = self.timer.read(CURRENT);
        let mut passed = self.stood;
        if self.system.read(STATE) & OVERFLOWED != 0 {
            self.system.write(STATE, FORGET);
            passed += self.period;
            current = self.timer.read(CURRENT);
        }
        // The timer counts down. After a restart it reads 0 until the first tick.
        self.stood = if current == 0 { self.period } else { current };
        // The value covers at most two periods, so 32 bits are enough. A 64-bit division would take half as long as the rest
        // of a turn of the loop.
        let halves = self.rest + 2 * passed.saturating_sub(self.stood);
        self.rest = halves % Self::HALVES_A_MICROSECOND;
        self.now += Duration::from_micros((halves / Self::HALVES_A_MICROSECOND).into());
        self.now
    }

    /// Sleeps until `until`, an interrupt, or an overflow of SysTick. An earlier interrupt that was not
    /// [forgotten](Self::forget_interrupts) ends the sleep at once.
    pub fn sleep(&mut self, until: Option<Instant>) {
        let left = |now: Instant| until.map_or(i64::MAX, |at| at.total_micros() - now.total_micros());
        // For a far deadline, the age of the last reading does not matter.
        let near = left(self.now) < Self::NEAR;
        if near {
            let left = left(self.now()).min(Self::SLEEP);
            if left <= 0 {
                return;
            }
            self.restart((left as u32 * (B::TICKS_A_MILLISECOND / 500) / 2).max(2));
        }
        cortex_m::asm::wfi();
        if near {
            self.now();
            self.restart(Self::PERIOD);
        }
    }

    /// Clears the pending interrupts. Interrupts that a device still requests stay pending. Call this after acknowledging the
    /// devices, and before looking for frames or input.
    pub fn forget_interrupts(&mut self) {
        self.interrupts(INTERRUPT_CLEAR);
    }

    /// Writes the board's interrupt bits to the registers from `first` on, 32 interrupts each.
    fn interrupts(&mut self, first: usize) {
        self.system.write(first, const { bits(B::INTERRUPTS, 0) });
        self.system.write(first + 4, const { bits(B::INTERRUPTS, 1) });
    }

    fn restart(&mut self, period: u32) {
        self.period = period;
        self.stood = period;
        self.timer.write(RELOAD, period - 1);
        self.timer.write(CURRENT, 0);
        self.system.write(STATE, FORGET);
    }
}
