//! In QEMU, each start of an image has a different seed, unless the build sets SMOLSTEP_SEED.

use smoltcp::phy::Medium;
use smoltcp::wire::TcpPacket;

use crate::board::Image;
use crate::common::firmware::Settings;
use crate::common::hostile::frame::{
    CLIENT, CLIENT_MAC, Ends, SERVER, SERVER_MAC, SYN, TCP, fix_checksums, frame, ip, tcp,
};
use crate::common::netns::in_namespace;
use crate::common::skip;
use crate::wire::{NETDEV, Wire};

/// With an empty SMOLSTEP_SEED, the build draws a random seed.
const NOT_SET: Settings = &[("SMOLSTEP_SEED", "")];

#[test]
fn two_starts_of_an_image_have_different_seeds() {
    let image = match Image::build("mps2-an385-echo", NOT_SET) {
        Ok(image) => image,
        Err(why) => return skip("qemu", &why),
    };
    in_namespace("seed::two_starts_of_an_image_have_different_seeds", move || {
        // The clocks of the two starts differ by less than this limit, which is one minute in ticks of 4 µs.
        let near = 15_000_000;
        let [first, second] = [(); 2].map(|()| isn(&image));
        let apart = first.wrapping_sub(second);
        assert!(apart.min(apart.wrapping_neg()) > near, "{first} and {second}");
    });
}

/// Boots the image, sends it a SYN, and returns the initial sequence number of the answer. The SYN is the same each
/// time.
fn isn(image: &Image) -> u32 {
    let wire = Wire::new();
    let _board = image.boot(&["--netdev", NETDEV]);
    // The first frame shows that the board has started.
    wire.receive();
    wire.find(CLIENT_MAC, CLIENT);
    let mut packet = ip(Ends::V4(CLIENT, SERVER), TCP, 0, &tcp((5000, 7), 1, 0, SYN, 1000, &[], b""));
    fix_checksums(&mut packet);
    wire.send(&frame(Medium::Ethernet, SERVER_MAC, CLIENT_MAC, packet));
    loop {
        let reply = wire.receive();
        if reply[12..14] == [8, 0] && reply[23] == TCP {
            return TcpPacket::new_checked(&reply[34..]).unwrap().seq_number().0 as u32;
        }
    }
}
