//! The servers in an async task, on a driver for embassy-net.

use embassy_net_driver::Driver;
use embassy_time::{Instant as EmbassyInstant, Timer};
use smolstep::phy::{Embassy, HardwareAddress};
use smolstep::smoltcp::time::Instant;
use smolstep::stack::{Io, NullConsole};
use smolstep::trace::LogProbe;

/// Serves on a driver, and never returns. The log shows the address that the DHCP server assigns.
///
/// # Panics
/// Panics if the driver is not for Ethernet, if the stack rejects its hardware address, or if this function is called
/// twice.
pub async fn serve(driver: impl Driver, seed: [u8; 32]) -> ! {
    let mut device = Embassy::new(driver).expect("an Ethernet driver");
    // The driver of a radio has no address before the radio is started.
    let Ok(HardwareAddress::Ethernet(hardware)) = device.wait_for_address().await else {
        panic!("the driver has no Ethernet address")
    };
    let mut stack = super::servers(&mut device, hardware, seed, now()).expect("a fit hardware address");
    let mut io = Io { device, console: NullConsole, probe: LogProbe::default() };
    let sleep_until = |at: Instant| Timer::at(EmbassyInstant::from_micros(at.total_micros() as u64));
    smolstep::run(&mut stack, &mut io, now, sleep_until).await
}

/// Returns the time since the start, at least 1 µs: the stack does not accept the time 0.
pub fn now() -> Instant {
    Instant::from_micros(EmbassyInstant::now().as_micros().max(1) as i64)
}
