//! The hooks with which rustyline tells the editor where it is.

use std::borrow::Cow;
use std::sync::Arc;

use rustyline::Helper;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};

use super::{At, Shared};

/// Hooks of rustyline that record when a line begins and ends.
pub(super) struct Hooks(pub(super) Arc<Shared>);

impl Helper for Hooks {}

impl Completer for Hooks {
    type Candidate = String;
}

impl Highlighter for Hooks {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _default: bool) -> Cow<'b, str> {
        // rustyline calls this method before each drawing of the line.
        self.0.hold_at_the_end();
        Cow::Borrowed(prompt)
    }
}

impl Hinter for Hooks {
    type Hint = String;

    /// Records that a line is being edited, and whether it has been begun. Gives no hint.
    fn hint(&self, line: &str, _pos: usize, _ctx: &rustyline::Context<'_>) -> Option<String> {
        let Hooks(shared) = self;
        // rustyline calls this method after each drawing of the line.
        shared.set(At::Editing);
        let mut state = shared.lock();
        state.begun = !line.is_empty();
        // A line that the user has emptied and begins again is for the present client.
        state.disowned &= state.begun;
        None
    }
}

impl Validator for Hooks {
    fn validate(&self, _ctx: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        // rustyline calls this method when the user presses Enter.
        self.0.set(At::Between);
        Ok(ValidationResult::Valid(None))
    }
}
