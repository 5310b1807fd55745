//! Chooses the language of the lab: `--lang`, or else the language of the locale.

use crate::lab::lang::Lang;
use crate::lab::tokens::clip;

/// The variables that name the language of messages, in the order of POSIX. The first variable that is not empty is
/// used.
const VARIABLES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// Returns the language of the user's locale. For any language except Chinese, returns English.
pub fn of_locale() -> Lang {
    of(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

/// Returns the language of the locale. `variable` returns the value of an environment variable.
fn of(variable: impl Fn(&str) -> Option<String>) -> Lang {
    let locale = VARIABLES.iter().filter_map(|name| variable(name)).find(|value| !value.is_empty());
    locale.map_or(Lang::En, |locale| if speaks_chinese(&locale) { Lang::Zh } else { Lang::En })
}

/// Returns whether a locale such as `zh_CN.UTF-8` is Chinese. The locale must name the encoding UTF-8, or none, because
/// the lab's output is UTF-8.
fn speaks_chinese(locale: &str) -> bool {
    let locale = locale.split('@').next().unwrap_or_default();
    let (name, encoding) = locale.split_once('.').unwrap_or((locale, "UTF-8"));
    let language = name.split(['_', '-']).next().unwrap_or_default();
    let is_utf8 = ["utf-8", "utf8"].iter().any(|utf8| encoding.eq_ignore_ascii_case(utf8));
    language.eq_ignore_ascii_case("zh") && is_utf8
}

/// Parses the value of `--lang`.
///
/// # Errors
/// The error is one line that lists the languages.
pub fn parse(text: &str) -> Result<Lang, String> {
    match text {
        "en" => Ok(Lang::En),
        "zh" => Ok(Lang::Zh),
        _ => Err(format!("'{}' should be en (English) or zh (Chinese)", clip(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty variable counts as not set. Chinese needs the encoding UTF-8, or none.
    #[test]
    fn the_first_variable_that_is_set_decides() {
        let lang = |set: &[(&str, &str)]| {
            of(|name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).into()))
        };
        for (set, expected) in [
            (&[][..], Lang::En),
            (&[("LANG", "zh_CN.UTF-8")], Lang::Zh),
            (&[("LANG", "zh_TW.utf8@radical")], Lang::Zh),
            (&[("LANG", "zh-Hans")], Lang::Zh),
            (&[("LANG", "zh")], Lang::Zh),
            (&[("LANG", "zh_CN.GB18030")], Lang::En),
            (&[("LANG", "zha_CN.UTF-8")], Lang::En),
            (&[("LANG", "C")], Lang::En),
            (&[("LC_ALL", "POSIX"), ("LANG", "zh_CN.UTF-8")], Lang::En),
            (&[("LC_ALL", ""), ("LC_MESSAGES", "zh_CN.UTF-8"), ("LANG", "en_GB.UTF-8")], Lang::Zh),
            (&[("LC_ALL", "zh_CN.UTF-8"), ("LC_MESSAGES", "C")], Lang::Zh),
        ] {
            assert_eq!(lang(set), expected, "{set:?}");
        }
    }

    #[test]
    fn only_two_languages_are_known() {
        assert_eq!((parse("en"), parse("zh")), (Ok(Lang::En), Ok(Lang::Zh)));
        assert_eq!(parse("fr\u{1b}"), Err("'fr\\u{1b}' should be en (English) or zh (Chinese)".into()));
    }
}
