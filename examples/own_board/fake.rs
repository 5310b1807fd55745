//! Simulates the hardware. A real port implements `Registers` and `Uart` for its hardware, and does not need this file.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{Write, stdout};
use std::rc::Rc;

use smolstep::phy::conformance::Peer;
use smoltcp::time::Instant;

use crate::clock::Clock;
use crate::console::Uart;
use crate::nic::{Nic, Registers};

type Fifo = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// A simulated controller with room for 8 frames in each direction. The controller receives no frame longer than 1,514
/// bytes.
pub struct Controller {
    rx: Fifo,
    tx: Fifo,
}

/// Two controllers on one cable.
pub fn pair() -> (Controller, Controller) {
    let (there, back) = (Fifo::default(), Fifo::default());
    (Controller { rx: back.clone(), tx: there.clone() }, Controller { rx: there, tx: back })
}

impl Registers for Controller {
    fn received(&mut self) -> Option<usize> {
        self.rx.borrow().front().map(Vec::len)
    }

    fn take(&mut self, buffer: &mut [u8]) {
        let frame = self.rx.borrow_mut().pop_front().unwrap_or_default();
        buffer.iter_mut().zip(&frame).for_each(|(to, from)| *to = *from);
    }

    fn has_room(&mut self) -> bool {
        self.tx.borrow().len() < 8
    }

    fn put(&mut self, frame: &[u8]) {
        self.tx.borrow_mut().push_back(frame.to_vec());
    }
}

/// The other end of the cable in the conformance check: its controller, its clock, and its counter.
pub struct Far<'f>(pub &'f mut Controller, pub Clock, pub u32);

impl Peer<Nic<Controller>> for Far<'_> {
    fn inject(&mut self, _: &mut Nic<Controller>, frame: &[u8]) -> bool {
        let fits = (1..=1514).contains(&frame.len()) && self.0.has_room();
        fits.then(|| self.0.put(frame)).is_some()
    }

    fn observe(&mut self, _: &mut Nic<Controller>, buffer: &mut [u8]) -> Option<usize> {
        let len = self.0.received()?;
        self.0.take(buffer);
        Some(len)
    }

    fn now(&mut self) -> Instant {
        // The simulated counter advances by 1 at each read.
        self.2 = self.2.wrapping_add(1);
        self.1.at(self.2)
    }
}

/// A UART that writes to standard output.
pub struct Terminal;

impl Uart for Terminal {
    fn has_room(&mut self) -> bool {
        true
    }

    fn put(&mut self, byte: u8) {
        // If nobody reads standard output, the error cannot be reported.
        let _ = stdout().write_all(&[byte]);
    }

    fn take(&mut self) -> Option<u8> {
        None
    }
}
