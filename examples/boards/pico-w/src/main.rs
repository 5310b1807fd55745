//! Greeting and echo on the Pico W over WLAN, with an address from DHCP.
#![no_std]
#![no_main]

use cyw43::{A4, Aligned, JoinOptions, State, aligned_bytes};
use cyw43_pio::{DEFAULT_CLOCK_DIVIDER, PioSpi};
use embassy_executor::Spawner;
use embassy_futures::join::join;
use embassy_rp::clocks::RoscRng;
use embassy_rp::gpio::{Level, Output};
use embassy_rp::peripherals::{DMA_CH0, PIO0};
use embassy_rp::{bind_interrupts, dma, pio};
use embassy_time::Timer;
use panic_rtt_target as _;

bind_interrupts!(struct Irqs {
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>;
    PIO0_IRQ_0 => pio::InterruptHandler<PIO0>;
});

static FIRMWARE: Aligned<A4, [u8; cyw43_firmware::CYW43_43439A0.len()]> = Aligned(*cyw43_firmware::CYW43_43439A0);

/// The network's name and password, which the build takes from the environment.
const NETWORK: [Option<&str>; 2] = [option_env!("WLAN_NAME"), option_env!("WLAN_PASSWORD")];

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    rtt_target::rtt_init_log!(log::LevelFilter::Info);
    let p = embassy_rp::init(Default::default());
    let [Some(name), Some(password)] = NETWORK else {
        log::error!("no network: build with the variables WLAN_NAME and WLAN_PASSWORD");
        return;
    };
    let seed = servers::seed(RoscRng::next_u8);

    let mut pio = pio::Pio::new(p.PIO0, Irqs);
    let (power, select) = (Output::new(p.PIN_23, Level::Low), Output::new(p.PIN_25, Level::High));
    let channel = dma::Channel::new(p.DMA_CH0, Irqs);
    let (divider, data, clock) = (DEFAULT_CLOCK_DIVIDER, p.PIN_24, p.PIN_29);
    let spi = PioSpi::new(&mut pio.common, pio.sm0, divider, pio.irq0, select, data, clock, channel);
    // The executor keeps the task in a static variable, so this variable of the task lives for ever, too.
    let mut state = State::new();
    let nvram = aligned_bytes!(concat!(env!("OUT_DIR"), "/nvram.bin"));
    let (device, mut control, runner) = cyw43::new(&mut state, power, spi, &FIRMWARE, nvram).await;
    let serve = async {
        // After `init`, the radio knows its hardware address.
        control.init(cyw43_firmware::CYW43_43439A0_CLM).await;
        while let Err(error) = control.join(name, JoinOptions::new(password.as_bytes())).await {
            log::warn!("no connection to the network: {error:?}");
            Timer::after_secs(1).await;
        }
        servers::serve(device, seed).await
    };
    join(runner.run(), serve).await;
}
