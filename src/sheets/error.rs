//! Why a workbook could not be read or changed, and whose fault that makes it.

use super::Tab;
use crate::engine::{Dependency, Failure};
use std::sync::Arc;
use std::time::Duration;

/// What sort of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Network, server, disk, time-out: the outcome of a changing call is unknown.
    Away,
    /// Too many requests.
    Quota,
    /// The credential is not accepted.
    Credential,
    /// The credential may not touch this workbook.
    Forbidden,
    /// There is no such workbook or tab.
    NotFound,
    /// The tab's header is not the one its rows are written under.
    Header,
    /// The request was refused as it is; a marker's id that exists is one reason.
    Rejected,
}

impl ErrorKind {
    fn word(self) -> &'static str {
        match self {
            ErrorKind::Away => "sheets-away",
            ErrorKind::Quota => "sheets-quota",
            ErrorKind::Credential => "sheets-credential",
            ErrorKind::Forbidden => "sheet-forbidden",
            ErrorKind::NotFound => "sheet-not-found",
            ErrorKind::Header => "sheet-header",
            ErrorKind::Rejected => "sheet-rejected",
        }
    }
    /// Failures that concern everything done with the credential, not one workbook.
    fn is_shared(self) -> bool {
        matches!(self, ErrorKind::Away | ErrorKind::Quota | ErrorKind::Credential)
    }
}

/// A failed call to a workbook. Carries names and ids, never a row.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{doing} tab \"{}\" of workbook \"{}\": {reason}", tab.name, tab.spreadsheet_id)]
pub struct Error {
    /// What sort of failure it is.
    pub kind: ErrorKind,
    /// What was tried: `posting to`, `reading`.
    pub doing: &'static str,
    /// The tab.
    pub tab: Box<Tab>,
    /// What the backend said.
    pub reason: String,
    /// How long the other side asked to be left alone.
    pub retry_after: Option<Duration>,
    /// The backend's credential, as breakers name it.
    pub credential: &'static str,
}

impl Error {
    /// A failure at `tab` of the backend with this credential name.
    pub fn new(
        kind: ErrorKind,
        credential: &'static str,
        doing: &'static str,
        tab: &Tab,
        reason: impl Into<String>,
    ) -> Self {
        Error {
            kind,
            doing,
            tab: Box::new(tab.clone()),
            reason: reason.into(),
            retry_after: None,
            credential,
        }
    }

    /// The failure as the runtime knows it: always transient, because what waits in the database waits until it
    /// can be posted; the dependency says whom else it holds up.
    pub fn into_failure(self) -> Failure {
        let dependency = if self.kind.is_shared() {
            self.credential.to_owned()
        } else {
            format!("workbook:{}", self.tab.spreadsheet_id)
        };
        let mut failure =
            Failure::transient(self.kind.word(), self.to_string()).on(Dependency(Arc::from(dependency)));
        failure.retry_after = self.retry_after;
        failure
    }
}

impl From<Error> for crate::error::Error {
    fn from(error: Error) -> Self {
        use crate::error::Error as Told;
        let message = format!(
            "{} tab \"{}\" of workbook \"{}\"",
            error.doing, error.tab.name, error.tab.spreadsheet_id
        );
        let told = match error.kind {
            ErrorKind::Away | ErrorKind::Quota => Told::unreachable(message),
            ErrorKind::Credential | ErrorKind::Forbidden => Told::denied(message),
            ErrorKind::NotFound | ErrorKind::Header | ErrorKind::Rejected => Told::failed(message),
        };
        told.cause(error.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::FailureClass;
    use crate::model::posting::TabKind;

    #[test]
    fn a_failure_names_whom_it_holds_up() {
        let tab =
            Tab { spreadsheet_id: "book".to_owned(), name: "710 Pending".to_owned(), kind: TabKind::Pending };
        let table = [
            (ErrorKind::Away, "sheets:files"),
            (ErrorKind::Quota, "sheets:files"),
            (ErrorKind::Credential, "sheets:files"),
            (ErrorKind::Forbidden, "workbook:book"),
            (ErrorKind::NotFound, "workbook:book"),
            (ErrorKind::Header, "workbook:book"),
            (ErrorKind::Rejected, "workbook:book"),
        ];
        for (kind, dependency) in table {
            let failure = Error::new(kind, "sheets:files", "posting to", &tab, "no").into_failure();
            assert_eq!(failure.class, FailureClass::Transient);
            assert_eq!(failure.dependency, Some(Dependency(Arc::from(dependency))), "{kind:?}");
            assert_eq!(failure.message, "posting to tab \"710 Pending\" of workbook \"book\": no");
        }
    }
}
