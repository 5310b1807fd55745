//! Where a client's texts come from: its arguments, or lines from the console.

use super::text::split_line_end;
use crate::stack::{self, Console, MESSAGE};

/// What a person sees where a line is waited for.
pub const PROMPT: &str = ">> ";

/// The texts a client sends, one after another.
///
/// Lines are read without their line end. One of more than [`MESSAGE`] bytes comes as several texts of at most so many each;
/// the last line needs no line end.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    source: Source<'a>,
    line: Line,
}

/// Where the texts come from.
#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    Texts { current: &'a [u8], rest: &'a [&'a [u8]] },
    Console,
}

/// What [`Input::advance`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// There are no more texts.
    End,
    /// The console has no whole line at the moment.
    NotYet,
    /// [`Input::text`] is the next text.
    Text,
}

impl<'a> Input<'a> {
    /// The given texts; lines from the console if there are none.
    pub fn new(texts: &'a [&'a [u8]]) -> Self {
        Self::with_prompt(texts, PROMPT)
    }

    /// The same with another prompt.
    pub fn with_prompt(texts: &'a [&'a [u8]], prompt: &'static str) -> Self {
        let source = if texts.is_empty() { Source::Console } else { Source::Texts { current: &[], rest: texts } };
        Input { source, line: Line::new(prompt) }
    }

    /// Whether texts are read from the console.
    pub fn reads_console(&self) -> bool {
        matches!(self.source, Source::Console)
    }

    /// Goes on to the next text.
    pub fn advance(&mut self, console: &mut dyn Console) -> Advance {
        match &mut self.source {
            Source::Console => self.line.advance(console),
            Source::Texts { current, rest } => match rest.split_first() {
                Some((first, others)) => {
                    (*current, *rest) = (first, others);
                    Advance::Text
                }
                None => Advance::End,
            },
        }
    }

    /// The text that the last [`advance`](Self::advance) went to.
    pub fn text(&self) -> &[u8] {
        match self.source {
            Source::Console => self.line.bytes.get(..self.line.text).unwrap_or_default(),
            Source::Texts { current, .. } => current,
        }
    }

    /// Whether the text is the beginning of a longer line.
    pub fn is_cut(&self) -> bool {
        self.line.cut
    }
}

/// Lines as they are put together from what the console reads.
#[derive(Clone, Debug)]
struct Line {
    /// A text of full length and its line end fit.
    bytes: [u8; MESSAGE + 2],
    filled: usize,
    /// Length of the current text.
    text: usize,
    /// Length of the current text and its line end: what to forget next.
    used: usize,
    cut: bool,
    ended: bool,
    prompt: &'static str,
    prompted: bool,
}

impl Line {
    fn new(prompt: &'static str) -> Self {
        Line { bytes: [0; MESSAGE + 2], filled: 0, text: 0, used: 0, cut: false, ended: false, prompt, prompted: false }
    }

    fn advance(&mut self, console: &mut dyn Console) -> Advance {
        self.bytes.copy_within(self.used..self.filled, 0);
        self.filled -= self.used;
        (self.text, self.used) = (0, 0);
        loop {
            if let Some((text, used)) = self.first_text() {
                (self.text, self.used) = (text, used);
                self.cut = text == used && used < self.filled;
                // What follows a cut text is the rest of a line that is typed already.
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
                stack::Input::Bytes(len) => self.filled = self.bytes.len().min(self.filled + len),
                stack::Input::End => self.ended = true,
                stack::Input::NotYet => return Advance::NotYet,
            }
        }
    }

    /// The length of the first text and of all it takes up, if it is there in full.
    fn first_text(&self) -> Option<(usize, usize)> {
        let bytes = &self.bytes[..self.filled];
        if let Some(line) = bytes.split_inclusive(|&b| b == b'\n').next().filter(|line| line.ends_with(b"\n")) {
            let (text, _) = split_line_end(line);
            return Some(if text.len() > MESSAGE { (MESSAGE, MESSAGE) } else { (text.len(), line.len()) });
        }
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
    fn lines_lose_their_ends() {
        assert_eq!(lines(&[b"a\r\nb\n\nc\r"]), [&b"a"[..], b"b", b"", b"c\r"]);
        assert_eq!(lines(&[b"a", b"b\nc", b"\r", b"\nd"]), [&b"ab"[..], b"c", b"d"]);
        assert!(lines(&[]).is_empty());
    }

    #[test]
    fn long_lines_come_in_pieces() {
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
    fn a_line_is_prompted_for_once() {
        let mut console = Script::typing(&[b"a", b"b\n", b"c\n"]);
        let mut input = Input::new(&[]);
        assert_eq!(input.advance(&mut console), Advance::NotYet);
        assert_eq!(input.advance(&mut console), Advance::Text);
        assert_eq!(console.prompts, 1);
        assert_eq!(input.advance(&mut console), Advance::NotYet);
        assert_eq!(console.prompts, 2);
    }
}
