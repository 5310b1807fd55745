//! The source of a client's messages: the client's arguments, or lines from the console.

use super::text::split_line_end;
use crate::stack::{self, Console, MESSAGE};

/// The prompt for a line.
pub const PROMPT: &str = ">> ";

/// The text that stands for lines from the console.
pub const CONSOLE: &[u8] = b"-";

/// The messages that a client sends, in order.
///
/// A message is a line without its line ending. A line of more than [`MESSAGE`] bytes becomes several messages of at
/// most that length. The final line needs no line ending.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// The current text, if it is an argument and not a line from the console.
    current: &'a [u8],
    rest: &'a [&'a [u8]],
    /// Whether lines from the console replace [`CONSOLE`].
    dash: bool,
    /// Whether the next messages are lines from the console. Becomes false at the end of the console's input.
    reading: bool,
    line: Line,
}

/// The result of [`Input::advance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// There are no more messages.
    End,
    /// The console has no complete line yet.
    NotYet,
    /// [`Input::text`] is the next text.
    Text,
}

impl<'a> Input<'a> {
    /// Creates an input of `texts`, or of lines from the console if `texts` is empty.
    pub fn new(texts: &'a [&'a [u8]]) -> Self {
        Self::with_prompt(texts, PROMPT)
    }

    /// Like [`new`](Self::new), with `prompt` instead of the usual prompt.
    pub fn with_prompt(texts: &'a [&'a [u8]], prompt: &'static str) -> Self {
        Input { current: &[], rest: texts, dash: false, reading: texts.is_empty(), line: Line::new(prompt) }
    }

    /// If `dash`, a message that equals [`CONSOLE`] is replaced by lines from the console.
    pub fn with_dash(self, dash: bool) -> Self {
        Input { dash, ..self }
    }

    /// Returns whether all remaining messages are lines from the console.
    pub fn reads_console(&self) -> bool {
        self.reading && self.rest.is_empty()
    }

    /// Moves to the next text: a line from the console, or an argument.
    pub fn advance(&mut self, console: &mut dyn Console) -> Advance {
        loop {
            // `reading` says whether the texts come from the console now.
            if self.reading {
                match self.line.advance(console) {
                    Advance::End => self.reading = false,
                    found => return found,
                }
            }
            match self.rest.split_first() {
                // Lines from the console take the place of this text.
                Some((&CONSOLE, others)) if self.dash => (self.reading, self.rest) = (true, others),
                Some((first, others)) => {
                    (self.current, self.rest) = (first, others);
                    return Advance::Text;
                }
                None => return Advance::End,
            }
        }
    }

    /// Returns the text that the most recent [`advance`](Self::advance) moved to.
    pub fn text(&self) -> &[u8] {
        if self.reading { self.line.bytes.get(..self.line.text).unwrap_or_default() } else { self.current }
    }

    /// Returns whether the text is the beginning of a longer line.
    pub fn is_cut(&self) -> bool {
        self.line.cut
    }
}

/// Assembles lines from the console's bytes.
#[derive(Clone, Debug)]
struct Line {
    /// The bytes read from the console. This array can store the longest text with its line ending.
    bytes: [u8; MESSAGE + 2],
    filled: usize,
    /// The length of the current text.
    text: usize,
    /// The length of the current text and its line ending. The next call of [`advance`](Self::advance) removes both.
    used: usize,
    /// Whether the current text is the beginning of a longer line.
    cut: bool,
    /// Whether the console's input has ended.
    ended: bool,
    prompt: &'static str,
    /// Whether the next line needs no further prompt.
    prompted: bool,
}

impl Line {
    fn new(prompt: &'static str) -> Self {
        Line { bytes: [0; MESSAGE + 2], filled: 0, text: 0, used: 0, cut: false, ended: false, prompt, prompted: false }
    }

    /// Removes the current text, and moves to the next text. Reads from the console until the next text is complete.
    fn advance(&mut self, console: &mut dyn Console) -> Advance {
        // The first `used` of the `filled` bytes are the current text and its line ending.
        self.bytes.copy_within(self.used..self.filled, 0);
        self.filled -= self.used;
        (self.text, self.used) = (0, 0);
        loop {
            if let Some((text, used)) = self.first_text() {
                (self.text, self.used) = (text, used);
                // A text without a line ending was cut, unless it is the end of the input.
                self.cut = text == used && used < self.filled;
                // The rest of a cut line has already been typed, so it needs no prompt.
                self.prompted = self.cut;
                return Advance::Text;
            }
            if self.ended {
                return Advance::End;
            }
            if !self.prompted {
                console.prompt(self.prompt);
                self.prompted = true;
            }
            match console.read(&mut self.bytes[self.filled..]) {
                // `min` keeps `filled` valid even if a console reports more bytes than fit.
                stack::Input::Bytes(len) => self.filled = self.bytes.len().min(self.filled + len),
                stack::Input::End => self.ended = true,
                stack::Input::NotYet => return Advance::NotYet,
            }
        }
    }

    /// Returns the length of the first text, without and with its line ending. Returns `None` if the text is not
    /// complete.
    fn first_text(&self) -> Option<(usize, usize)> {
        let bytes = &self.bytes[..self.filled];
        if let Some(line) = bytes.split_inclusive(|&b| b == b'\n').next().filter(|line| line.ends_with(b"\n")) {
            let (text, _) = split_line_end(line);
            // A line that is too long is cut. The rest of the line, with its line ending, is the next text.
            return Some(if text.len() > MESSAGE { (MESSAGE, MESSAGE) } else { (text.len(), line.len()) });
        }
        // A text without a line ending is complete at the end of the input, or if the array is full.
        let last = self.ended && !bytes.is_empty();
        let len = bytes.len().min(MESSAGE);
        (last || bytes.len() == self.bytes.len()).then_some((len, len))
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use crate::app::tests::rig::Script;

    fn lines(typed: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut console = Script::typing(typed);
        let mut input = Input::new(&[]);
        let mut lines = Vec::new();
        loop {
            match input.advance(&mut console) {
                Advance::Text => lines.push(input.text().to_vec()),
                Advance::NotYet => {}
                Advance::End => return lines,
            }
        }
    }

    #[test]
    fn line_endings_are_removed() {
        assert_eq!(lines(&[b"a\r\nb\n\nc\r"]), [&b"a"[..], b"b", b"", b"c\r"]);
        assert_eq!(lines(&[b"a", b"b\nc", b"\r", b"\nd"]), [&b"ab"[..], b"c", b"d"]);
        assert!(lines(&[]).is_empty());
    }

    #[test]
    fn console_lines_replace_a_dash() {
        let texts: [(&[&[u8]], &[&str]); 5] = [
            (&[b"-"], &["one", "", "two"]),
            (&[b"a", b"-", b"b"], &["a", "one", "", "two", "b"]),
            (&[b"-", b"b"], &["one", "", "two", "b"]),
            (&[b"a", b"-", b"-"], &["a", "one", "", "two"]),
            (&[b"--", b""], &["--", ""]),
        ];
        for (texts, want) in texts {
            let (mut console, mut input) =
                (Script::typing(&[b"on", b"e\n\ntw", b"o"]), Input::new(texts).with_dash(true));
            let mut found = Vec::new();
            loop {
                match input.advance(&mut console) {
                    Advance::Text => found.push(String::from_utf8(input.text().to_vec()).unwrap()),
                    Advance::NotYet => {}
                    Advance::End => break,
                }
            }
            assert_eq!(found, want, "{texts:?}");
        }
    }

    #[test]
    fn long_lines_are_split() {
        let x = |len| vec![b'x'; len];
        for (end, name) in [(&b"\n"[..], "LF"), (b"\r\n", "CR LF"), (b"", "nothing")] {
            for len in [1023, 1024, 1025, 1026, 1027, 2048, 2049] {
                let typed = [&x(len)[..], end, b"y"].concat();
                let mut want: Vec<_> = x(len).chunks(MESSAGE).map(<[u8]>::to_vec).collect();
                match want.last_mut() {
                    Some(last) if end.is_empty() && last.len() < MESSAGE => last.push(b'y'),
                    _ => want.push(b"y".to_vec()),
                }
                assert_eq!(lines(&[&typed]), want, "{len} bytes and {name}");
            }
        }
    }

    #[test]
    fn each_line_has_one_prompt() {
        let mut console = Script::typing(&[b"a", b"b\n", b"c\n"]);
        let mut input = Input::new(&[]);
        assert_eq!(input.advance(&mut console), Advance::NotYet);
        assert_eq!(input.advance(&mut console), Advance::Text);
        assert_eq!(console.prompts, 1);
        assert_eq!(input.advance(&mut console), Advance::NotYet);
        assert_eq!(console.prompts, 2);
    }
}
