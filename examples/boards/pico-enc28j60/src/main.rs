//! Greeting and echo on a Pico with an ENC28J60, with an address from DHCP. There is no executor: one loop polls.
#![no_std]
#![no_main]

use embassy_net_enc28j60::Enc28j60;
use embassy_rp::clocks::RoscRng;
use embassy_rp::flash::Flash;
use embassy_rp::gpio::{Level, Output};
use embassy_rp::spi::{Config, Spi};
use embassy_time::Delay;
use embedded_hal_bus::spi::ExclusiveDevice;
use panic_rtt_target as _;
use servers::{now, servers};
use smolstep::phy::{Embassy, EthernetAddress, WakingDevice};
use smolstep::smoltcp::time::{Duration, Instant};
use smolstep::stack::{Io, NullConsole};
use smolstep::trace::LogProbe;

/// The flash has 2 MB.
const FLASH: usize = 2 << 20;

#[cortex_m_rt::entry]
fn main() -> ! {
    rtt_target::rtt_init_log!(log::LevelFilter::Info);
    let p = embassy_rp::init(Default::default());
    let mut id = [0; 8];
    Flash::<_, _, FLASH>::new_blocking(p.FLASH).blocking_unique_id(&mut id).expect("the flash has a unique id");
    // The first byte, 2, marks a locally administered address. The others come from the flash's unique id.
    let hardware = [2, id[3], id[4], id[5], id[6], id[7]];
    let seed = servers::seed(RoscRng::next_u8);

    let mut config = Config::default();
    config.frequency = 16_000_000;
    let spi = Spi::new_blocking(p.SPI0, p.PIN_18, p.PIN_19, p.PIN_16, config);
    let spi = ExclusiveDevice::new(spi, Output::new(p.PIN_17, Level::High), Delay).expect("the pin can be set");
    // The driver resets the chip with a command, and does not use the chip's interrupt.
    let mut device = Embassy::new(Enc28j60::new(spi, None::<Output>, hardware)).expect("an Ethernet driver");
    let mut stack = servers(&mut device, EthernetAddress(hardware), seed, now()).expect("a fit hardware address");
    let mut io = Io { device, console: NullConsole, probe: LogProbe::default() };
    let mut look_at = Instant::ZERO;
    loop {
        let now = now();
        // Reads the state of the link only once a second, because a read takes ten transactions with the chip.
        if now >= look_at {
            look_at = now + Duration::from_secs(1);
            if let Some(up) = io.device.take_link_change() {
                log::info!("the link is {}", if up { "up" } else { "down" });
                stack.link_changed(now, up);
            }
        }
        stack.poll(now, &mut io);
    }
}
