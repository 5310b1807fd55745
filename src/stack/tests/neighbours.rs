//! Tests of connections to a host that answers neither ARP nor TCP, or that answers only ARP.

use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, IpCidr, IpEndpoint};

use super::pair::*;
use crate::stack::End;

#[test]
fn the_end_says_whether_any_host_answered() {
    // The attempts time out before and after the second ARP request.
    for timeout in [Duration::from_millis(50), Duration::from_secs(10)] {
        let mut pair = Pair::new(SMALL);
        assert_eq!(call(&mut pair, IpAddress::v4(10, 0, 0, 9), timeout, Pair::run_for), Some(End::Unreachable));
        assert_eq!(call(&mut pair, SERVER, timeout, Pair::run_for), Some(End::Refused));
        // The server's hardware address is known now.
        let end = call(&mut pair, SERVER, timeout, |pair, time| {
            pair.now += time;
            pair.client.stack.poll(pair.now, &mut pair.client.io);
            pair.to_server.borrow_mut().clear();
        });
        assert_eq!(end, Some(End::TimedOut));
    }
}

/// Returns how a connection to `remote` ends. The attempt has the timeout `timeout`. `pass` advances the time.
fn call(pair: &mut Pair, remote: IpAddress, timeout: Duration, pass: fn(&mut Pair, Duration)) -> Option<End> {
    let remote = IpEndpoint::new(remote, 7);
    let app = App::ask(b"", 1);
    let id = pair.client.stack.connect(pair.now, remote, app, timeout, &mut pair.client.io).unwrap();
    for _ in 0..20 {
        pass(pair, timeout / 20);
    }
    pair.client.stack.take(id).map(|(_, end)| end)
}

#[test]
fn the_next_hop_is_the_host_or_its_router() {
    let router = IpAddress::v4(10, 0, 0, 3);
    let mut pair = Pair::new(SMALL);
    let stack = &mut pair.client.stack;
    let (near, far) = (IpAddress::v4(10, 0, 0, 9), IpAddress::v4(10, 1, 0, 9));
    assert_eq!((stack.next_hop(near), stack.next_hop(far)), (Some(near), None));
    stack.set_router(pair.now, router, &mut pair.client.io.probe).unwrap();
    assert_eq!((stack.next_hop(near), stack.next_hop(far)), (Some(near), Some(router)));
    stack.add_address(pair.now, IpCidr::new(IpAddress::v4(10, 1, 0, 1), 16), &mut pair.client.io.probe).unwrap();
    assert_eq!(stack.next_hop(far), Some(far));
}
