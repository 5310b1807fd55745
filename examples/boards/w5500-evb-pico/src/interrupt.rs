//! The interrupt pin of the W5500, for embassy-net-wiznet 0.3.0.

use embassy_futures::select::select;
use embassy_time::Timer;
use embedded_hal::digital::ErrorType;
use embedded_hal_async::digital::Wait;

/// How long a frame can wait in the chip if its interrupt is lost, in milliseconds.
const LOOK_EVERY: u64 = 10;

/// An interrupt pin that is also reported as low every 10 ms, so that the driver looks for a frame.
///
/// The chip reports the arrival of a frame only once. The driver clears this report and then reads one frame, so a
/// second frame stays in the chip until another arrives. With the plain pin, frames pile up until the chip has no room
/// left and receives nothing (embassy issue 6456, fixed after 0.3.0).
pub struct Interrupt<P>(pub P);

impl<P: Wait> ErrorType for Interrupt<P> {
    type Error = P::Error;
}

impl<P: Wait> Wait for Interrupt<P> {
    async fn wait_for_low(&mut self) -> Result<(), P::Error> {
        select(self.0.wait_for_low(), Timer::after_millis(LOOK_EVERY)).await;
        Ok(())
    }

    async fn wait_for_high(&mut self) -> Result<(), P::Error> {
        self.0.wait_for_high().await
    }

    async fn wait_for_rising_edge(&mut self) -> Result<(), P::Error> {
        self.0.wait_for_rising_edge().await
    }

    async fn wait_for_falling_edge(&mut self) -> Result<(), P::Error> {
        self.0.wait_for_falling_edge().await
    }

    async fn wait_for_any_edge(&mut self) -> Result<(), P::Error> {
        self.0.wait_for_any_edge().await
    }
}
