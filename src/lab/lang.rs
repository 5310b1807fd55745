//! The languages of the lab's output, and how many columns a string takes on a terminal.

/// A language of the lab's output. Names of options, states and fields, and all machine-readable files, are in English.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese, with the terms of Chinese textbooks.
    Zh,
}

impl Lang {
    /// All languages.
    pub const ALL: [Lang; 2] = [Lang::En, Lang::Zh];

    /// Returns the text in this language.
    pub const fn pick<'t>(self, english: &'t str, chinese: &'t str) -> &'t str {
        match self {
            Lang::En => english,
            Lang::Zh => chinese,
        }
    }
}

/// Returns the number of columns that a text without control characters takes on a terminal.
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Returns the number of columns of a character.
///
/// Characters and punctuation of Chinese, Japanese and Korean take 2 columns, and all others take 1.
pub(crate) const fn columns_of(char: char) -> usize {
    match char {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(all(test, feature = "std"))]
pub(super) mod tests {
    use super::*;

    /// Checks that a Chinese text contains Chinese characters, differs from the English text, and uses Chinese
    /// punctuation.
    #[track_caller]
    pub(in crate::lab) fn check_chinese(english: &str, chinese: &str) {
        assert!(chinese.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{english}: {chinese}");
        assert_ne!(english, chinese);
        assert!(!chinese.contains("  ") && chinese.trim() == chinese, "{chinese}");
        // English punctuation must not follow a Chinese character.
        let chars: std::vec::Vec<char> = chinese.chars().collect();
        for pair in chars.windows(2) {
            assert!(columns_of(pair[0]) == 1 || !",.:;()".contains(pair[1]), "{chinese}");
        }
    }

    #[test]
    fn a_chinese_character_takes_two_columns() {
        assert_eq!(columns("ACK 到达。"), 4 + 3 * 2);
        assert_eq!(columns("── ↻ ►"), 6);
        assert_eq!(columns(""), 0);
        assert_eq!(Lang::En.pick("lost", "丢失"), "lost");
        assert_eq!(Lang::Zh.pick("lost", "丢失"), "丢失");
    }
}
