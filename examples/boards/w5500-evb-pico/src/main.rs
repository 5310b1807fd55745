//! Greeting and echo on the W5500-EVB-Pico, with an address from DHCP.
#![no_std]
#![no_main]

mod interrupt;

use embassy_executor::Spawner;
use embassy_futures::join::join;
use embassy_net_wiznet::{State, chip::W5500};
use embassy_rp::clocks::RoscRng;
use embassy_rp::flash::Flash;
use embassy_rp::gpio::{Input, Level, Output, Pull};
use embassy_rp::peripherals::{DMA_CH0, DMA_CH1};
use embassy_rp::spi::{Config, Spi};
use embassy_rp::{bind_interrupts, dma};
use embassy_time::Delay;
use embedded_hal_bus::spi::ExclusiveDevice;
use interrupt::Interrupt;
use panic_rtt_target as _;
use static_cell::ConstStaticCell;

bind_interrupts!(struct Irqs {
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>, dma::InterruptHandler<DMA_CH1>;
});

/// The flash has 2 MB.
const FLASH: usize = 2 << 20;

/// Frames between the driver and the stack: 4 received, 2 to send.
static FRAMES: ConstStaticCell<State<4, 2>> = ConstStaticCell::new(State::new());

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    rtt_target::rtt_init_log!(log::LevelFilter::Info);
    let p = embassy_rp::init(Default::default());
    let mut id = [0; 8];
    Flash::<_, _, FLASH>::new_blocking(p.FLASH).blocking_unique_id(&mut id).expect("the flash has a unique id");
    // The first byte, 2, marks a locally administered address. The others come from the flash's unique id.
    let hardware = [2, id[3], id[4], id[5], id[6], id[7]];
    let seed = servers::seed(RoscRng::next_u8);

    let mut config = Config::default();
    config.frequency = 32_000_000;
    let spi = Spi::new(p.SPI0, p.PIN_18, p.PIN_19, p.PIN_16, p.DMA_CH0, p.DMA_CH1, Irqs, config);
    let spi = ExclusiveDevice::new(spi, Output::new(p.PIN_17, Level::High), Delay).expect("the pin can be set");
    let interrupt = Interrupt(Input::new(p.PIN_21, Pull::Up));
    let reset = Output::new(p.PIN_20, Level::High);
    match embassy_net_wiznet::new::<4, 2, W5500, _, _, _>(hardware, FRAMES.take(), spi, interrupt, reset).await {
        Ok((device, runner)) => _ = join(runner.run(), servers::serve(device, seed)).await,
        Err(error) => log::error!("the W5500 does not answer: {error:?}"),
    }
}
