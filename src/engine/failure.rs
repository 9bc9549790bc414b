//! Why a record could not be handled, and of what class the reason is.

use std::fmt;
use std::time::Duration;

/// The class decides what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureClass {
    /// May go away by itself (network, time-out, 429, 5xx, database away): retried in place.
    Transient,
    /// Never goes away (cannot be read, breaks the schema): dead-lettered at once.
    Permanent,
    /// The record breaks the reader itself: it panics, or its headers cannot be read.
    Poison,
    /// The record was running alone when the process died, three times.
    Crash,
}

impl FailureClass {
    /// The word used in headers, metrics and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureClass::Transient => "transient",
            FailureClass::Permanent => "permanent",
            FailureClass::Poison => "poison",
            FailureClass::Crash => "crash",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An outside system a handler needs: one database, one API. The breaker counts per dependency.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dependency(pub std::sync::Arc<str>);

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A failure of one record, or of a whole batch. Texts carry no secret and no payload.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What follows.
    pub class: FailureClass,
    /// A short, stable word for metrics and filters: `unknown-company`, `bad-json`, `database-away`.
    pub kind: &'static str,
    /// One line for a person, naming ids and fields, never values.
    pub message: String,
    /// The causes below the message, outermost first.
    pub chain: Vec<String>,
    /// The outside system that failed, where one did.
    pub dependency: Option<Dependency>,
    /// The outside system's own wish (Retry-After).
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure of `class` without causes or dependency.
    pub fn new(class: FailureClass, kind: &'static str, message: impl Into<String>) -> Self {
        Failure {
            class,
            kind,
            message: message.into(),
            chain: Vec::new(),
            dependency: None,
            retry_after: None,
        }
    }
    /// [`FailureClass::Transient`]
    pub fn transient(kind: &'static str, message: impl Into<String>) -> Self {
        Self::new(FailureClass::Transient, kind, message)
    }
    /// [`FailureClass::Permanent`]
    pub fn permanent(kind: &'static str, message: impl Into<String>) -> Self {
        Self::new(FailureClass::Permanent, kind, message)
    }
    /// Names the outside system that failed.
    #[must_use]
    pub fn on(mut self, dependency: Dependency) -> Self {
        self.dependency = Some(dependency);
        self
    }
    /// Adds `source` and what lies below it to the chain.
    #[must_use]
    pub fn caused_by(mut self, source: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(source);
        while let Some(error) = next {
            self.chain.push(error.to_string());
            next = error.source();
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.message, self.class, self.kind)?;
        for cause in &self.chain {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
