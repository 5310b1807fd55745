//! Reads and writes the frames of a TAP or TUN, and stores frames that must wait.

#[cfg(test)]
pub(super) mod tests;

use std::mem;
use std::os::fd::OwnedFd;

use rustix::io::{Errno, read, write};
use smoltcp::phy::{Medium, PacketMeta};

use super::join::{Join, MAX_HEAD};
use super::offload::{self, Bad, HEADER};

/// The longest frame from the kernel: the largest IP packet, an Ethernet header and a VLAN tag.
pub(super) const MAX_FRAME: usize = 65_535 + 18;

/// The largest number of invalid frames that one call to [`Port::read`] discards. The limit keeps a flood of invalid
/// frames from blocking the program.
const MAX_DISCARDED: usize = 16;

/// Allocates a buffer for the virtio-net header and the longest frame, plus one byte to detect a longer frame.
pub(super) fn buffer() -> Box<[u8]> {
    vec![0; HEADER + MAX_FRAME + 1].into_boxed_slice()
}

/// The open file of a TAP or TUN, and up to two frames that wait to be written to the file.
///
/// A second frame waits only if the first one is a joined super-segment.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) fd: OwnedFd,
    /// The first waiting frame. The first `header` bytes are for the virtio-net header.
    tx: Box<[u8]>,
    /// The length of the unwritten data in `tx`, including the header. 0 means that no frame is waiting.
    pending: usize,
    /// The state of joining, if more segments can be added to the waiting frame. Such a frame must not be written yet.
    join: Option<Join>,
    /// The second waiting frame, in the same layout as `tx`.
    behind: Box<[u8]>,
    /// The length of the unwritten data in `behind`, including the header.
    pending_behind: usize,
    pub(super) blocked: Blocked,
    pub(super) fault: Option<Errno>,
    pub(super) dropped: u64,
    /// The number of frames that had to wait because the kernel's queue was full or the interface was down.
    pub(super) held: u64,
    /// Whether the frame in `tx` has been counted in `held`.
    counted: bool,
    medium: Medium,
    /// The length of the virtio-net header: 0 without offload.
    header: usize,
}

/// When to try again to write a frame that the kernel has not accepted yet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Blocked {
    /// When the kernel reports that the file is writable.
    UntilWritable,
    /// After some time. The kernel lacks memory, and never reports that memory is available again.
    UntilLater,
}

impl Port {
    /// Creates the port of an attached file. `offload` says whether each frame has a virtio-net header.
    pub(super) fn new(fd: OwnedFd, medium: Medium, offload: bool) -> Port {
        Port {
            fd,
            tx: buffer(),
            pending: 0,
            join: None,
            behind: buffer(),
            pending_behind: 0,
            blocked: Blocked::UntilWritable,
            fault: None,
            dropped: 0,
            held: 0,
            counted: false,
            medium,
            header: if offload { HEADER } else { 0 },
        }
    }

    /// Returns whether a frame is held because the kernel has not accepted it yet.
    pub(super) fn is_blocked(&self) -> bool {
        self.pending > 0 && self.join.is_none()
    }

    /// Returns whether a super-segment waits for more segments. [`end_join`](Self::end_join) ends this wait.
    pub(super) fn is_joining(&self) -> bool {
        self.join.is_some()
    }

    /// Returns whether the kernel computes TCP checksums and cuts super-segments.
    pub(super) fn offloads(&self) -> bool {
        self.header > 0
    }

    /// Lets `f` fill in a frame of `len` bytes, then writes the frame or keeps it for later. Returns the result of `f`.
    ///
    /// If a super-segment is waiting for more segments, this method tries to join the frame to the super-segment. A
    /// frame that cannot be joined is sent after the super-segment.
    ///
    /// # Panics
    /// Panics if `len` exceeds [`MAX_FRAME`].
    pub(super) fn send<R>(&mut self, meta: PacketMeta, len: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
        // No super-segment waits for more segments, so the new frame is written to `tx`.
        let Some(join) = self.join.take() else {
            let result = f(&mut self.tx[self.header..self.header + len]);
            self.begin(meta, len);
            return result;
        };
        // If the super-segment can take more segments, `try_join` stores `join` in `self.join` again.
        let (result, joined) = self.try_join(join, meta, len, f);
        // Write the super-segment now, unless it waits for more segments.
        self.flush();
        if !joined {
            // The new frame is in `behind`. If the super-segment has been written, the new frame takes its place in
            // `tx`. Otherwise the kernel has not accepted the super-segment, and the new frame must wait.
            if self.pending == 0 {
                mem::swap(&mut self.tx, &mut self.behind);
                self.begin(meta, len);
            } else {
                self.pending_behind = prepare(&mut self.behind, self.header, len, meta, self.medium);
            }
        }
        result
    }

    /// Begins a super-segment with the frame in `tx`. If that is not possible, writes the frame.
    fn begin(&mut self, meta: PacketMeta, len: usize) {
        // If the stack requests segmentation, the frame is already a super-segment, to which no other segment is
        // joined.
        if self.header > 0 && meta.segmentation_offload_size.is_none() {
            self.join = Join::begin(&self.tx[self.header..self.header + len], self.medium);
        }
        if self.join.is_some() {
            self.pending = self.header + len;
        } else {
            self.pending = prepare(&mut self.tx, self.header, len, meta, self.medium);
            self.flush();
        }
    }

    /// Lets `f` fill in a new frame, and joins it to the super-segment in `tx` if possible. `join` is the state of that
    /// super-segment. Returns the result of `f` and whether the frame was joined.
    ///
    /// A frame that was not joined is in `behind`. If the super-segment can take another segment, `self.join` keeps its
    /// state. Otherwise, the super-segment is completed, so that it can be written.
    fn try_join<R>(
        &mut self,
        mut join: Join,
        meta: PacketMeta,
        len: usize,
        f: impl FnOnce(&mut [u8]) -> R,
    ) -> (R, bool) {
        // The place of the new frame in `behind`, and the super-segment so far in `tx`.
        let behind = self.header..self.header + len;
        let (frame, so_far) = (&mut self.tx[self.header..], self.pending - self.header);
        // The super-segment would become too long, or the new frame is itself a super-segment.
        let Some(range) = join.next_range(so_far, len).filter(|_| meta.segmentation_offload_size.is_none()) else {
            let result = f(&mut self.behind[behind]);
            self.complete(join);
            return (result, false);
        };
        // The payload of the new frame is written directly after the previous payload. The headers of the new frame
        // overwrite the end of the previous payload, which is restored afterwards.
        let covered = range.start..so_far;
        let mut kept = [0; MAX_HEAD];
        let kept = &mut kept[..covered.len()];
        kept.copy_from_slice(&frame[covered.clone()]);
        let (before, new) = frame[..range.end].split_at_mut(range.start);
        let result = f(new);
        let joined = join.try_add(before, new);
        if !joined {
            self.behind[behind].copy_from_slice(new);
        }
        frame[covered].copy_from_slice(kept);
        if joined {
            self.pending = self.header + range.end;
        }
        if joined && join.may_continue(len) {
            self.join = Some(join);
        } else {
            self.complete(join);
        }
        (result, joined)
    }

    /// Writes the waiting super-segment, if any, without further segments.
    pub(super) fn end_join(&mut self) {
        if let Some(join) = self.join.take() {
            self.complete(join);
            self.flush();
        }
    }

    /// Completes the headers of the super-segment in `tx`, so that it can be written.
    fn complete(&mut self, join: Join) {
        let mut meta = PacketMeta::default();
        let len = self.pending - self.header;
        meta.segmentation_offload_size = Some(join.finish(&mut self.tx[self.header..self.pending]));
        self.pending = prepare(&mut self.tx, self.header, len, meta, self.medium);
    }

    /// Tries to write the held frame, if any. Returns whether another frame can be sent now.
    pub(super) fn make_room(&mut self) -> bool {
        self.flush();
        (self.pending == 0 || self.is_joining()) && self.fault.is_none()
    }

    /// Writes the waiting frames until the kernel accepts no more. A super-segment that waits for more segments is not
    /// written.
    fn flush(&mut self) {
        while self.pending > 0 && self.join.is_none() && self.fault.is_none() {
            match write(&self.fd, self.tx.get(..self.pending).unwrap_or_default()) {
                Ok(len) => {
                    if len < self.pending {
                        // A frame cannot be written in two parts, so the rest of this frame is lost. TCP retransmits
                        // the data.
                        self.dropped += 1;
                        log::debug!("the kernel took {len} bytes of a frame of {}", self.pending);
                    }
                    self.advance();
                }
                Err(Errno::INTR) => {}
                // The queue is full, or the interface is down.
                Err(errno @ (Errno::AGAIN | Errno::IO)) => return self.hold(errno, Blocked::UntilWritable),
                Err(errno @ (Errno::NOBUFS | Errno::NOMEM)) => return self.hold(errno, Blocked::UntilLater),
                // The kernel will never accept this frame. Either the frame is shorter than its header, or a TUN frame
                // is neither IPv4 nor IPv6.
                Err(Errno::INVAL) => {
                    log::debug!("the kernel refused a frame of {} bytes", self.pending);
                    self.dropped += 1;
                    self.advance();
                }
                Err(errno) => self.fault = Some(errno),
            }
        }
    }

    /// Keeps the frame for a retry. A frame that is retried many times is counted once.
    fn hold(&mut self, errno: Errno, until: Blocked) {
        self.blocked = until;
        let was_counted = mem::replace(&mut self.counted, true);
        if !was_counted {
            self.held += 1;
            log::debug!("the kernel does not take a frame of {} bytes yet: {errno}", self.pending);
        }
    }

    /// Removes the frame in `tx`. The frame in `behind`, if any, becomes the next frame to write.
    fn advance(&mut self) {
        self.counted = false;
        self.pending = mem::take(&mut self.pending_behind);
        if self.pending > 0 {
            mem::swap(&mut self.tx, &mut self.behind);
        }
    }

    /// Reads the next valid frame into `buffer`, and discards invalid frames.
    ///
    /// Returns `None` if no frame is waiting, after [`MAX_DISCARDED`] invalid frames, or after a fault.
    pub(super) fn read<'b>(&mut self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        for _ in 0..MAX_DISCARDED {
            let len = self.read_raw(buffer)?;
            match self.check(buffer.get_mut(..len)?) {
                Ok(()) => return buffer.get(self.header..len),
                Err(why) => {
                    self.dropped += 1;
                    log::debug!("a frame of {len} bytes from the kernel was discarded: {why}");
                }
            }
        }
        None
    }

    /// Checks a frame that was read, including its virtio-net header. Returns the reason if the frame must be
    /// discarded.
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

    /// Reads one frame into the start of `buffer`, and returns its length. Returns `None` if no frame can be read now.
    /// Also returns `None` after a fault, which is stored in `fault`.
    fn read_raw(&mut self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            match read(&self.fd, &mut *buffer) {
                Ok(len) => return Some(len),
                Err(Errno::INTR) => {}
                // No frame is waiting, the kernel lacks memory, or the interface is down.
                Err(Errno::AGAIN | Errno::NOBUFS | Errno::NOMEM | Errno::IO) => return None,
                Err(errno) => {
                    self.fault = Some(errno);
                    return None;
                }
            }
        }
    }
}

/// Writes the virtio-net header before the frame of `len` bytes, and prepares the frame's TCP checksum for the kernel.
/// Returns the total length of the header and the frame.
///
/// `header` is the length of the virtio-net header. If it is 0, because there is no offload, nothing is written.
fn prepare(buffer: &mut [u8], header: usize, len: usize, meta: PacketMeta, medium: Medium) -> usize {
    if let Some((room, frame)) = buffer.get_mut(..header + len).and_then(|b| b.split_first_chunk_mut::<HEADER>())
        && header > 0
    {
        *room = offload::prepare(meta, frame, medium);
    }
    header + len
}
