//! The adapter for embassy-net's drivers, tested with embassy-net's channel driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use embassy_net_driver_channel::driver::{HardwareAddress as TheirAddress, LinkState};
use embassy_net_driver_channel::{self as channel, Runner, State};
use smolstep::app::{self, Client, ClientOptions, Options, Server};
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::conformance::Peer;
use smolstep::phy::{DriverError, Embassy};
use smolstep::stack::{Config, Io, Listener, NullConsole, Seed, SetupError, Stack};
use smoltcp::phy::{Device, Medium};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, IpEndpoint};

use crate::common::executor::Task;
use crate::{Ticks, copy, run, send};

const MTU: usize = 1514;
const SIZES: Sizes = Sizes { connections: 2, receive: 512, send: 512, ports: 0, datagrams: 0, payload: 0 };
const ETHERNET: TheirAddress = TheirAddress::Ethernet([2, 0, 0, 0, 0, 1]);

#[test]
fn a_channel_driver_conforms() {
    for (address, medium) in [(ETHERNET, Medium::Ethernet), (TheirAddress::Ip, Medium::Ip)] {
        let mut state = State::<MTU, 4, 3>::new();
        let (runner, driver) = channel::new(&mut state, address);
        let mut device = Embassy::new(driver).unwrap();
        assert_eq!(device.capabilities().medium, medium);
        let report = run(&mut device, &mut Far(runner, Ticks::default())).unwrap();
        assert_eq!(report.to_string(), "MTU 1514; holds 3 frames to send and 4 frames received");
    }
}

#[test]
fn the_drivers_address_is_used_and_other_media_are_refused() {
    let mut state = State::<MTU, 1, 1>::new();
    let (_, driver) = channel::new(&mut state, ETHERNET);
    let device = Embassy::new(driver).unwrap();
    assert_eq!(device.hardware_address(), Ok(HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 1]))));

    let mut state = State::<MTU, 1, 1>::new();
    let (_, driver) = channel::new(&mut state, TheirAddress::Ieee802154([0; 8]));
    assert_eq!(Embassy::new(driver).err(), Some(DriverError::UnsupportedMedium));
}

#[test]
fn a_driver_without_an_address_of_its_own_is_refused_by_name() {
    for (address, error) in [
        ([0; 6], "the driver has no hardware address: start it before the stack"),
        ([0xff; 6], "ff-ff-ff-ff-ff-ff is not the hardware address of a host: set another one in the driver"),
        (
            [1, 0, 0x5e, 0, 0, 1],
            "01-00-5e-00-00-01 is not the hardware address of a host: set another one in the driver",
        ),
    ] {
        let mut state = State::<MTU, 1, 1>::new();
        let (_, driver) = channel::new(&mut state, TheirAddress::Ethernet(address));
        let mut device = Embassy::new(driver).unwrap();
        assert_eq!(device.hardware_address().unwrap_err().to_string(), error);
        // The stack itself refuses such an address, too.
        let config = Config::new(EthernetAddress(address).into(), Seed([1; 32]), &[]);
        let mut memory = HeapPool::<Server, ()>::new(SIZES);
        let refused = Stack::new(config, &mut device, memory.memory(), Instant::from_secs(1));
        assert_eq!(refused.err(), Some(SetupError::BadHardwareAddress));
    }
}

#[test]
fn an_address_that_comes_later_is_waited_for() {
    let mut state = State::<MTU, 1, 1>::new();
    let (mut runner, driver) = channel::new(&mut state, TheirAddress::Ethernet([0; 6]));
    let mut device = Embassy::new(driver).unwrap();
    let mut task = Task::new(async {
        assert_eq!(device.wait_for_address().await, Ok(HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 1]))));
    });
    assert!(task.poll() && !task.poll());
    runner.set_link_state(LinkState::Up);
    assert!(task.poll() && !task.is_done());
    runner.set_hardware_address(ETHERNET);
    assert!(task.poll() && task.is_done());
}

#[test]
fn a_frame_free_space_and_the_link_each_wake_the_waker() {
    let woken = Arc::new(Count::default());
    let mut state = State::<MTU, 1, 1>::new();
    let (mut runner, driver) = channel::new(&mut state, ETHERNET);
    let mut device = Embassy::with_waker(driver, Waker::from(woken.clone())).unwrap();

    assert!(device.receive(Instant::ZERO).is_none());
    runner.rx_done(60);
    assert_eq!(woken.take(), 1);

    assert!(send(&mut device, &[0; 60]));
    assert!(device.transmit(Instant::ZERO).is_none());
    runner.tx_done();
    assert_eq!(woken.take(), 1);

    assert!(!device.is_link_up());
    runner.set_link_state(LinkState::Up);
    assert_eq!(woken.take(), 1);
    assert!(device.is_link_up());
}

#[test]
fn a_greeting_goes_through_two_channel_drivers() {
    let (mut states, mut now) = ([State::<MTU, 4, 4>::new(), State::new()], Instant::from_secs(1));
    let [left, right] = &mut states;
    let (mut near, driver) = channel::new(left, ETHERNET);
    let mut server_io = Io::new(Embassy::new(driver).unwrap(), NullConsole);
    let (mut far, driver) = channel::new(right, TheirAddress::Ethernet([2, 0, 0, 0, 0, 2]));
    let mut client_io = Io::new(Embassy::new(driver).unwrap(), Vec::new());
    let (mut server_memory, mut client_memory) = (HeapPool::new(SIZES), HeapPool::new(SIZES));
    let addresses = [1, 2].map(|n| [IpCidr::new(IpAddress::v4(10, 0, 0, n), 24)]);
    let config = Config::new(server_io.device.hardware_address().unwrap(), Seed([1; 32]), &addresses[0]);
    let mut server = Stack::<Server, ()>::new(config, &mut server_io.device, server_memory.memory(), now).unwrap();
    let config = Config::new(client_io.device.hardware_address().unwrap(), Seed([2; 32]), &addresses[1]);
    let mut client = Stack::<Client, ()>::new(config, &mut client_io.device, client_memory.memory(), now).unwrap();

    let greeting = app::find("greeting").unwrap();
    server.listen(Listener::new(9999, greeting.server(&Options::default()).unwrap())).unwrap();
    let session = greeting.client(&ClientOptions::sending(&[b"Li"])).unwrap();
    let to = IpEndpoint::new(addresses[0][0].address(), 9999);
    let id = client.connect(now, to, session, Duration::from_secs(5), &mut client_io).unwrap();
    while client.ended(id).is_none() {
        assert!(now < Instant::from_secs(60), "the connection never ends");
        client.poll(now, &mut client_io);
        carry(&mut far, &mut near);
        server.poll(now, &mut server_io);
        carry(&mut near, &mut far);
        now += Duration::from_millis(1);
    }
    assert_eq!(client_io.console, b"Welcome!\nHello,Li!\n");
}

/// The hardware on the other side of a channel driver.
struct Far<'d>(Runner<'d, MTU>, Ticks);

impl Peer<Embassy<channel::Device<'_, MTU>>> for Far<'_> {
    fn inject(&mut self, _device: &mut Embassy<channel::Device<'_, MTU>>, frame: &[u8]) -> bool {
        let Some(len) = self.0.try_rx_buf().and_then(|buffer| copy(frame, buffer)) else { return false };
        self.0.rx_done(len);
        true
    }

    fn observe(&mut self, _device: &mut Embassy<channel::Device<'_, MTU>>, buffer: &mut [u8]) -> Option<usize> {
        let len = copy(self.0.try_tx_buf()?, buffer);
        self.0.tx_done();
        len
    }

    fn now(&mut self) -> Instant {
        self.1.now()
    }
}

/// Moves the frames that the driver `from` has sent to the driver `to`, until `to` is full.
fn carry(from: &mut Runner<'_, MTU>, to: &mut Runner<'_, MTU>) {
    while let (Some(frame), Some(buffer)) = (from.try_tx_buf(), to.try_rx_buf()) {
        let len = copy(frame, buffer).unwrap();
        to.rx_done(len);
        from.tx_done();
    }
}

/// A waker that counts its calls.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
