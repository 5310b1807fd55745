//! The Nucleo-F429ZI: clocks, pins, Ethernet with its PHY, the random generator and the unique id.

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use ieee802_3_miim::Phy as _;
use ieee802_3_miim::phy::{LAN8742A, PhySpeed};
use rand_core::RngCore;
use stm32_eth::dma::{RxRingEntry, TxRingEntry};
use stm32_eth::hal::gpio::{Alternate, PA2, PC1, Speed};
use stm32_eth::hal::prelude::*;
use stm32_eth::hal::signature::Uid;
use stm32_eth::mac::{EthernetMACWithMii, Speed as MacSpeed};
use stm32_eth::stm32::Peripherals;
use stm32_eth::{EthPins, Parts, PartsIn};

use crate::rings::Rings;

/// The PHY on the board, behind the MAC.
pub type Phy = LAN8742A<EthernetMACWithMii<PA2<Alternate<11>>, PC1<Alternate<11>>>>;

/// The frequency of the processor in Hz.
const FREQUENCY: u32 = 168_000_000;

/// The parts of the board that [`start`] sets up.
pub struct Board {
    pub rings: Rings,
    pub phy: Phy,
    /// The hardware address.
    pub hardware: [u8; 6],
    pub seed: [u8; 32],
}

/// Sets up the board, with a SysTick interrupt each millisecond. The link comes up later.
///
/// # Panics
/// Panics if the random generator has failed. A board without a seed must stay off the network.
pub fn start(
    p: Peripherals,
    mut systick: SYST,
    rx: &'static mut [RxRingEntry],
    tx: &'static mut [TxRingEntry],
) -> Board {
    // The debug probe of the board provides 8 MHz.
    let clocks = p.RCC.constrain().cfgr.use_hse(8.MHz()).bypass_hse_oscillator();
    let clocks = clocks.sysclk(FREQUENCY.Hz()).hclk(FREQUENCY.Hz()).require_pll48clk().freeze();
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(FREQUENCY / 1000 - 1);
    systick.clear_current();
    systick.enable_interrupt();
    systick.enable_counter();
    let mut seed = [0; 32];
    p.RNG.constrain(&clocks).try_fill_bytes(&mut seed).expect("the random generator works");
    // The first byte, 2, marks a locally administered address. The last three bytes identify the chip: its position on
    // the wafer, and the wafer's number.
    let (id, [x, _], [y, _]) = (Uid::get(), Uid::get().x().to_le_bytes(), Uid::get().y().to_le_bytes());
    let hardware = [2, 0xf4, 0x29, x, y, id.waf_num()];

    let (a, b, c, g) = (p.GPIOA.split(), p.GPIOB.split(), p.GPIOC.split(), p.GPIOG.split());
    let pins =
        EthPins { ref_clk: a.pa1, crs: a.pa7, tx_en: g.pg11, tx_d0: g.pg13, tx_d1: b.pb13, rx_d0: c.pc4, rx_d1: c.pc5 };
    let (mut mdio, mut mdc) = (a.pa2.into_alternate(), c.pc1.into_alternate());
    mdio.set_speed(Speed::VeryHigh);
    mdc.set_speed(Speed::VeryHigh);
    let ethernet = PartsIn { dma: p.ETHERNET_DMA, mac: p.ETHERNET_MAC, mmc: p.ETHERNET_MMC };
    let Ok(Parts { dma, mac }) = stm32_eth::new_with_mii(ethernet, rx, tx, clocks, pins, mdio, mdc) else {
        panic!("Ethernet needs a clock of at least 25 MHz")
    };
    dma.enable_interrupt();
    let mut phy = LAN8742A::new(mac, 0);
    phy.phy_init();
    Board { rings: Rings(dma), phy, hardware, seed }
}

/// Sets the MAC to the speed that the PHY has agreed on with the other end.
///
/// If the PHY reports no speed, sets 100 Mbit/s and full duplex.
pub fn set_speed(phy: &mut Phy) {
    let speed = match phy.link_speed() {
        Some(PhySpeed::HalfDuplexBase10T) => MacSpeed::HalfDuplexBase10T,
        Some(PhySpeed::FullDuplexBase10T) => MacSpeed::FullDuplexBase10T,
        Some(PhySpeed::HalfDuplexBase100Tx) => MacSpeed::HalfDuplexBase100Tx,
        Some(PhySpeed::FullDuplexBase100Tx) | None => MacSpeed::FullDuplexBase100Tx,
    };
    phy.get_miim().set_speed(speed);
}
