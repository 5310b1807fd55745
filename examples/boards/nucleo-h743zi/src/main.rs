//! Greeting and echo on the Nucleo-H743ZI, with an address from DHCP.
#![no_std]
#![no_main]

mod clocks;

use embassy_executor::Spawner;
use embassy_stm32::eth::{self, Ethernet, PacketQueue};
use embassy_stm32::rng::{self, Rng};
use embassy_stm32::{bind_interrupts, peripherals, uid};
use panic_rtt_target as _;
use static_cell::ConstStaticCell;

bind_interrupts!(struct Irqs {
    ETH => eth::InterruptHandler;
    RNG => rng::InterruptHandler<peripherals::RNG>;
});

/// The rings of the Ethernet DMA: 4 frames to send, 8 received.
static FRAMES: ConstStaticCell<PacketQueue<4, 8>> = ConstStaticCell::new(PacketQueue::new());

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    rtt_target::rtt_init_log!(log::LevelFilter::Info);
    let p = embassy_stm32::init(clocks::clocks());
    let mut seed = [0; 32];
    Rng::new(p.RNG, Irqs).async_fill_bytes(&mut seed).await.expect("the random generator works");
    let id = uid::uid();
    // The first byte, 2, marks a locally administered address. The other bytes identify the chip: its position on the
    // wafer, and the wafer.
    let hardware = [2, id[0], id[2], id[4], id[5], id[6]];
    let device = Ethernet::new(
        FRAMES.take(),
        p.ETH,
        Irqs,
        p.PA1,
        p.PA7,
        p.PC4,
        p.PC5,
        p.PG13,
        p.PB13,
        p.PG11,
        hardware,
        p.ETH_SMA,
        p.PA2,
        p.PC1,
    );
    servers::serve(device, seed).await
}
