//! Reads the members of a command, and describes why a command failed.

use alloc::format;
use alloc::string::{String, ToString};

use serde_json::{Map, Value, json};

use crate::lab::StartError;
use crate::lab::file::FileError;
use crate::lab::lang::Lang;
use crate::lab::messages::in_lang;
pub(super) use crate::lab::tokens::clip;

/// The longest command, in bytes. A file of 1 MiB fits, even if most of its characters are escaped.
const LONGEST: usize = 4 << 20;

/// A command: one JSON object.
pub(super) struct Request(Map<String, Value>);

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    message: String,
    /// The line and the column, if the error is in the text of an experiment.
    position: Option<(usize, usize)>,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Problem { message: message.into(), position: None }
    }

    /// Returns the answer to the command that failed, in the language of the experiment.
    pub(super) fn answer(&self, lang: Lang) -> String {
        let message = in_lang(&self.message, lang);
        let error = match self.position {
            None => json!({ "message": message }),
            Some((line, column)) => json!({ "message": message, "line": line, "column": column }),
        };
        format!(r#"{{"ok":false,"error":{error}}}"#)
    }

    /// Removes the line and column, because the caller does not know the text to which they belong.
    pub(super) fn without_position(self) -> Self {
        Problem { position: None, ..self }
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        Problem { message: error.message, position: Some((error.line, error.column)) }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        Problem::new(error.to_string())
    }
}

impl Request {
    /// Parses a command.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > LONGEST {
            return Err(Problem::new(format!("the command is longer than {LONGEST} bytes")));
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(members)) => Ok(Request(members)),
            Ok(_) => Err(Problem::new("the command is not a JSON object: write one such as {\"do\":\"list\"}")),
            Err(error) => Err(Problem::new(format!("the command is not JSON: {error}"))),
        }
    }

    /// Returns the member `name`. A member that is `null` counts as missing.
    fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Returns the string in member `name`, if the command contains it.
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::new(format!("'{name}' should be a text"))),
        }
    }

    /// Returns the string in member `name`, which must not be missing.
    pub(super) fn text(&self, name: &str) -> Result<&str, Problem> {
        self.optional_text(name)?.ok_or_else(|| missing(name, "a text"))
    }

    /// Returns the whole number in member `name`, if the command contains it.
    pub(super) fn optional_number(&self, name: &str) -> Result<Option<u64>, Problem> {
        match self.member(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(Problem::new(format!("'{name}' should be a whole number, not negative"))),
            },
        }
    }

    /// Returns the bool in member `name`, or false if the command does not contain it.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.member(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| Problem::new(format!("'{name}' should be true or false"))),
        }
    }

    /// Returns the number in member `name`, such as the number of a step or of a frame. Fails if the member is missing,
    /// or if the number does not fit into 32 bits.
    pub(super) fn number(&self, name: &str) -> Result<u32, Problem> {
        let number = self.optional_number(name)?.ok_or_else(|| missing(name, "a whole number"))?;
        u32::try_from(number).map_err(|_| Problem::new(format!("'{name}' should be at most {}", u32::MAX)))
    }

    /// Returns the members of the object in member `name`, or no members if the command does not contain the object.
    pub(super) fn object(&self, name: &str) -> Result<Map<String, Value>, Problem> {
        match self.member(name) {
            None => Ok(Map::new()),
            Some(Value::Object(members)) => Ok(members.clone()),
            Some(_) => Err(Problem::new(format!("'{name}' should be an object"))),
        }
    }

    /// Returns the host in member `name`: 0 for `client`, 1 for `server`.
    pub(super) fn host(&self, name: &str) -> Result<usize, Problem> {
        let text = self.text(name)?;
        let index = ["client", "server"].iter().position(|host| *host == text);
        index.ok_or_else(|| Problem::new(format!("'{}' should be client or server", clip(text))))
    }

    /// Returns the language that the command names, for the error if the command fails. `default` is the language of
    /// the open experiment, because only the commands that need no open experiment name a language.
    pub(super) fn lang_or(&self, default: Lang) -> Lang {
        match self.member("lang") {
            Some(_) => self.lang().unwrap_or(default),
            None => default,
        }
    }

    /// Returns the language of the answers. English is the default.
    pub(super) fn lang(&self) -> Result<Lang, Problem> {
        match self.optional_text("lang")? {
            None | Some("en") => Ok(Lang::En),
            Some("zh") => Ok(Lang::Zh),
            Some(other) => Err(Problem::new(format!("'{}' should be en (English) or zh (Chinese)", clip(other)))),
        }
    }
}

/// Returns the error for a missing member.
fn missing(name: &str, what: &str) -> Problem {
    Problem::new(format!("'{name}' is missing: it is {what}"))
}
