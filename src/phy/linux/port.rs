//! The file of a TAP or TUN: frames read and written, and the one that waits.

#[cfg(test)]
mod tests;

use std::os::fd::OwnedFd;

use rustix::io::{Errno, read, write};
use smoltcp::phy::{Medium, PacketMeta};

use super::offload::{self, Bad, HEADER};

/// The longest frame that the kernel hands over: the largest IP packet, an Ethernet header and a VLAN tag.
pub(super) const MAX_FRAME: usize = 65_535 + 18;

/// How many frames one read throws away at most.
const THROWN_AWAY: usize = 16;

/// Memory for the longest frame after its header, and a byte more that shows a longer one.
pub(super) fn buffer() -> Box<[u8]> {
    vec![0; HEADER + MAX_FRAME + 1].into_boxed_slice()
}

/// The file, and the one frame that may wait to be written to it.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) fd: OwnedFd,
    /// The header's room, then the frame.
    tx: Box<[u8]>,
    /// The length of what is still to be written of `tx`, header included; 0 is none.
    pending: usize,
    pub(super) blocked: Blocked,
    pub(super) fault: Option<Errno>,
    pub(super) dropped: u64,
    medium: Medium,
    /// The length of the virtio-net header: 0 without offload.
    header: usize,
}

/// When the held frame may go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Blocked {
    UntilWritable,
    UntilLater,
}

impl Port {
    pub(super) fn new(fd: OwnedFd, medium: Medium, offload: bool) -> Port {
        Port {
            fd,
            tx: buffer(),
            pending: 0,
            blocked: Blocked::UntilWritable,
            fault: None,
            dropped: 0,
            medium,
            header: if offload { HEADER } else { 0 },
        }
    }

    /// Whether a frame is held.
    pub(super) fn is_blocked(&self) -> bool {
        self.pending > 0
    }

    /// Whether the kernel computes TCP's checksums and cuts super-segments.
    pub(super) fn offloads(&self) -> bool {
        self.header > 0
    }

    /// Writes a frame of `len` bytes, or holds it.
    ///
    /// # Panics
    /// With a frame longer than [`MAX_FRAME`].
    pub(super) fn send<R>(&mut self, meta: PacketMeta, len: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
        let end = self.header + len;
        let frame = &mut self.tx[self.header..end];
        let result = f(frame);
        if self.header > 0 {
            let header = offload::prepare(meta, frame, self.medium);
            self.tx[..HEADER].copy_from_slice(&header);
        }
        self.pending = end;
        self.flush();
        result
    }

    /// Whether a frame can be taken, after another try with the held one.
    pub(super) fn is_free(&mut self) -> bool {
        self.flush();
        self.pending == 0 && self.fault.is_none()
    }

    fn flush(&mut self) {
        while self.pending > 0 && self.fault.is_none() {
            match write(&self.fd, self.tx.get(..self.pending).unwrap_or_default()) {
                Ok(len) => {
                    if len < self.pending {
                        // The rest cannot follow; TCP sends it again.
                        self.dropped += 1;
                        log::debug!("the kernel took {len} bytes of a frame of {}", self.pending);
                    }
                    self.pending = 0;
                }
                Err(Errno::INTR) => {}
                // The queue is full, or the interface is down.
                Err(Errno::AGAIN | Errno::IO) => return self.blocked = Blocked::UntilWritable,
                Err(Errno::NOBUFS | Errno::NOMEM) => return self.blocked = Blocked::UntilLater,
                // The kernel will never take this one: shorter than its header, or on a TUN neither IPv4 nor IPv6.
                Err(Errno::INVAL) => {
                    log::debug!("the kernel refused a frame of {} bytes", self.pending);
                    self.pending = 0;
                    self.dropped += 1;
                }
                Err(errno) => self.fault = Some(errno),
            }
        }
    }

    /// The next frame, which stands in `buffer`; what cannot be one is thrown away.
    pub(super) fn read<'b>(&mut self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        for _ in 0..THROWN_AWAY {
            let len = self.read_raw(buffer)?;
            match self.check(buffer.get_mut(..len)?) {
                Ok(()) => return buffer.get(self.header..len),
                Err(why) => {
                    self.dropped += 1;
                    log::debug!("a frame of {len} bytes from the kernel was thrown away: {why}");
                }
            }
        }
        None
    }

    fn check(&self, read: &mut [u8]) -> Result<(), &'static str> {
        let len = read.len().saturating_sub(self.header);
        if len == 0 {
            return Err("too short");
        }
        if len > MAX_FRAME {
            return Err("longer than 64 KiB");
        }
        match read.split_first_chunk_mut::<HEADER>() {
            Some((header, frame)) if self.header > 0 => {
                offload::accept(header, frame, self.medium).map_err(|bad| match bad {
                    Bad::Header => "its virtio-net header is corrupt",
                    Bad::Checksum => "its TCP checksum is wrong",
                })
            }
            _ => Ok(()),
        }
    }

    /// The length of what was read to the front of `buffer`.
    fn read_raw(&mut self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            match read(&self.fd, &mut *buffer) {
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
