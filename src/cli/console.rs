//! Standard input and output as a program's [`Console`].

use std::io::{self, IsTerminal};
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{QueueSelector, tcflush, tcgetattr};

use super::editor::Editor;
use super::output::Output;
use crate::app::Keyboard;
use crate::host::HostConsole;
use crate::stack::{Console, Input};

/// Standard input and output. Reads never block. Control characters are escaped on a terminal.
///
/// Optionally, typed lines can be edited: see [`editing`](Self::editing).
pub struct Stdio {
    input: State,
    fault: Option<io::Error>,
    edit: Edit,
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No program has requested input.
    Unused,
    /// A program has requested input, but no input was ready.
    Wanted,
    /// Input or the end of input is ready.
    Ready,
    /// Input has ended.
    Ended,
}

/// The channel through which programs ask [`Stdio`] to discard the typed input.
pub static KEYBOARD: Keyboard = Keyboard::new();

/// Whether lines are edited.
enum Edit {
    No,
    /// Edits lines from the first prompt on.
    AtPrompt {
        /// The bytes that a program reads instead of the end of input.
        at_end: Option<&'static [u8]>,
        /// Whether to discard a line that the user began before the editor starts.
        disown: bool,
    },
    Edited(Editor),
}

impl Stdio {
    /// Returns a console on standard input and output, without line editing.
    pub fn new() -> Self {
        Stdio { input: State::Unused, fault: None, edit: Edit::No, output: Output::new() }
    }

    /// Returns a console on standard input and output, with line editing if they are a terminal. Editing begins at the
    /// first prompt. From then on, output appears above the edited line. When the user types Ctrl-D, programs read
    /// `at_end`, and input continues. If `at_end` is `None`, input ends.
    pub fn editing(at_end: Option<&'static [u8]>) -> Self {
        Stdio { edit: Edit::AtPrompt { at_end, disown: false }, ..Self::new() }
    }

    /// Returns a console that only prints. Programs find that input has ended. With `--step`, for example, standard
    /// input is for the commands at the prompt.
    pub fn output_only() -> Self {
        Stdio { input: State::Ended, ..Self::new() }
    }

    /// Returns the file from which input is read.
    fn file(&self) -> BorrowedFd<'_> {
        match &self.edit {
            Edit::Edited(editor) => editor.typed(),
            Edit::AtPrompt { .. } | Edit::No => rustix::stdio::stdin(),
        }
    }

    /// Discards the input typed so far, because it was meant for an earlier conversation or for nobody. Returns whether
    /// any input was discarded. Returns `None` if input has ended or does not come from a terminal in the foreground.
    fn start_over(&mut self) -> Option<bool> {
        if self.input == State::Ended || !io::stdin().is_terminal() || !in_foreground() {
            return None;
        }
        let mut discarded = false;
        let mut buf = [0; 256];
        // The loop is bounded, because a program that types on the terminal might never stop.
        for _ in 0..4096 {
            if !can_read(self.file()) {
                break;
            }
            match rustix::io::read(self.file(), &mut buf) {
                Ok(1..) => discarded = true,
                // Without an editor, Ctrl-D on an open terminal reads as 0 bytes. No conversation is in progress, so
                // Ctrl-D is ignored.
                Ok(0) if !matches!(self.edit, Edit::Edited(_)) && tcgetattr(rustix::stdio::stdin()).is_ok() => {}
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => break,
                _ => {
                    self.input = State::Ended;
                    return Some(discarded);
                }
            }
        }
        // The editor can still hold an unfinished line.
        match &mut self.edit {
            Edit::Edited(editor) => discarded |= editor.disown(),
            // The editor has not started. `prompt` discards the typed input before it starts the editor.
            Edit::AtPrompt { disown, .. } => *disown = true,
            Edit::No => {}
        }
        // Wait for new input from now on.
        self.input = State::Wanted;
        Some(discarded)
    }

    /// Keeps the first error, for [`fault`](HostConsole::fault).
    fn keep(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.fault.get_or_insert(error);
        }
    }
}

impl Default for Stdio {
    fn default() -> Self {
        Self::new()
    }
}

impl Console for Stdio {
    /// Prints `bytes`, above the edited line if there is one. The poll loop later reports the first write error.
    fn print(&mut self, bytes: &[u8]) {
        if let Edit::Edited(editor) = &mut self.edit {
            return editor.print(&self.output.escaped(bytes));
        }
        let result = self.output.print(bytes);
        self.keep(result);
    }

    /// Starts the editor, if lines are to be edited and this process is in the foreground. The editor shows `text`
    /// itself. Without an editor, prints `text` on a terminal.
    fn prompt(&mut self, text: &str) {
        if let Edit::AtPrompt { at_end, disown } = self.edit
            && in_foreground()
        {
            if disown {
                // An error is ignored: only a terminal has typed input to discard.
                let _ = tcflush(rustix::stdio::stdin(), QueueSelector::IFlush);
            }
            self.edit = Editor::start(text, at_end).map_or(Edit::No, Edit::Edited);
        }
        if !matches!(self.edit, Edit::Edited(_)) && io::stdin().is_terminal() {
            self.print(text.as_bytes());
        }
    }

    /// Reads the input that is ready. If none is ready, the poll loop waits for it, because
    /// [`wanted`](HostConsole::wanted) then returns the file to wait for.
    fn read(&mut self, buf: &mut [u8]) -> Input {
        // `Keyboard::start_over` calls this method with a request to discard the input. Such a call reads nothing.
        let was_request = KEYBOARD.serve(|| self.start_over());
        if was_request {
            return Input::NotYet;
        }
        match self.input {
            State::Ended => return Input::End,
            State::Unused | State::Wanted => {
                self.input = State::Wanted;
                return Input::NotYet;
            }
            State::Ready if in_foreground() => {}
            // A read in the background would stop this process.
            State::Ready => return Input::NotYet,
        }
        // Read only once after each report that input is ready, so that the read cannot block.
        match rustix::io::read(self.file(), &mut *buf) {
            Ok(0) if !buf.is_empty() => {
                self.input = State::Ended;
                Input::End
            }
            // With an empty `buf`, 0 bytes do not mean the end of input.
            Ok(0) => Input::NotYet,
            Ok(count) => {
                self.input = State::Wanted;
                Input::Bytes(count)
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {
                self.input = State::Wanted;
                Input::NotYet
            }
            Err(error) => {
                log::warn!("standard input cannot be read: {error}");
                self.input = State::Ended;
                Input::End
            }
        }
    }
}

impl HostConsole for Stdio {
    fn wanted(&self) -> Option<BorrowedFd<'_>> {
        (self.input == State::Wanted).then(|| self.file())
    }

    fn set_ready(&mut self) {
        self.input = State::Ready;
    }

    fn fault(&mut self) -> Option<io::Error> {
        self.fault.take()
    }
}

/// Returns whether a read would not block.
pub(super) fn can_read(file: BorrowedFd<'_>) -> bool {
    let mut files = [PollFd::from_borrowed_fd(file, PollFlags::IN)];
    poll(&mut files, Some(&Timespec::default())).is_ok_and(|count| count > 0)
}

/// Returns whether this process may read the terminal. A background process that reads the terminal is stopped by
/// SIGTTIN.
fn in_foreground() -> bool {
    match rustix::termios::tcgetpgrp(rustix::stdio::stdin()) {
        Ok(group) => group == rustix::process::getpgrp(),
        Err(_) => true,
    }
}
