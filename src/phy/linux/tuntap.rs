//! The device of a TAP or TUN: receives frames, sends frames, and waits for either.

use core::fmt;
use core::time::Duration;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use smoltcp::phy::{self, Checksum, Device, DeviceCapabilities, PacketMeta};
use smoltcp::time::Instant;
use smoltcp::wire::ETHERNET_HEADER_LEN;

use super::carrier::Carrier;
use super::ioctl;
use super::offload::LONGEST;
use super::open::{self, Kind, OpenError};
use super::port::{Blocked, MAX_FRAME, Port, buffer};

/// A TAP or TUN to which this program is attached.
///
/// If the kernel's queue is full or the interface is down, the kernel does not accept a frame. The device then holds
/// the frame and tries again later. While a frame is held, [`Device::transmit`] and [`Device::receive`] return `None`,
/// so that the stack keeps its data. At most one frame is held, or two with offload. If the interface is deleted,
/// [`TunTap::fault`] returns the error.
#[derive(Debug)]
pub struct TunTap {
    name: String,
    kind: Kind,
    mtu: usize,
    rx: Box<[u8]>,
    port: Port,
    /// Watches a TAP's link.
    carrier: Option<Carrier>,
    /// The most recent change that [`take_link_change`](Self::take_link_change) has not returned yet.
    link_change: Option<bool>,
}

/// The time between attempts to write a held frame. The device tries earlier if the kernel reports that the file is
/// writable.
///
/// The file of a TAP that is down is never writable. Since Linux 5.2, the kernel reports the file as writable as soon
/// as the TAP is up. The retry is for older kernels. It is also for a lack of kernel memory: the kernel never reports
/// that memory is available again.
const RETRY: Duration = Duration::from_millis(100);

/// The largest number of extra files that [`TunTap::wait`] watches.
pub const MAX_EXTRA: usize = 7;

impl TunTap {
    /// Attaches to the existing interface `name`, without offload. Later changes of the interface's MTU have no effect.
    ///
    /// # Errors
    /// Returns an [`OpenError`] if the interface cannot be attached. Its text is one line for the user.
    pub fn open(kind: Kind, name: &str) -> Result<TunTap, OpenError> {
        Self::attach(kind, name, false)
    }

    /// Attaches with as much offload as the kernel grants.
    ///
    /// Missing offload is logged once, at level info. Frames can be longer than the MTU, up to 64 KiB. TCP checksums
    /// are left to the kernel in both directions. So this device can serve a stack, but its frames must not be
    /// forwarded to another network.
    ///
    /// Over IPv6, smoltcp sends segments no longer than the MTU, and this device joins consecutive segments. A
    /// super-segment waits for more segments until [`flush`](TunTap::flush) or [`wait`](TunTap::wait) is called, and
    /// the device receives nothing during that time. Call one of these methods whenever the stack has nothing to do.
    ///
    /// # Errors
    /// Returns the same errors as [`TunTap::open`].
    pub fn open_with_offload(kind: Kind, name: &str) -> Result<TunTap, OpenError> {
        Self::attach(kind, name, true)
    }

    /// Attaches to the interface `name`. `offload` requests as much offload as the kernel grants.
    fn attach(kind: Kind, name: &str, offload: bool) -> Result<TunTap, OpenError> {
        // `mtu` counts the bytes of an IP packet here. The device's MTU below includes the Ethernet header.
        let (fd, mtu, granted) = open::attach(kind, name, offload)?;
        let port = Port::new(fd, kind.medium(), granted);
        let header = match kind {
            Kind::Tap => ETHERNET_HEADER_LEN,
            Kind::Tun => 0,
        };
        // A TUN has no neighbours, so a link change does not matter.
        let carrier = if kind == Kind::Tap { Carrier::watch(name) } else { None };
        let mtu = (mtu + header).min(MAX_FRAME);
        Ok(TunTap { name: name.into(), kind, mtu, rx: buffer(), port, carrier, link_change: None })
    }

    /// Returns whether offload was requested and granted.
    pub fn offloads(&self) -> bool {
        self.port.offloads()
    }

    /// Returns the interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the kind of the interface: a TAP carries Ethernet frames, and a TUN carries IP packets.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns whether a frame is held until the kernel can accept it.
    pub fn is_blocked(&self) -> bool {
        self.port.is_blocked()
    }

    /// Returns the number of discarded frames. These are received frames that were empty, too long or corrupt, and sent
    /// frames that the kernel refused or cut short.
    pub fn dropped(&self) -> u64 {
        self.port.dropped
    }

    /// Returns the number of frames that had to wait in the device. The kernel did not accept these frames immediately,
    /// but they are not lost.
    pub fn held(&self) -> u64 {
        self.port.held
    }

    /// Returns the error that stopped the device, if any. The device sends and receives no frame after the error.
    pub fn fault(&self) -> Option<Fault> {
        self.port.fault.map(|errno| Fault { name: self.name.clone(), errno })
    }

    /// Returns whether the TAP's link is up. Returns `None` if the link has not changed since the previous call.
    ///
    /// [`wait`](Self::wait) notices the changes. After a change, the link can lead to another network.
    pub(crate) fn take_link_change(&mut self) -> Option<bool> {
        self.link_change.take()
    }

    /// Writes the waiting super-segment. [`wait`](Self::wait) also does this.
    pub fn flush(&mut self) {
        self.port.end_join();
    }

    /// Waits for a frame, for room for the held frame, for input in `extra`, or until the timeout.
    ///
    /// With `None`, the wait has no time limit. A file in `extra` is also reported as readable at its end. This method
    /// can return early with nothing ready: after a signal, after a change of any interface, or to retry the held
    /// frame.
    ///
    /// While a frame is held, this method ignores `timeout` and waits for up to 100 ms. The stack can do nothing until
    /// the frame is written. While no frame is held, the timeout is as exact as the kernel's timers.
    ///
    /// A file at its end stays readable, so do not pass such a file in `extra` again. After a fault this method returns
    /// immediately.
    ///
    /// # Errors
    /// Returns [`io::ErrorKind::InvalidInput`] if `extra` has more than [`MAX_EXTRA`] files. Otherwise returns the
    /// error from `ppoll`.
    pub fn wait(&mut self, timeout: Option<Duration>, extra: &[BorrowedFd<'_>]) -> io::Result<Ready> {
        if extra.len() > MAX_EXTRA {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.flush();
        // The events to wait for on the device. A held frame must be written before another frame is read.
        let (wanted, timeout) = match (self.is_blocked(), self.port.blocked) {
            (false, _) => (PollFlags::IN, timeout),
            (true, Blocked::UntilWritable) => (PollFlags::OUT, Some(RETRY)),
            (true, Blocked::UntilLater) => (PollFlags::empty(), Some(RETRY)),
        };
        let mut fds: heapless::Vec<PollFd<'_>, { MAX_EXTRA + 2 }> = heapless::Vec::new();
        fds.extend(core::iter::once(PollFd::new(&self.port.fd, wanted)));
        fds.extend(extra.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)));
        fds.extend(self.carrier.iter().map(|carrier| PollFd::new(carrier, PollFlags::IN)));
        // If the timeout is too long for the kernel's type, wait without a time limit.
        let timeout = timeout.and_then(|t| Timespec::try_from(t).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(errno) => return Err(errno.into()),
        }
        let mut ready = Ready::default();
        // Whether the interface was deleted, and whether the carrier has a message.
        let (mut gone, mut reported) = (false, false);
        // The device comes first, then the files in `extra`, then the carrier.
        for (i, fd) in fds.iter().enumerate() {
            let events = fd.revents();
            match i.checked_sub(1) {
                None => {
                    ready.device = !events.is_empty();
                    gone = events.intersects(PollFlags::ERR | PollFlags::NVAL);
                }
                Some(i) if i == extra.len() => reported = !events.is_empty(),
                Some(i) if !events.is_empty() => ready.extra |= 1 << i,
                Some(_) => {}
            }
        }
        drop(fds);
        if reported && let Some(carrier) = &mut self.carrier {
            self.link_change = carrier.read_change().or(self.link_change);
        }
        if gone {
            self.port.fault.get_or_insert(Errno::BADFD);
        }
        Ok(ready)
    }
}

/// The result of [`TunTap::wait`]: the files that are ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The device has a frame, can send the held frame, or has failed.
    pub device: bool,
    extra: u8,
}

impl Ready {
    /// Returns whether the file at `index` in `extra` can be read or is at its end.
    pub fn extra(&self, index: usize) -> bool {
        index < MAX_EXTRA && self.extra & (1 << index) != 0
    }
}

/// The error that stopped a device. The `Display` text of the error is one line for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    name: String,
    errno: Errno,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { name, errno } = self;
        match *errno {
            Errno::BADFD | Errno::NODEV | Errno::NXIO => {
                write!(f, "the interface {name} was deleted: make it again, then start this program again")
            }
            errno => write!(f, "the interface {name} failed: {errno}; `smolstep doctor` may say more"),
        }
    }
}

impl core::error::Error for Fault {}

impl AsFd for TunTap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.port.fd.as_fd()
    }
}

impl Device for TunTap {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    /// Returns the next valid frame from the kernel, and a token for a reply.
    fn receive(&mut self, _now: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        // Receive only if a reply can be sent: no super-segment is being joined, and all waiting frames are written.
        if self.port.is_joining() || !self.port.make_room() {
            return None;
        }
        let frame = self.port.read(&mut self.rx)?;
        Some((RxToken(frame), TxToken::new(&mut self.port)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<TxToken<'_>> {
        self.port.make_room().then(|| TxToken::new(&mut self.port))
    }

    /// Describes the interface. With offload, the kernel computes TCP checksums and cuts super-segments.
    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = self.kind.medium();
        capabilities.max_transmission_unit = self.mtu;
        if self.offloads() {
            // smoltcp still computes UDP checksums, because it fragments a datagram after computing its checksum.
            capabilities.checksum.tcp = Checksum::None;
            // The length of the Ethernet header, or 0 for a TUN.
            let header = self.mtu - capabilities.ip_mtu();
            // Only segments over IPv4 are allowed to exceed the MTU: smoltcp 0.14 drops IPv6 packets longer than the
            // MTU, including super-segments. See `join`.
            capabilities.segmentation.tcpv4 = NonZeroUsize::new(LONGEST + header);
        }
        capabilities
    }
}

/// A received frame.
#[derive(Debug)]
pub struct RxToken<'a>(&'a [u8]);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// A token for one frame to send.
#[derive(Debug)]
pub struct TxToken<'a> {
    port: &'a mut Port,
    meta: PacketMeta,
}

impl<'a> TxToken<'a> {
    fn new(port: &'a mut Port) -> Self {
        TxToken { port, meta: PacketMeta::default() }
    }
}

impl phy::TxToken for TxToken<'_> {
    /// # Panics
    /// Panics if a frame is longer than 65,553 bytes. The device's MTU and its limit for super-segments do not exceed
    /// that length.
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.port.send(self.meta, len, f)
    }

    fn set_meta(&mut self, meta: PacketMeta) {
        self.meta = meta;
    }
}

impl Drop for TunTap {
    /// Writes the waiting super-segment and turns offload off.
    ///
    /// If offload stayed on, the next program that attaches would receive frames with offload, even if the program does
    /// not support offload.
    fn drop(&mut self) {
        self.flush();
        if self.offloads() {
            // The call fails if the interface was deleted.
            let _ = ioctl::set_offload(&self.port.fd, 0);
        }
    }
}
