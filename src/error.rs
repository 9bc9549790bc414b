//! Errors as an operator reads them: what failed, why, and what to type next.
//!
//! An [`Error`] is a kind, a message, a chain of causes and hints. It is printed once, by `cli.rs`, and
//! [`ErrorKind::exit_code`] is the only table of exit codes.

use std::fmt;

/// The result of everything a command calls.
pub type Result<T> = std::result::Result<T, Error>;

/// What sort of failure this is; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Something failed, or an item failed or was not found.
    Failed,
    /// Wrong use of the command, or settings that cannot be.
    Usage,
    /// An error in what the user gave as data: SQL, a payload, a record.
    Input,
    /// Not authenticated or not allowed.
    Denied,
    /// Unreachable, or timed out.
    Unreachable,
    /// Not done: declined, no consent, group active, read-only.
    NotDone,
    /// The check said no: pending migrations, missing topics, drift, a lag over its limit.
    Check,
    /// A signal ended it before it was finished.
    Interrupted,
    /// The reader of our output went away. Silent.
    ClosedPipe,
}

impl ErrorKind {
    /// The process's exit code for this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::ClosedPipe => 0,
            ErrorKind::Failed => 1,
            ErrorKind::Usage => 2,
            ErrorKind::Input => 3,
            ErrorKind::Denied => 4,
            ErrorKind::Unreachable => 5,
            ErrorKind::NotDone => 6,
            ErrorKind::Check => 7,
            ErrorKind::Interrupted => 130,
        }
    }
}

/// A failure with its story. Build it with the constructor of its kind, add causes and hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Error {
    /// A new error. `message` is lower case, without a full stop, and names the thing:
    /// `reading offsets of group "billing"`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }
    /// [`ErrorKind::Failed`]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }
    /// [`ErrorKind::Usage`]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }
    /// [`ErrorKind::Input`]
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }
    /// [`ErrorKind::Denied`]
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Denied, message)
    }
    /// [`ErrorKind::Unreachable`]
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unreachable, message)
    }
    /// [`ErrorKind::NotDone`]
    pub fn not_done(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotDone, message)
    }
    /// [`ErrorKind::Check`]
    pub fn check(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Check, message)
    }
    /// Adds one cause, below those already there.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }
    /// Adds `source` and everything below it as causes, leaving out what only repeats the line above.
    #[must_use]
    pub fn source(mut self, source: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(source);
        while let Some(error) = next {
            let text = error.to_string();
            if self.causes.last() != Some(&text) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }
    /// Adds a hint: something to type, or to look at.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
    /// Puts a wider message on top; the present one becomes the first cause. Kind and hints stay.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>) -> Self {
        let inner = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, inner);
        self
    }
    /// One error of several, of the first one's kind: `what` (`topics do not exist`) after their number, each as a
    /// cause, every hint once. `None` without any, and a single one as it is.
    pub fn together(mut errors: Vec<Error>, what: &str) -> Option<Error> {
        if errors.len() <= 1 {
            return errors.pop();
        }
        let mut all = Error::new(errors[0].kind(), format!("{} {what}", errors.len()));
        for error in errors {
            all.causes.push(error.to_string());
            let new = error.hints.into_iter().filter(|hint| !all.hints.contains(hint)).collect::<Vec<_>>();
            all.hints.extend(new);
        }
        Some(all)
    }
    /// What sort of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
    /// The first line.
    pub fn message(&self) -> &str {
        &self.message
    }
    /// Why, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }
    /// What to do about it.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// An I/O error without a better name; a broken pipe is silent.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Error::new(ErrorKind::ClosedPipe, "the reader closed the pipe"),
            _ => Error::failed("input or output failed").source(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_exit_code() {
        use ErrorKind::*;
        let table = [
            (ClosedPipe, 0),
            (Failed, 1),
            (Usage, 2),
            (Input, 3),
            (Denied, 4),
            (Unreachable, 5),
            (NotDone, 6),
            (Check, 7),
            (Interrupted, 130),
        ];
        for (kind, code) in table {
            assert_eq!(kind.exit_code(), code, "{kind:?}");
        }
    }

    #[test]
    fn context_keeps_the_inner_message_as_first_cause() {
        let error =
            Error::unreachable("dialling 127.0.0.1:1").cause("connection refused").context("listing topics");
        assert_eq!(error.to_string(), "listing topics: dialling 127.0.0.1:1: connection refused");
        assert_eq!(error.kind(), ErrorKind::Unreachable);
    }

    #[test]
    fn several_errors_become_one() {
        assert_eq!(Error::together(Vec::new(), "x"), None);
        let one = Error::denied("creating a");
        assert_eq!(Error::together(vec![one.clone()], "x"), Some(one.clone()));
        let both =
            Error::together(vec![one, Error::failed("creating b").hint("h")], "topics were not created")
                .unwrap();
        assert_eq!(both.kind(), ErrorKind::Denied);
        assert_eq!(both.to_string(), "2 topics were not created: creating a: creating b");
        assert_eq!(both.hints(), ["h"]);
    }
}
