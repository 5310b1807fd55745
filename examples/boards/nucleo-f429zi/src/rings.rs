//! A device for the stack, made of the rings of the Ethernet DMA.

use smolstep::smoltcp::phy::{self, Device, DeviceCapabilities};
use smolstep::smoltcp::time::Instant;
use stm32_eth::dma::{EthernetDMA, RxPacket, TxRing};

/// The longest frame, in bytes, excluding the checksum.
const MTU: usize = 1514;

/// The DMA with its rings. The DMA moves frames while the processor sleeps.
pub struct Rings(pub EthernetDMA<'static, 'static>);

impl Device for Rings {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Received<'_>, Room<'_>)> {
        let (rx, tx) = self.0.split();
        // Without room for a reply, the frame stays in its ring.
        if !tx.next_entry_available() {
            return None;
        }
        Some((Received(rx.recv_next(None).ok()?), Room(tx)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Room<'_>> {
        let (_, tx) = self.0.split();
        tx.next_entry_available().then_some(Room(tx))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

/// A received frame. Its entry in the ring is free again once the frame is dropped.
pub struct Received<'a>(RxPacket<'a>);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// A free entry in the ring of frames to send.
pub struct Room<'a>(&'a mut TxRing<'static>);

impl phy::TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        // The entry was free when the token was made, and only this token takes entries.
        let mut frame = self.0.send_next(len, None).expect("the place is free");
        // The frame is sent when it is dropped.
        f(&mut frame)
    }
}
