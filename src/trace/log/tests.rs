use core::net::SocketAddr;

use log::Level;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress};

use super::LogProbe;
use crate::app::echo;
use crate::host::{HeapPool, Sizes};
use crate::phy::Cable;
use crate::stack::{AddressEvent, Config, ConnectionId, DropReason, End, Event, Io, NullConsole, Seed, Stack, Tuple};

#[test]
fn log_lines_name_the_event_and_the_addresses() {
    let mut probe = LogProbe::default();
    let tuple = tuple("192.168.69.1:9999", "192.168.69.100:40000");
    let refused = Event::Refused { tuple, why: DropReason::BacklogFull };
    assert_eq!(
        lines(&mut probe, 0, &refused),
        [(Level::Warn, "refused 192.168.69.100:40000 on 192.168.69.1:9999: backlog full".into())]
    );
    let from = Some(tuple.remote);
    let udp = Event::Udp { port: 9997, from, read: 1, sent: 0 };
    let line = "received 1 byte from 192.168.69.100:40000 on udp port 9997, sent 0 bytes";
    assert_eq!(lines(&mut probe, 0, &udp), [(Level::Info, line.into())]);
}

#[test]
fn ipv6_addresses_are_written_in_brackets() {
    let refused = Event::Refused { tuple: tuple("[fdaa::1]:7", "[fdaa::64]:40000"), why: DropReason::SlotsFull };
    let (_, line) = lines(&mut LogProbe::default(), 0, &refused).remove(0);
    assert_eq!(line, "refused [fdaa::64]:40000 on [fdaa::1]:7: all connection slots taken");
}

#[test]
fn a_host_that_uses_our_address_is_named() {
    let by = EthernetAddress([2, 0, 0, 0, 0, 9]);
    let duplicate = Event::Address(AddressEvent::Duplicate { address: IpAddress::v4(10, 0, 0, 1), by });
    let line = "10.0.0.1 is used by 02:00:00:00:00:09, too";
    assert_eq!(lines(&mut LogProbe::default(), 0, &duplicate), [(Level::Warn, line.into())]);
}

#[test]
fn lines_about_drops_are_limited_and_the_rest_counted() {
    let mut probe = LogProbe::default();
    let dropped = Event::Dropped(DropReason::SlotsFull);
    let mut warnings = 0;
    for i in 0..100 {
        warnings += lines(&mut probe, i, &dropped).iter().filter(|(level, _)| *level == Level::Warn).count();
    }
    assert_eq!(warnings, LogProbe::DROPPED_A_SECOND as usize);
    let line = "dropped more: 95 lines left out (they are at debug level)";
    assert_eq!(
        lines(&mut probe, 1_000_000, &dropped),
        [(Level::Warn, line.into()), (Level::Warn, "dropped a connection attempt: all connection slots taken".into())]
    );
    assert_eq!(lines(&mut probe, 2_000_000, &dropped).len(), 1, "reported once");
}

#[test]
fn ignored_dhcp_messages_are_logged_once_a_second() {
    let mut probe = LogProbe::default();
    for second in 0..3 {
        let mut warnings = Vec::new();
        for i in 0..100 {
            let why = [DropReason::DhcpTransaction, DropReason::DhcpNak][i % 2];
            let told = lines(&mut probe, second * 1_000_000 + i as i64, &Event::Dropped(why));
            warnings.extend(told.into_iter().filter(|(level, _)| *level == Level::Warn).map(|(_, line)| line));
        }
        assert_eq!(warnings, ["ignored a message: DHCP reply to another request"]);
    }
}

#[test]
fn left_out_lines_are_reported_before_the_connection_closes() {
    let mut probe = LogProbe::default();
    let (id, tuple) = (connection(), tuple("10.0.0.1:7", "10.0.0.2:40000"));
    for _ in 0..130 {
        lines(&mut probe, 0, &Event::Read { id, tuple, bytes: 1 });
    }
    let lines = lines(&mut probe, 0, &Event::Ended { id, tuple, end: End::Closed });
    let told = lines.iter().map(|(_, line)| line.split(':').next().unwrap()).collect::<Vec<_>>();
    assert_eq!(told, ["received more", "closed 10.0.0.2"]);
    assert!(lines[0].1.contains(" 30 lines left out"), "{lines:?}");
}

#[test]
fn dropped_frames_are_logged_at_debug_level() {
    let dropped = Event::Dropped(DropReason::FragmentedTcp);
    assert_eq!(
        lines(&mut LogProbe::default(), 0, &dropped),
        [(Level::Debug, "dropped a frame: TCP in IP fragments".into())]
    );
}

/// Returns the id of a connection. Only a stack can create an id.
fn connection() -> ConnectionId {
    let (now, mut cable) = (Instant::from_secs(1), Cable::<2, 1514>::new());
    let mut io = Io::new(cable.ends().0, NullConsole);
    let mut pool = HeapPool::new(Sizes { connections: 1, ..Sizes::SERVER });
    let address = ["10.0.0.1/24".parse().unwrap()];
    let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1]).into(), Seed([1; 32]), &address);
    let mut stack: Stack<'_, echo::Server, ()> = Stack::new(config, &mut io.device, pool.memory(), now).unwrap();
    let remote = "10.0.0.2:40000".parse::<SocketAddr>().unwrap();
    stack.connect(now, remote.into(), echo::Server, Duration::from_secs(1), &mut io).unwrap()
}

fn lines(probe: &mut LogProbe, micros: i64, event: &Event) -> Vec<(Level, String)> {
    let mut lines = Vec::new();
    probe.report(Instant::from_micros(micros), event, &mut |level, line| lines.push((level, line.to_string())));
    lines
}

fn tuple(local: &str, remote: &str) -> Tuple {
    let endpoint = |text: &str| text.parse::<SocketAddr>().unwrap().into();
    Tuple { local: endpoint(local), remote: endpoint(remote) }
}
