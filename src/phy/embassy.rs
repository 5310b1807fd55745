//! An adapter for drivers written for embassy-net (feature `embassy`).

use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use embassy_net_driver::{Checksum as TheirChecksum, Driver, HardwareAddress as TheirAddress, LinkState};
use smoltcp::phy::{self, Checksum, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use super::WakingDevice;
use super::medium::{EthernetAddress, HardwareAddress};

/// A smoltcp device that wraps any [`embassy_net_driver::Driver`].
///
/// [`run`](crate::run) polls the stack in an async task, which the driver wakes. If the driver comes with a task of its
/// own (a `runner`), an executor runs that task at the same time. A loop that polls continuously needs no executor if
/// the driver has no task of its own. The adapter has no buffers: frames are read and written in the driver's memory.
///
/// In a board's task, `clock` and `sleep_until` use embassy-time:
///
/// ```
/// # use core::future::Future;
/// use embassy_net_driver::Driver;
/// use smolstep::app::greeting;
/// use smolstep::phy::Embassy;
/// use smolstep::smoltcp::time::Instant;
/// use smolstep::stack::{Config, Io, Listener, NullConsole, Seed, Stack};
/// use smolstep::stack_memory;
///
/// stack_memory!(static MEMORY: tcp: [greeting::Server<'static>; 4], receive: 1460, send: 1460);
///
/// # struct Timer;
/// # impl Timer { async fn at(_: u64) {} }
/// # fn since_start() -> i64 { 1 }
/// // #[embassy_executor::task]
/// async fn net(driver: impl Driver, seed: Seed) -> ! {
///     let mut device = Embassy::new(driver).expect("an Ethernet driver");
///     let hardware = device.wait_for_address().await.expect("the address of a host");
///     let mut io = Io::new(device, NullConsole);
///     // The stack's time must be more than 0.
///     let clock = || Instant::from_micros(since_start() + 1);
///     let sleep_until = |at: Instant| Timer::at(at.total_micros() as u64 - 1);
///
///     let config = Config::new(hardware, seed, &["10.0.0.2/24".parse().unwrap()]);
///     let mut stack = Stack::new(config, &mut io.device, MEMORY.take(), clock()).expect("a valid configuration");
///     stack.listen(Listener::new(9999, greeting::Server::new(&Default::default()))).expect("a free port");
///     smolstep::run(&mut stack, &mut io, clock, sleep_until).await
/// }
/// ```
pub struct Embassy<D> {
    driver: D,
    waker: Waker,
    /// The link state that [`WakingDevice::take_link_change`] reported last.
    link_is_up: bool,
}

impl<D: Driver> Embassy<D> {
    /// Adapts a driver for [`run`](crate::run), or for a poll loop that never sleeps.
    ///
    /// # Errors
    /// Returns [`DriverError::UnsupportedMedium`] if the driver's medium is neither Ethernet nor IP.
    pub fn new(driver: D) -> Result<Self, DriverError> {
        Self::with_waker(driver, Waker::noop().clone())
    }

    /// Adapts a driver for a poll loop that sleeps without an executor.
    ///
    /// The driver wakes `waker` when a frame arrives, or when the driver can send again.
    ///
    /// # Errors
    /// Returns [`DriverError::UnsupportedMedium`] if the driver's medium is neither Ethernet nor IP.
    pub fn with_waker(driver: D, waker: Waker) -> Result<Self, DriverError> {
        match driver.hardware_address() {
            TheirAddress::Ethernet(_) | TheirAddress::Ip => Ok(Embassy { driver, waker, link_is_up: true }),
            _ => Err(DriverError::UnsupportedMedium),
        }
    }

    /// Returns the driver's hardware address, for [`Config`](crate::stack::Config).
    ///
    /// # Errors
    /// Returns [`DriverError::NoAddress`] if the driver has no address yet, that is, if its address is all zeros.
    /// Returns [`DriverError::BadAddress`] for a group address, and [`DriverError::UnsupportedMedium`] if the driver's
    /// medium is neither Ethernet nor IP.
    pub fn hardware_address(&self) -> Result<HardwareAddress, DriverError> {
        match self.driver.hardware_address() {
            TheirAddress::Ethernet([0, 0, 0, 0, 0, 0]) => Err(DriverError::NoAddress),
            TheirAddress::Ethernet(address) => match EthernetAddress(address) {
                own if own.is_unicast() => Ok(HardwareAddress::Ethernet(own)),
                group => Err(DriverError::BadAddress(group)),
            },
            TheirAddress::Ip => Ok(HardwareAddress::Ip),
            _ => Err(DriverError::UnsupportedMedium),
        }
    }

    /// Waits until the driver has a hardware address, and returns it.
    ///
    /// Some drivers, such as the driver of the CYW43, read the address from their chip when they start. Such a driver
    /// must wake the task when it knows the address. Drivers made with embassy-net-driver-channel do so.
    ///
    /// # Errors
    /// Returns the errors from [`hardware_address`](Self::hardware_address) except [`DriverError::NoAddress`].
    pub async fn wait_for_address(&mut self) -> Result<HardwareAddress, DriverError> {
        poll_fn(|cx| {
            // This call gives the driver the task's waker. The state of the link does not matter here.
            self.driver.link_state(cx);
            match self.hardware_address() {
                Err(DriverError::NoAddress) => Poll::Pending,
                known => Poll::Ready(known),
            }
        })
        .await
    }

    /// Returns whether the driver reports that its link is up.
    ///
    /// Before the link is up, the driver may drop frames that the stack sends.
    pub fn is_link_up(&mut self) -> bool {
        self.driver.link_state(&mut Context::from_waker(&self.waker)) == LinkState::Up
    }

    /// Returns the driver, for example to call methods that are not part of [`Device`].
    pub fn driver(&mut self) -> &mut D {
        &mut self.driver
    }
}

impl<D: Driver> Device for Embassy<D> {
    type RxToken<'a>
        = RxToken<D::RxToken<'a>>
    where
        Self: 'a;
    type TxToken<'a>
        = TxToken<D::TxToken<'a>>
    where
        Self: 'a;

    fn receive(&mut self, _now: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        let (rx, tx) = self.driver.receive(&mut Context::from_waker(&self.waker))?;
        Some((RxToken(rx), TxToken(tx)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Self::TxToken<'_>> {
        self.driver.transmit(&mut Context::from_waker(&self.waker)).map(TxToken)
    }

    /// Converts the driver's capabilities. The kind of the hardware address determines the medium.
    fn capabilities(&self) -> DeviceCapabilities {
        let theirs = self.driver.capabilities();
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = match self.driver.hardware_address() {
            TheirAddress::Ip => Medium::Ip,
            _ => Medium::Ethernet,
        };
        capabilities.max_transmission_unit = theirs.max_transmission_unit;
        capabilities.max_burst_size = theirs.max_burst_size;
        capabilities.checksum.ipv4 = checksum(theirs.checksum.ipv4);
        capabilities.checksum.udp = checksum(theirs.checksum.udp);
        capabilities.checksum.tcp = checksum(theirs.checksum.tcp);
        capabilities.checksum.icmpv4 = checksum(theirs.checksum.icmpv4);
        #[cfg(feature = "ipv6")]
        {
            capabilities.checksum.icmpv6 = checksum(theirs.checksum.icmpv6);
        }
        capabilities
    }
}

impl<D: Driver> WakingDevice for Embassy<D> {
    fn set_waker(&mut self, waker: &Waker) {
        self.waker.clone_from(waker);
    }

    fn take_link_change(&mut self) -> Option<bool> {
        let up = self.is_link_up();
        (core::mem::replace(&mut self.link_is_up, up) != up).then_some(up)
    }
}

/// Converts a driver's checksum setting to smoltcp's type.
fn checksum(theirs: TheirChecksum) -> Checksum {
    match theirs {
        TheirChecksum::Both => Checksum::Both,
        TheirChecksum::Rx => Checksum::Rx,
        TheirChecksum::Tx => Checksum::Tx,
        TheirChecksum::None => Checksum::None,
    }
}

/// A frame that the driver received.
pub struct RxToken<T>(T);

impl<T: embassy_net_driver::RxToken> phy::RxToken for RxToken<T> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        self.0.consume(|frame| f(frame))
    }
}

/// A driver's buffer for one frame to send.
pub struct TxToken<T>(T);

impl<T: embassy_net_driver::TxToken> phy::TxToken for TxToken<T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.0.consume(len, f)
    }
}

/// Why a driver cannot be used, or cannot be used yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DriverError {
    /// The driver's hardware address is a group address. Set a unicast address in the driver.
    BadAddress(EthernetAddress),
    /// The driver has no hardware address yet. Start the driver, then await [`Embassy::wait_for_address`].
    NoAddress,
    /// The stack does not support the driver's medium, such as IEEE 802.15.4.
    UnsupportedMedium,
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DriverError::BadAddress(address) => {
                write!(f, "{address} is not the hardware address of a host: set another one in the driver")
            }
            DriverError::NoAddress => f.write_str("the driver has no hardware address: start it before the stack"),
            DriverError::UnsupportedMedium => f.write_str("the driver's medium is neither Ethernet nor IP"),
        }
    }
}

impl core::error::Error for DriverError {}
