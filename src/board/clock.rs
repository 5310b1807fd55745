//! Time and sleep, from the SysTick timer that every Cortex-M has (ARMv7-M, B3.3).

use core::marker::PhantomData;

use smoltcp::time::{Duration, Instant};

use super::Board;
use super::mmio::Mmio;
use crate::phy::Registers;

/// The time since the start. Read it, or sleep, once in each 0.6 s: SysTick overflows then.
pub struct Clock<B> {
    timer: Mmio,
    system: Mmio,
    /// Ticks before the present period, and that period's length.
    before: u64,
    period: u32,
    board: PhantomData<B>,
}

// SysTick, from 0xe000_e010.
const CONTROL: usize = 0;
const RELOAD: usize = 4;
const CURRENT: usize = 8;

// The system control space, from 0xe000_e000.
const INTERRUPT_ENABLE: usize = 0x100;
const INTERRUPT_CLEAR: usize = 0x280;
const STATE: usize = 0xd04;

/// In `STATE`: SysTick has overflowed; and to forget that.
const OVERFLOWED: u32 = 1 << 26;
const FORGET: u32 = 1 << 25;

/// The longest period: SysTick has 24 bits.
const LONGEST: u32 = 1 << 24;

impl<B: Board> Clock<B> {
    /// Starts the timer, masks all interrupts, and lets the board's one end a sleep.
    pub fn start() -> Self {
        cortex_m::interrupt::disable();
        let mut clock = Clock {
            timer: Mmio::new(0xe000_e010),
            system: Mmio::new(0xe000_e000),
            before: 0,
            period: LONGEST,
            board: PhantomData,
        };
        clock.system.write(INTERRUPT_ENABLE + (B::INTERRUPT / 32) as usize * 4, 1 << (B::INTERRUPT % 32));
        clock.restart(LONGEST);
        // On, with the core's clock; its overflow ends a sleep.
        clock.timer.write(CONTROL, 0b111);
        clock
    }

    /// The time since the start.
    pub fn now(&mut self) -> Instant {
        let micros = self.ticks() * 1000 / u64::from(B::TICKS_A_MILLISECOND);
        Instant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// Sleeps until an interrupt, or for so long, or until SysTick overflows.
    pub fn sleep(&mut self, time: Option<Duration>) {
        let ticks =
            time.map_or(u64::MAX, |time| time.total_micros().saturating_mul(B::TICKS_A_MILLISECOND.into()) / 1000);
        let short = ticks < u64::from(LONGEST);
        if short {
            self.before = self.ticks();
            self.restart((ticks as u32).max(2));
        }
        cortex_m::asm::wfi();
        if short {
            self.before = self.ticks();
            self.restart(LONGEST);
        }
        self.system.write(INTERRUPT_CLEAR + (B::INTERRUPT / 32) as usize * 4, 1 << (B::INTERRUPT % 32));
    }

    fn ticks(&mut self) -> u64 {
        let mut current = self.timer.read(CURRENT);
        if self.system.read(STATE) & OVERFLOWED != 0 {
            self.system.write(STATE, FORGET);
            self.before += u64::from(self.period);
            current = self.timer.read(CURRENT);
        }
        // It counts down; after a restart it reads 0 until the first tick.
        let passed = if current == 0 { 0 } else { self.period - current.min(self.period) };
        self.before + u64::from(passed)
    }

    fn restart(&mut self, period: u32) {
        self.period = period;
        self.timer.write(RELOAD, period - 1);
        self.timer.write(CURRENT, 0);
        self.system.write(STATE, FORGET);
    }
}
