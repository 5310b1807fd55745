//! Suggestions for misspelt words.

use strsim::damerau_levenshtein;

/// Returns the candidate nearest to `word`, or `None` if no candidate is near enough. Case is ignored. A near candidate
/// differs from `word` in at most a third of the letters of `word`, rounded down. If `word` has two letters or more, a
/// candidate that begins with `word` is also near.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let letters = word.chars().count();
    let distance = |candidate: &str| match letters >= 2 && candidate.to_lowercase().starts_with(&word) {
        true => 0,
        // The distance is at least the difference of the lengths. Comparing the lengths first saves much time with a
        // very long word.
        false if letters.abs_diff(candidate.chars().count()) > letters / 3 => usize::MAX,
        false => damerau_levenshtein(&word, &candidate.to_lowercase()),
    };
    let near = candidates.into_iter().map(|candidate| (distance(candidate), candidate));
    near.filter(|(distance, _)| *distance <= letters / 3).min_by_key(|(distance, _)| *distance).map(|(_, near)| near)
}

/// Returns the end of an error message about an unknown `word`. It names the nearest candidate, or all candidates.
pub fn did_you_mean(word: &str, candidates: &[&str]) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("there are {}", candidates.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_word_has_a_suggestion() {
        let names = ["greeting", "echo", "chat", "upper", "http"];
        for (word, near) in [
            ("greting", Some("greeting")),
            ("greetng", Some("greeting")),
            ("GREETING", Some("greeting")),
            ("greet", Some("greeting")),
            ("ehco", Some("echo")),
            ("uper", Some("upper")),
            ("htp", Some("http")),
            ("nosuch", None),
            ("nc", None),
            // A single letter is too short to count as the beginning of a candidate.
            ("g", None),
            ("", None),
            ("straße", None),
        ] {
            assert_eq!(nearest(word, names), near, "{word}");
        }
    }
}
