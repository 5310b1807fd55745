//! The device: frames in, frames out, and waiting for either.

use core::fmt;
use core::time::Duration;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, write};
use smoltcp::phy::{self, ChecksumCapabilities, Device, DeviceCapabilities};
use smoltcp::time::Instant;
use smoltcp::wire::ETHERNET_HEADER_LEN;

use super::open::{self, Kind, OpenError};

/// A TAP or TUN that this program is attached to.
///
/// A frame that the kernel cannot take now (its queue is full, the interface is down) stays in the device and goes out
/// first when it can; until then [`Device::transmit`] and [`Device::receive`] answer `None`, so that the stack keeps what
/// it has. At most this one frame is held. An interface that was deleted shows in [`TunTap::fault`].
#[derive(Debug)]
pub struct TunTap {
    name: String,
    kind: Kind,
    mtu: usize,
    rx: Box<[u8]>,
    port: Port,
}

/// The longest frame that the kernel hands over: the largest IP packet, an Ethernet header and a VLAN tag.
const MAX_FRAME: usize = 65_535 + 18;

/// How long a frame is held before it is tried again where the kernel does not say when it can be.
///
/// A TAP that is down never reports that it can be written. Since Linux 5.2 the kernel reports it on the way up, which
/// ends the wait at once; this is for older ones, and for a lack of memory, of whose end nobody tells.
const RETRY: Duration = Duration::from_millis(100);

/// The most further files that [`TunTap::wait`] watches.
pub const MAX_EXTRA: usize = 7;

impl TunTap {
    /// Attaches to the interface `name`, which must exist. Its MTU is read here, once.
    ///
    /// # Errors
    /// One line for the user; see [`OpenError`].
    pub fn open(kind: Kind, name: &str) -> Result<TunTap, OpenError> {
        let (fd, mtu) = open::attach(kind, name)?;
        let header = match kind {
            Kind::Tap => ETHERNET_HEADER_LEN,
            Kind::Tun => 0,
        };
        let buffer = || vec![0; MAX_FRAME].into_boxed_slice();
        Ok(TunTap {
            name: name.into(),
            kind,
            mtu: (mtu + header).min(MAX_FRAME),
            rx: buffer(),
            port: Port { fd, tx: buffer(), pending: 0, blocked: Blocked::UntilWritable, fault: None, dropped: 0 },
        })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it carries Ethernet frames or IP packets.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether a frame is held until the kernel can take it.
    pub fn is_blocked(&self) -> bool {
        self.port.pending > 0
    }

    /// Frames thrown away: empty ones that were read, and ones that the kernel called malformed.
    pub fn dropped(&self) -> u64 {
        self.port.dropped
    }

    /// What ended the device, if anything did. Nothing goes in or out after it.
    pub fn fault(&self) -> Option<Fault> {
        self.port.fault.map(|errno| Fault { name: self.name.clone(), errno })
    }

    /// Waits until there is something to do: a frame has come, the held frame can go, one of `extra` can be read or has
    /// ended, or `timeout` is over (`None` is for ever). It may also return early, with nothing ready: a signal came, or
    /// it is time to try the held frame again.
    ///
    /// While a frame is held, a shorter timeout is not kept: the stack could do nothing then, and asking again and again
    /// would only burn time. It is 100 ms late at most. A timeout is kept to the nanosecond, as far as the kernel's
    /// timers go.
    ///
    /// A file at its end counts as readable: leave it out of `extra` from then on. After a fault this returns at once.
    ///
    /// # Errors
    /// More than [`MAX_EXTRA`] files, or what `ppoll` says.
    pub fn wait(&mut self, timeout: Option<Duration>, extra: &[BorrowedFd<'_>]) -> io::Result<Ready> {
        if extra.len() > MAX_EXTRA {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let (wanted, timeout) = match (self.is_blocked(), self.port.blocked) {
            (false, _) => (PollFlags::IN, timeout),
            (true, Blocked::UntilWritable) => (PollFlags::OUT, Some(RETRY)),
            (true, Blocked::UntilLater) => (PollFlags::empty(), Some(RETRY)),
        };
        let mut fds: heapless::Vec<PollFd<'_>, { MAX_EXTRA + 1 }> = heapless::Vec::new();
        fds.extend(core::iter::once(PollFd::new(&self.port.fd, wanted)));
        fds.extend(extra.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)));
        // Too long for the kernel's type is for ever.
        let timeout = timeout.and_then(|t| Timespec::try_from(t).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(errno) => return Err(errno.into()),
        }
        let mut ready = Ready::default();
        let mut gone = false;
        for (i, fd) in fds.iter().enumerate() {
            let events = fd.revents();
            match i.checked_sub(1) {
                None => {
                    ready.device = !events.is_empty();
                    gone = events.intersects(PollFlags::ERR | PollFlags::NVAL);
                }
                Some(i) if !events.is_empty() => ready.extra |= 1 << i,
                Some(_) => {}
            }
        }
        if gone {
            self.port.fault.get_or_insert(Errno::BADFD);
        }
        Ok(ready)
    }
}

/// What ended a [`TunTap::wait`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The device has a frame, or room for one, or has failed.
    pub device: bool,
    extra: u8,
}

impl Ready {
    /// Whether the file at this place in `extra` can be read or has ended.
    pub fn extra(&self, index: usize) -> bool {
        index < MAX_EXTRA && self.extra & (1 << index) != 0
    }
}

/// Why a device works no longer; its text is one line for the user.
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

    fn receive(&mut self, _now: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        // A frame in is only taken with room for the answer.
        if !self.port.is_free() {
            return None;
        }
        let len = self.port.read(&mut self.rx)?;
        Some((RxToken(self.rx.get(..len)?), TxToken(&mut self.port)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<TxToken<'_>> {
        self.port.is_free().then_some(TxToken(&mut self.port))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = self.kind.medium();
        capabilities.max_transmission_unit = self.mtu;
        capabilities.checksum = ChecksumCapabilities::default();
        capabilities
    }
}

/// One frame that came in.
#[derive(Debug)]
pub struct RxToken<'a>(&'a [u8]);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// Room for one frame to go out.
#[derive(Debug)]
pub struct TxToken<'a>(&'a mut Port);

impl phy::TxToken for TxToken<'_> {
    /// # Panics
    /// With a frame longer than 65,553 bytes; the MTU that the device tells smoltcp is never above that.
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let result = f(&mut self.0.tx[..len]);
        self.0.pending = len;
        self.0.flush();
        result
    }
}

/// The file, and the one frame that may wait to be written to it.
#[derive(Debug)]
struct Port {
    fd: OwnedFd,
    tx: Box<[u8]>,
    /// The length of the frame in `tx` that is still to be written; 0 is none.
    pending: usize,
    blocked: Blocked,
    fault: Option<Errno>,
    dropped: u64,
}

/// When the held frame may go.
#[derive(Clone, Copy, Debug)]
enum Blocked {
    UntilWritable,
    UntilLater,
}

impl Port {
    /// Whether a frame can be taken, after another try with the held one.
    fn is_free(&mut self) -> bool {
        self.flush();
        self.pending == 0 && self.fault.is_none()
    }

    fn flush(&mut self) {
        while self.pending > 0 && self.fault.is_none() {
            match write(&self.fd, self.tx.get(..self.pending).unwrap_or_default()) {
                Ok(_) => self.pending = 0,
                Err(Errno::INTR) => {}
                // The queue is full, or the interface is down.
                Err(Errno::AGAIN | Errno::IO) => return self.blocked = Blocked::UntilWritable,
                Err(Errno::NOBUFS | Errno::NOMEM) => return self.blocked = Blocked::UntilLater,
                // The kernel will never take this one: shorter than its header, or on a TUN neither IPv4 nor IPv6.
                Err(Errno::INVAL) => {
                    self.pending = 0;
                    self.dropped += 1;
                }
                Err(errno) => self.fault = Some(errno),
            }
        }
    }

    /// The length of the next frame, now at the front of `buffer`.
    fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            match read(&self.fd, &mut *buffer) {
                Ok(0) => {
                    self.dropped += 1;
                    return None;
                }
                Ok(len) => return Some(len),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN | Errno::NOBUFS | Errno::NOMEM | Errno::IO) => return None,
                Err(errno) => {
                    self.fault = Some(errno);
                    return None;
                }
            }
        }
    }
}
