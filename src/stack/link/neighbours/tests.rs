//! Checks the table against a plain list over many random operations.

use std::collections::VecDeque;
use std::vec::Vec;

use super::*;
use crate::testing::random::{Random, seed};

/// The longest packet of the link.
const MTU: usize = 30;

/// The model's entry for an address.
struct Entry {
    address: IpAddress,
    hardware: Option<EthernetAddress>,
    fresh_until: Instant,
    asked_at: Instant,
    requests: u8,
    /// Whether the most recent request was scheduled by `ask_soon`, because the hardware address was stale.
    is_postponed: bool,
    kept: VecDeque<Vec<u8>>,
}

struct Model {
    entries: Vec<Entry>,
    lost: u32,
}

impl Model {
    fn of(&mut self, address: IpAddress) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.address == address)
    }

    /// Removes the model's entries that the table no longer has, after a call that might have replaced an entry.
    fn follow(&mut self, table: &Neighbours<'_>) {
        let (gone, left): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.entries).into_iter().partition(|entry| table.position(&entry.address).is_none());
        assert!(gone.len() <= 1);
        self.entries = left;
        for entry in gone {
            self.lost += entry.kept.len() as u32;
            // In a larger table, the search for a free entry can run out of tries.
            if table.entries.len() <= TRIES / 2 && (entry.requests > 0 || !entry.kept.is_empty()) {
                let idle = self.entries.iter().find(|entry| {
                    let index = table.position(&entry.address).unwrap();
                    table.entries[index].queued == [false; 2]
                });
                assert!(idle.is_none(), "an entry with work was replaced before an idle entry");
            }
        }
    }
}

/// Returns the IP address of neighbour `number`.
fn address(number: usize) -> IpAddress {
    if number.is_multiple_of(3) {
        IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, number as u16)
    } else {
        IpAddress::v4(10, 0, 0, number as u8)
    }
}

fn hardware(number: usize) -> EthernetAddress {
    EthernetAddress([2, 0, 0, 0, 0, number as u8])
}

/// Sends a packet to a neighbour. Returns the hardware address to which the packet is sent.
fn send(table: &mut Neighbours<'_>, now: Instant, address: &IpAddress) -> Option<EthernetAddress> {
    let (hardware, is_old) = table.find(now, address)?;
    if is_old {
        table.ask_soon(now, address);
    }
    Some(hardware)
}

/// Runs `steps` operations on a table of `size` entries and `slots` slots. A slot has room for two of the longest
/// packets.
fn run(seed: u64, size: usize, slots: usize, unhashed: bool, steps: usize) {
    let mut random = Random(seed);
    let (mut entries, mut kept) = (std::vec![Neighbour::default(); size], std::vec![0; slots * 2 * (MTU + PREFIX)]);
    let mut table = Neighbours::new(&mut entries, &mut kept, 2 * MTU + PREFIX, seed);
    table.unhashed = unhashed;
    let mut model = Model { entries: Vec::new(), lost: 0 };
    let mut now = Instant::from_secs(1);
    for _ in 0..steps {
        let (address, hardware) = (address(random.below(3 * size)), hardware(random.below(3)));
        let operation = random.below(12);
        match operation {
            0 | 1 => now += Duration::from_millis(random.below(700) as u64),
            2 if random.below(20) == 0 => now += FRESH,
            2 | 3 => {
                let found = send(&mut table, now, &address);
                let entry = model.of(address);
                assert_eq!(found, entry.as_ref().and_then(|entry| entry.hardware));
                if let Some(entry) = entry
                    && entry.hardware.is_some()
                    && now >= entry.fresh_until
                    && entry.requests == 0
                {
                    (entry.requests, entry.asked_at, entry.is_postponed) = (1, now + RETRY - INTERVAL, true);
                }
            }
            4 => {
                let asks = table.ask(now, address);
                model.follow(&table);
                let known = model.of(address);
                assert_eq!(asks, known.as_ref().is_none_or(|entry| entry.requests == 0));
                match known {
                    Some(entry) if asks => (entry.requests, entry.asked_at, entry.is_postponed) = (1, now, false),
                    Some(_) => {}
                    None => model.entries.push(Entry {
                        address,
                        hardware: None,
                        fresh_until: now,
                        asked_at: now,
                        requests: 1,
                        is_postponed: false,
                        kept: VecDeque::new(),
                    }),
                }
            }
            5 | 6 => {
                let add = random.below(2) == 0;
                let learnt = table.learn(now, address, hardware, add);
                model.follow(&table);
                let known = model.of(address);
                assert_eq!(learnt, known.as_ref().map_or(add, |entry| entry.hardware.is_none()));
                match known {
                    Some(entry) => {
                        (entry.hardware, entry.fresh_until, entry.requests) = (Some(hardware), now + FRESH, 0);
                    }
                    None if add => model.entries.push(Entry {
                        address,
                        hardware: Some(hardware),
                        fresh_until: now + FRESH,
                        asked_at: now,
                        requests: 0,
                        is_postponed: false,
                        kept: VecDeque::new(),
                    }),
                    None => {}
                }
            }
            7 => {
                table.confirm(now, &address, hardware);
                if let Some(entry) = model.of(address).filter(|entry| entry.hardware == Some(hardware)) {
                    (entry.fresh_until, entry.requests) = (now + FRESH, 0);
                }
            }
            8 => {
                table.doubt(now, &address);
                if let Some(entry) = model.of(address) {
                    entry.fresh_until = now;
                }
            }
            9 => {
                // The stack keeps packets only for a neighbour that has an unanswered request.
                let packet = random.bytes_below(MTU + 5);
                let waits = model.of(address).is_some_and(|entry| entry.hardware.is_none() && entry.requests > 0);
                if waits {
                    keep(&mut table, &mut model, address, &packet);
                }
            }
            10 if random.below(10) == 0 => {
                if let Some(index) = table.position(&address) {
                    table.lose(index);
                    table.forget(index);
                    let slot = model.entries.iter().position(|entry| entry.address == address).unwrap();
                    model.lost += model.entries.swap_remove(slot).kept.len() as u32;
                }
            }
            _ => work(&mut table, &mut model, now),
        }
        check(&table, &mut model, now);
        assert_eq!(table.take_lost(), core::mem::take(&mut model.lost), "operation {operation}");
    }
}

/// Keeps a packet in the table and in the model. The model does not know how neighbours share slots, so it takes the
/// remaining packets from the table.
fn keep(table: &mut Neighbours<'_>, model: &mut Model, address: IpAddress, packet: &[u8]) {
    let fits = table.keep(&address, packet);
    assert_eq!(fits, table.slots > 0);
    if !fits {
        return;
    }
    for entry in &mut model.entries {
        let index = table.position(&entry.address).unwrap();
        let mut left = packets(table, index);
        if entry.address == address {
            assert_eq!(left.pop().as_deref(), Some(packet));
        }
        // A neighbour loses all of its packets or none.
        assert!(left.is_empty() || entry.kept.iter().eq(&left));
        model.lost += (entry.kept.len() - left.len()) as u32;
        entry.kept = left.into();
    }
    model.of(address).unwrap().kept.push_back(packet.to_vec());
}

/// Does all due work.
fn work(table: &mut Neighbours<'_>, model: &mut Model, now: Instant) {
    while let Some(due) = table.next_due(now) {
        match due {
            Due::Ask(address) => {
                let entry = model.of(address).unwrap();
                assert!(now >= entry.asked_at + INTERVAL && (1..REQUESTS).contains(&entry.requests));
                (entry.requests, entry.asked_at, entry.is_postponed) = (entry.requests + 1, now, false);
            }
            Due::Send(index, hardware) => {
                let address = table.entries[index].address.unwrap();
                let entry = model.of(address).unwrap();
                let packet = entry.kept.pop_front().unwrap();
                assert_eq!((entry.hardware, table.first_kept(index)), (Some(hardware), Some(&packet[..])));
                table.drop_kept(index);
            }
            Due::GiveUp(index) => {
                let address = table.entries[index].address.unwrap();
                let slot = model.entries.iter().position(|entry| entry.address == address).unwrap();
                let entry = &mut model.entries[slot];
                assert!(now >= entry.asked_at + INTERVAL && entry.requests == REQUESTS);
                if now.total_micros() % 3 == 0 {
                    assert_eq!(table.ask_anew(now, index), Some(address));
                    (entry.requests, entry.asked_at, entry.is_postponed) = (1, now, false);
                    continue;
                }
                table.lose(index);
                table.forget(index);
                model.lost += model.entries.swap_remove(slot).kept.len() as u32;
            }
        }
    }
    let late = |entry: &Entry| entry.requests > 0 && !entry.is_postponed && entry.asked_at + INTERVAL <= now;
    assert!(!model.entries.iter().any(|entry| late(entry) || entry.hardware.is_some() && !entry.kept.is_empty()));
}

/// Compares all entries and the deadline of the table with the model.
fn check(table: &Neighbours<'_>, model: &mut Model, now: Instant) {
    let used = table.entries.iter().filter(|entry| entry.address.is_some()).count();
    assert_eq!(used, model.entries.len());
    let mut first = None;
    for entry in &model.entries {
        assert_eq!(table.entry(&entry.address), Some(entry.hardware));
        let index = table.position(&entry.address).unwrap();
        assert!(packets(table, index).iter().eq(&entry.kept));
        assert_eq!(table.holds(&entry.address), !entry.kept.is_empty());
        if entry.requests > 0 && !entry.is_postponed {
            first = crate::stack::connections::sooner(first, Some(entry.asked_at + INTERVAL));
        }
        if entry.hardware.is_some() && !entry.kept.is_empty() {
            first = Some(Instant::ZERO);
        }
    }
    // Unlike the model, the table counts postponed requests, so the table can be due earlier. The table is due within a
    // second.
    assert!(first.is_none_or(|first| table.due().is_some_and(|due| due <= first)), "{first:?} {:?}", table.due());
    assert!(table.due().is_none_or(|due| due <= now + INTERVAL));
    let asks = model.entries.iter().any(|entry| entry.requests > 0);
    assert!(!asks || !table.is_idle());
}

/// Returns the packets that wait in an entry.
fn packets(table: &Neighbours<'_>, index: usize) -> Vec<Vec<u8>> {
    let ((mut from, to), mut packets) = (table.entries[index].kept, Vec::new());
    while from < to {
        let size = table.kept.len() / table.slots;
        let at = index % table.slots * size + from as usize;
        let len = usize::from(u16::from_le_bytes([table.kept[at], table.kept[at + 1]]));
        packets.push(table.kept[at + PREFIX..at + PREFIX + len].to_vec());
        from += (PREFIX + len) as u32;
    }
    packets
}

#[test]
fn the_table_behaves_like_a_plain_list() {
    let seed = seed(1);
    for (number, (size, slots)) in [(1, 1), (2, 0), (4, 4), (8, 1), (8, 3), (24, 24)].into_iter().enumerate() {
        for unhashed in [false, true] {
            run(seed + number as u64, size, slots, unhashed, 20_000);
        }
    }
}

/// Learning 100,000 unrequested neighbours replaces neither a neighbour that this host uses nor a neighbour with an
/// unanswered request.
#[test]
fn unrequested_neighbours_replace_no_neighbour_in_use() {
    let (mut entries, mut kept) = (std::vec![Neighbour::default(); 1024], std::vec![0; 1024 * (MTU + PREFIX)]);
    let mut table = Neighbours::new(&mut entries, &mut kept, MTU, 7);
    let (peer, silent) = (address(1), address(2));
    let mut now = Instant::from_secs(1);
    table.learn(now, peer, hardware(1), true);
    assert!(table.ask(now, silent) && table.keep(&silent, b"a packet"));
    for number in 0..100_000_u32 {
        let [_, b, c, d] = number.to_be_bytes();
        table.learn(now, IpAddress::v4(10, 1 + b, c, d), hardware(7), true);
        if number % 500 == 0 {
            now += Duration::from_millis(1);
            assert_eq!(table.find(now, &peer).map(|(hardware, _)| hardware), Some(hardware(1)));
        }
    }
    assert!(table.holds(&silent));
    table.learn(now, silent, hardware(2), false);
    let Some(Due::Send(index, to)) = table.next_due(now) else { panic!() };
    assert_eq!((to, table.first_kept(index)), (hardware(2), Some(&b"a packet"[..])));
    assert_eq!(table.take_lost(), 0);
}

/// If every neighbour has an unanswered request, a replaced neighbour loses its packet, and the packet is counted.
#[test]
fn a_replaced_packet_is_counted() {
    let (mut entries, mut kept) = (std::vec![Neighbour::default(); 8], std::vec![0; 8 * (MTU + PREFIX)]);
    let mut table = Neighbours::new(&mut entries, &mut kept, MTU, 7);
    let now = Instant::from_secs(1);
    for number in 0..20 {
        assert!(table.ask(now, address(number)) && table.keep(&address(number), b"a packet"));
    }
    assert_eq!((table.take_lost(), table.take_lost()), (12, 0));
    // A second packet that does not fit after the first packet replaces the first packet.
    assert!(table.keep(&address(19), &[1; MTU]));
    assert_eq!(table.take_lost(), 1);
    table.clear();
    assert_eq!((table.take_lost(), table.is_idle()), (8, true));
}
