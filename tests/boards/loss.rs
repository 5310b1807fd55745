//! A cable loses one frame in twenty in each direction. The test checks that the received data is complete and
//! unchanged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::board::{BOARD, on_every_controller};
use crate::common::hostile::random::{Random, seed};
use crate::common::link::{connect, expect, expect_last, send};
use crate::connections::echoes;
use crate::wire::{NETDEV, Way, Wire};

/// Loses one random frame out of every twenty, so that even a short transfer is certain to lose frames.
struct Losses {
    random: Random,
    seen: usize,
    victim: usize,
}

impl Losses {
    const OUT_OF: usize = 20;

    fn new(seed: u64) -> Losses {
        Losses { random: Random(seed), seen: 0, victim: 0 }
    }

    /// Returns whether the next frame is lost.
    fn next(&mut self) -> bool {
        if self.seen == 0 {
            self.victim = self.random.below(Self::OUT_OF);
        }
        let lost = self.seen == self.victim;
        self.seen = (self.seen + 1) % Self::OUT_OF;
        lost
    }
}

#[test]
fn lost_frames_lose_no_data() {
    on_every_controller("loss::lost_frames_lose_no_data", |image| {
        let wire = Wire::new();
        let _board = image.serve_on(NETDEV);
        let seed = seed(0x10_55);
        let mut losses = [Losses::new(seed), Losses::new(!seed)];
        let lost = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let counted = lost.clone();
        let _relay = wire.relay(move |way, frame| {
            let way = usize::from(way == Way::ToBoard);
            let drop = losses[way].next();
            counted[way].fetch_add(drop.into(), Ordering::Relaxed);
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
