//! Sends 100,000 messages to each target, valid messages first.

use super::random::{Random, seed};
use super::{TARGETS, Target};

const MESSAGES: usize = 100_000;
const SEED: u64 = 0xf055_5eed;

macro_rules! bulk {
    ($($name:ident)+) => {
        $(
            #[test]
            fn $name() {
                attack(stringify!($name));
            }
        )+

        #[test]
        fn no_target_is_left_out() {
            assert_eq!([$(stringify!($name)),+].to_vec(), TARGETS.map(|target| target.name));
        }
    };
}

bulk!(advertisements chat_datagrams chat_messages chat_room chat_talk dhcp dns http_client http_server lab_files lab_session packetdrill segments);

/// Runs a target with its honest inputs, then with mutated inputs, until it has processed 100,000 messages.
fn attack(name: &str) {
    let target: &Target = TARGETS.into_iter().find(|target| target.name == name).unwrap();
    (target.honest)().iter().for_each(|input| (target.run)(input));
    let seed = seed(SEED);
    let (mut sent, mut number) = (0, seed);
    while sent < MESSAGES {
        let _tell = Tell(number);
        let (input, messages) = (target.hostile)(&mut Random(number));
        (target.run)(&input);
        sent += messages;
        number = number.wrapping_add(1);
    }
}

/// If the test fails, prints the seed with which the failing input is the first input.
struct Tell(u64);

impl Drop for Tell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("SMOLSTEP_SEED={} makes this input the first", self.0);
        }
    }
}
