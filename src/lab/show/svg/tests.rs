//! Checks that pictures are well-formed.

use std::string::String;
use std::vec::Vec;

use super::*;

/// Checks that elements are closed in the right order and that text is escaped.
pub(in crate::lab) fn check(picture: &str) {
    let mut open = Vec::new();
    for part in picture.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect(part);
        assert!(!text.contains('>'), "{part}");
        let text = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
        assert!(!text.contains('&'), "{part}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{part}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap_or(tag)),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn text_is_escaped() {
    let mut out = String::new();
    write!(Escaped(&mut out), "a<b>&c").unwrap();
    assert_eq!(out, "a&lt;b&gt;&amp;c");
}
