//! A link in memory. Tests can delay, change or drop the frames on the link.
//!
//! Use [`Cable`](crate::phy::Cable) in tests that need a plain link.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// The frames in one direction, oldest first.
pub(crate) type Frames = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end of a link.
pub(crate) struct End {
    medium: Medium,
    /// The frames on the way to this end.
    pub(crate) incoming: Frames,
    /// The frames on the way to the other end.
    pub(crate) outgoing: Frames,
    /// The maximum number of frames on the way to the other end. Replies are sent even if this limit is exceeded.
    pub(crate) room: usize,
}

/// Creates a link with room for 64 frames in each direction, and returns its two ends.
pub(crate) fn ends(medium: Medium) -> (End, End) {
    let (there, back) = (Frames::default(), Frames::default());
    let end = |incoming: &Frames, outgoing: &Frames| End {
        medium,
        incoming: incoming.clone(),
        outgoing: outgoing.clone(),
        room: 64,
    };
    (end(&back, &there), end(&there, &back))
}

impl Device for End {
    type RxToken<'t> = Received;
    type TxToken<'t> = Sender;

    fn receive(&mut self, _now: Instant) -> Option<(Received, Sender)> {
        let frame = self.incoming.borrow_mut().pop_front()?;
        Some((Received(frame), Sender(self.outgoing.clone())))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Sender> {
        (self.outgoing.borrow().len() < self.room).then(|| Sender(self.outgoing.clone()))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = self.medium;
        capabilities.max_transmission_unit = if self.medium == Medium::Ethernet { 1514 } else { 1500 };
        capabilities
    }
}

/// A received frame.
pub(crate) struct Received(Vec<u8>);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// The permission to send a frame.
pub(crate) struct Sender(Frames);

impl phy::TxToken for Sender {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.borrow_mut().push_back(frame);
        result
    }
}
