//! A cable that loses one frame in twenty, each way: what arrives is still exact.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::board::{BOARD, on_every_board};
use crate::common::hostile::random::{Random, seed};
use crate::common::link::{connect, expect, expect_last, send};
use crate::connections::echoes;
use crate::wire::{NETDEV, Way, Wire};

#[test]
fn losses_are_made_good() {
    on_every_board("loss::losses_are_made_good", |image| {
        let wire = Wire::new();
        let _board = image.serve_on(NETDEV);
        let mut random = Random(seed(0x10_55));
        let lost = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let counted = lost.clone();
        let _relay = wire.relay(move |way, frame| {
            let drop = random.below(100) < 5;
            counted[usize::from(way == Way::ToBoard)].fetch_add(drop.into(), Ordering::Relaxed);
            (!drop).then_some(frame)
        });

        let mut greeting = connect(BOARD, 9999);
        expect(&mut greeting, "Welcome!");
        for name in ["Li", "Cheng", "victor"] {
            send(&mut greeting, name);
            expect(&mut greeting, format!("Hello,{name}!"));
        }
        send(&mut greeting, "exit");
        expect_last(&mut greeting, "");
        echoes(100_000);
        assert!(lost.iter().all(|lost| lost.load(Ordering::Relaxed) > 0), "nothing was lost: {lost:?}");
    });
}
