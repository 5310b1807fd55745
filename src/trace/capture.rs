//! A [`Probe`] that writes every frame of a stack to a capture.

use smoltcp::phy::Medium;
use smoltcp::time::Instant;

use super::pcapng::{Frame, InterfaceId, LinkType, Sink, Writer};
use crate::stack::{Direction, Probe};

/// A [`Probe`] that writes each frame to a pcapng capture, with the frame's time and direction.
///
/// A [`Probe`] cannot return errors, so the sink's first error ends the capture while the stack continues.
/// [`error`](Self::error) and [`finish`](Self::finish) return that error.
#[derive(Debug)]
pub struct Capture<S: Sink> {
    writer: Writer<S>,
    interface: InterfaceId,
    epoch_micros: i64,
    error: Option<S::Error>,
}

impl<S: Sink> Capture<S> {
    /// Begins a capture of one interface.
    ///
    /// `epoch_micros` is the time at which the stack's clock was [`Instant::ZERO`], in microseconds since 1970-01-01
    /// 00:00 UTC. For a virtual clock, use 0, so that the capture shows the stack's own time.
    ///
    /// # Errors
    /// Returns the sink's error if a write fails.
    pub fn new(sink: S, name: &str, medium: Medium, epoch_micros: i64) -> Result<Self, S::Error> {
        let mut writer = Writer::new(sink)?;
        let interface = writer.interface(name, LinkType::from(medium))?;
        Ok(Capture { writer, interface, epoch_micros, error: None })
    }

    /// Returns the error that ended the capture early, if any.
    pub fn error(&self) -> Option<&S::Error> {
        self.error.as_ref()
    }

    /// Ends the capture, flushes the sink and returns it.
    ///
    /// # Errors
    /// Returns the error that ended the capture early, or the sink's error if the flush fails.
    pub fn finish(mut self) -> Result<S, S::Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.writer.flush()?;
        Ok(self.writer.into_sink())
    }
}

impl<S: Sink> Probe for Capture<S> {
    /// Writes a frame. After a write error, does nothing.
    fn frame(&mut self, now: Instant, direction: Direction, frame: &[u8]) {
        if self.error.is_some() {
            return;
        }
        // Times before 1970 are written as 1970, because the format has no negative times.
        let micros = self.epoch_micros.saturating_add(now.total_micros()).max(0) as u64;
        let frame = Frame { interface: self.interface, micros, direction: Some(direction), bytes: frame, comment: "" };
        // An error ends the capture. `finish` returns the error.
        self.error = self.writer.frame(&frame).err();
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use smoltcp::phy::Medium;
    use smoltcp::time::Instant;

    use super::{Capture, Sink};
    use crate::stack::{Direction, Probe};

    /// A disk with room for `room` bytes.
    struct Disk {
        room: usize,
        flushed: bool,
    }

    impl Sink for Disk {
        type Error = &'static str;

        fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
            self.room = self.room.checked_sub(bytes.len()).ok_or("disk full")?;
            Ok(())
        }

        fn flush(&mut self) -> Result<(), Self::Error> {
            self.flushed = true;
            Ok(())
        }
    }

    #[test]
    fn time_stamps_are_the_stacks_time_plus_the_epoch() {
        for (epoch, now, stamp) in [(1_000_000, 25, 1_000_025u32), (0, 7, 7), (-10, 3, 0)] {
            let Ok(mut capture) = Capture::new(Vec::new(), "", Medium::Ip, epoch);
            let Ok(start) = Capture::new(Vec::new(), "", Medium::Ip, epoch).and_then(Capture::finish);
            capture.frame(Instant::from_micros(now), Direction::In, b"frame");
            let Ok(file) = capture.finish();
            // The lower half of the time is at offset 16 in the frame's block.
            assert_eq!(file[start.len() + 16..start.len() + 20], stamp.to_le_bytes());
        }
    }

    #[test]
    fn the_first_write_error_ends_the_capture_and_is_kept() {
        let mut capture = Capture::new(Disk { room: 200, flushed: false }, "tap0", Medium::Ethernet, 0).unwrap();
        assert_eq!(capture.error(), None);
        for _ in 0..3 {
            capture.frame(Instant::ZERO, Direction::Out, &[0; 60]);
        }
        assert_eq!(capture.error(), Some(&"disk full"));
        assert!(capture.finish().is_err());
        assert!(Capture::new(Disk { room: 10, flushed: false }, "tap0", Medium::Ethernet, 0).is_err());
    }

    #[test]
    fn finishing_flushes() {
        let capture = Capture::new(Disk { room: 200, flushed: false }, "tap0", Medium::Ethernet, 0).unwrap();
        assert!(capture.finish().unwrap().flushed);
    }
}
