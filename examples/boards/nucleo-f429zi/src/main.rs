//! Greeting and echo on the Nucleo-F429ZI, with an address from DHCP. RTIC runs the stack in the Ethernet interrupt.
#![no_std]
#![no_main]

mod board;
mod net;
mod rings;

use panic_rtt_target as _;

#[rtic::app(device = stm32_eth::stm32)]
mod app {
    use smolstep::smoltcp::time::{Duration, Instant};
    use stm32_eth::dma::{RxRingEntry, TxRingEntry};
    use stm32_eth::stm32::Interrupt;

    use crate::board;
    use crate::net::Net;

    /// The present time, and when to run the stack next. The tasks have one priority: neither interrupts the other.
    #[shared]
    struct Shared {
        #[lock_free]
        now: Instant,
        #[lock_free]
        wake_at: Instant,
    }

    #[local]
    struct Local {
        net: Net,
    }

    #[init(local = [
        rx: [RxRingEntry; 8] = [const { RxRingEntry::new() }; 8],
        tx: [TxRingEntry; 4] = [const { TxRingEntry::new() }; 4],
    ])]
    fn init(cx: init::Context) -> (Shared, Local) {
        rtt_target::rtt_init_log!(log::LevelFilter::Info);
        let now = Instant::from_millis(1);
        let board = board::start(cx.device, cx.core.SYST, cx.local.rx, cx.local.tx);
        (Shared { now, wake_at: now }, Local { net: Net::new(board, now) })
    }

    /// Counts milliseconds. At the stack's deadline, requests the interrupt that runs the stack.
    #[task(binds = SysTick, shared = [now, wake_at])]
    fn tick(cx: tick::Context) {
        *cx.shared.now += Duration::from_millis(1);
        if *cx.shared.now >= *cx.shared.wake_at {
            rtic::pend(Interrupt::ETH);
        }
    }

    /// Runs the stack after a frame has arrived or has been sent, and when `tick` requests it at the stack's deadline.
    #[task(binds = ETH, local = [net], shared = [now, wake_at])]
    fn ethernet(cx: ethernet::Context) {
        stm32_eth::eth_interrupt_handler();
        *cx.shared.wake_at = cx.local.net.run(*cx.shared.now);
    }
}
