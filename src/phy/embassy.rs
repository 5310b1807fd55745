//! An adapter for drivers written for embassy-net (feature `embassy`).

use core::fmt;
use core::task::{Context, Waker};

use embassy_net_driver::{Checksum as TheirChecksum, Driver, HardwareAddress as TheirAddress, LinkState};
use smoltcp::phy::{self, Checksum, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use super::WakingDevice;
use super::medium::{EthernetAddress, HardwareAddress};

/// A smoltcp device made of any [`embassy_net_driver::Driver`].
///
/// [`run`](crate::run) polls the stack in an async task, which the driver wakes. If the driver comes with a task of its
/// own (a `runner`), an executor runs that task at the same time. A loop that polls all the time needs no executor, if
/// the driver has no task. The adapter has no buffers: frames are read and written in the driver's memory.
///
/// ```
/// use embassy_net_driver_channel::driver::HardwareAddress;
/// use embassy_net_driver_channel::{self as channel, State};
/// use smolstep::phy::Embassy;
/// use smoltcp::phy::Device;
///
/// let mut state = State::<1514, 4, 4>::new();
/// let (_runner, driver) = channel::new(&mut state, HardwareAddress::Ethernet([2, 0, 0, 0, 0, 1]));
/// let device = Embassy::new(driver).unwrap();
/// assert_eq!(device.capabilities().max_transmission_unit, 1514);
/// ```
pub struct Embassy<D> {
    driver: D,
    waker: Waker,
    /// The state of the link that [`WakingDevice::take_link_change`] has reported.
    link_is_up: bool,
}

impl<D: Driver> Embassy<D> {
    /// Adapts a driver for [`run`](crate::run), or for a poll loop that never sleeps.
    ///
    /// # Errors
    /// Returns [`UnsupportedMedium`] if the driver's medium is neither Ethernet nor IP.
    pub fn new(driver: D) -> Result<Self, UnsupportedMedium> {
        Self::with_waker(driver, Waker::noop().clone())
    }

    /// Adapts a driver for a poll loop that sleeps without an executor.
    ///
    /// The driver wakes `waker` when a frame arrives, or when the driver can send again.
    ///
    /// # Errors
    /// Returns [`UnsupportedMedium`] if the driver's medium is neither Ethernet nor IP.
    pub fn with_waker(driver: D, waker: Waker) -> Result<Self, UnsupportedMedium> {
        let device = Embassy { driver, waker, link_is_up: true };
        device.hardware_address().map(|_| device)
    }

    /// Returns the driver's hardware address, for [`Config`](crate::stack::Config).
    ///
    /// # Errors
    /// Returns [`UnsupportedMedium`] if the driver's medium is neither Ethernet nor IP.
    pub fn hardware_address(&self) -> Result<HardwareAddress, UnsupportedMedium> {
        match self.driver.hardware_address() {
            TheirAddress::Ethernet(address) => Ok(HardwareAddress::Ethernet(EthernetAddress(address))),
            TheirAddress::Ip => Ok(HardwareAddress::Ip),
            _ => Err(UnsupportedMedium),
        }
    }

    /// Returns whether the driver reports that its link is up.
    ///
    /// Before the link is up, the driver may drop frames that the stack sends.
    pub fn is_link_up(&mut self) -> bool {
        self.driver.link_state(&mut Context::from_waker(&self.waker)) == LinkState::Up
    }

    /// Returns the driver, for example to call methods that smoltcp does not know.
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

/// A buffer of the driver for a frame to send.
pub struct TxToken<T>(T);

impl<T: embassy_net_driver::TxToken> phy::TxToken for TxToken<T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.0.consume(len, f)
    }
}

/// The stack does not support the driver's medium, such as IEEE 802.15.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedMedium;

impl fmt::Display for UnsupportedMedium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the driver's medium is neither Ethernet nor IP")
    }
}

impl core::error::Error for UnsupportedMedium {}
