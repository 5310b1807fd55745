//! Formats the glossary of `lab --terms`, and the sources of explanations.

use std::fmt::Write;

use crate::lab::lang::Lang;
use crate::lab::terms::TERMS;
use crate::lab::wrap::{NO_BREAK, wrapped};

/// Returns `text` followed by its source in brackets. The source `rfc` is an RFC or a section of one. If `rfc` is
/// empty, returns `text` alone.
pub fn cited(text: &str, rfc: &str, lang: Lang) -> String {
    match (lang, rfc.split_once(" section ")) {
        _ if rfc.is_empty() => text.into(),
        (Lang::En, _) => format!("{text} ({rfc})"),
        // `NO_BREAK` keeps the words of the source on one line.
        (Lang::Zh, Some((rfc, section))) => {
            format!("{text}（{}{NO_BREAK}§{section}）", rfc.replace(' ', NO_BREAK.encode_utf8(&mut [0; 4])))
        }
        (Lang::Zh, None) => format!("{text}（{rfc}）"),
    }
}

/// Returns the glossary, in lines of at most `width` columns. The Chinese glossary also contains the English words.
pub fn glossary(lang: Lang, width: usize) -> String {
    let mut text = String::new();
    for term in TERMS {
        // Writing to a string cannot fail.
        let _ = match lang {
            Lang::En => writeln!(text, "{}", term.name),
            Lang::Zh => writeln!(text, "{}  {}", term.name(lang), term.name),
        };
        for line in wrapped(&cited(term.text(lang), term.rfc, lang), width.saturating_sub(4)) {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::lang::columns;

    #[test]
    fn the_glossary_fits_the_width() {
        for lang in Lang::ALL {
            assert!(glossary(lang, 72).lines().all(|line| columns(line) <= 72));
        }
    }

    #[test]
    fn a_source_is_not_broken() {
        let text = cited("三次握手。", "RFC 9293 section 3.5", Lang::Zh);
        assert_eq!(wrapped(&text, 20), ["三次握手。", "（RFC 9293 §3.5）"]);
        assert_eq!(cited("Three.", "RFC 9293 section 3.5", Lang::En), "Three. (RFC 9293 section 3.5)");
        assert_eq!(cited("Three.", "", Lang::En), "Three.");
    }
}
