use std::convert::Infallible;

use smoltcp::phy::Medium;

use super::{Frame, LinkType, SNAP_LEN, Sink, TEXT, Writer};
use crate::stack::Direction;

impl Sink for Vec<u8> {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

#[test]
fn the_section_header_follows_the_standard() {
    let Ok(writer) = Writer::new(Vec::new());
    let expected =
        [&[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0][..], &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0], &[0xff; 8], &[28, 0, 0, 0]];
    assert_eq!(writer.into_sink(), expected.concat());
}

#[test]
fn an_interface_has_its_name_and_link_type_and_counts_microseconds() {
    let Ok(mut writer) = Writer::new(Vec::new());
    let Ok(_) = writer.interface("tap0!", LinkType::from(Medium::Ethernet));
    let Ok(_) = writer.interface("", LinkType::from(Medium::Ip));
    let expected = [
        &[1, 0, 0, 0, 44, 0, 0, 0][..],
        &[1, 0, 0, 0, 0x0d, 0, 1, 0],
        &[2, 0, 5, 0, b't', b'a', b'p', b'0', b'!', 0, 0, 0],
        &[9, 0, 1, 0, 6, 0, 0, 0],
        &[0, 0, 0, 0],
        &[44, 0, 0, 0],
    ];
    let bytes = writer.into_sink();
    assert_eq!(bytes[28..72], expected.concat());
    assert_eq!(bytes[80..82], [101, 0]);
    check_blocks(&bytes, 3);
}

#[test]
fn a_frame_is_written_with_time_lengths_padding_comment_and_direction() {
    let Ok(mut writer) = Writer::new(Vec::new());
    let Ok(interface) = writer.interface("", LinkType::RawIp);
    let micros = 0x0001_0203_0405_0607;
    let Ok(()) = writer.frame(&Frame {
        interface,
        micros,
        direction: Some(Direction::Out),
        bytes: b"frame",
        comment: "né", // 3 bytes
    });
    let expected = [
        &[6, 0, 0, 0, 60, 0, 0, 0][..],
        &[0, 0, 0, 0],
        &[3, 2, 1, 0, 7, 6, 5, 4],
        &[5, 0, 0, 0, 5, 0, 0, 0],
        b"frame\0\0\0",
        &[1, 0, 3, 0, b'n', 0xc3, 0xa9, 0],
        &[2, 0, 4, 0, 2, 0, 0, 0],
        &[0, 0, 0, 0],
        &[60, 0, 0, 0],
    ];
    let bytes = writer.into_sink();
    check_blocks(&bytes, 3);
    assert!(bytes.ends_with(&expected.concat()));
}

#[test]
fn blocks_are_right_for_every_padding() {
    let Ok(mut writer) = Writer::new(Vec::new());
    let Ok(interface) = writer.interface("n", LinkType::Ethernet);
    for len in 0..9 {
        let (bytes, comment) = (&b"12345678"[..len.min(8)], &"abcdefgh"[..8 - len.min(8)]);
        let Ok(()) = writer.frame(&Frame { interface, micros: 0, direction: None, bytes, comment });
    }
    check_blocks(&writer.into_sink(), 11);
}

#[test]
fn long_frames_and_texts_are_cut_and_the_real_length_is_kept() {
    let Ok(mut writer) = Writer::new(Vec::new());
    let long_text = "ü".repeat(TEXT) + "!";
    let Ok(interface) = writer.interface(&long_text[2..], LinkType::Ethernet);
    let start = 28 + 12 + 8 + 4 + TEXT + 8 + 4;
    let bytes = vec![1; SNAP_LEN + 10];
    let comment = format!("!{long_text}");
    let Ok(()) =
        writer.frame(&Frame { interface, micros: 0, direction: Some(Direction::In), bytes: &bytes, comment: &comment });
    let file = writer.into_sink();
    check_blocks(&file, 3);
    assert_eq!(file[start + 20..start + 24], (SNAP_LEN as u32).to_le_bytes());
    assert_eq!(file[start + 24..start + 28], (SNAP_LEN as u32 + 10).to_le_bytes());
    let comment_at = start + 28 + SNAP_LEN.next_multiple_of(4);
    assert_eq!(file[comment_at..comment_at + 4], [1, 0, 0xff, 3], "1,023 bytes: no half character");
}

/// Checks each block by its length, which is written at both ends of the block.
fn check_blocks(mut file: &[u8], expected: usize) {
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap()) as usize;
    let mut blocks = 0;
    while !file.is_empty() {
        let len = number(&file[4..8]);
        assert_eq!(len % 4, 0);
        assert_eq!(number(&file[len - 4..len]), len);
        file = &file[len..];
        blocks += 1;
    }
    assert_eq!(blocks, expected);
}
