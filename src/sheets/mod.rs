//! The only module that names the Sheets API: what a ledger needs of a workbook, and the backends that give it.

mod error;
mod files;

pub use error::{Error, ErrorKind};
pub use files::Files;

use crate::consent::WriteToken;
use crate::model::posting::{Cell, TabKind};
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

/// The future of one call to a workbook.
pub type SheetsFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// One tab of one workbook.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tab {
    /// The workbook.
    pub spreadsheet_id: String,
    /// The tab's name.
    pub name: String,
    /// What it holds: decides header and formats.
    pub kind: TabKind,
}

/// A mark left on a tab by a post, in the same atomic change as its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Unique on the tab, 1 to 2^31 - 1.
    pub id: i32,
    /// The post's signature.
    pub value: String,
}

/// One atomic change of a tab.
#[derive(Clone, Copy, Debug)]
pub struct Post<'a> {
    /// Where.
    pub tab: &'a Tab,
    /// The mark it leaves; a tab that has the id already refuses the whole post.
    pub marker: &'a Marker,
    /// The rows, one cell a column of the tab's header.
    pub rows: &'a [Vec<Cell>],
    /// Ids of markers deleted on the way; unknown ones are ignored.
    pub forget: &'a [i32],
}

/// What posting needs of a workbook. Every call is bounded in time; after an error of a changing call its outcome
/// is unknown until [`settle`](Sheets::settle) was asked.
pub trait Sheets: Send + Sync + 'static {
    /// Creates the tab with its header when it is missing; an existing one is left as it is, and its header is
    /// checked.
    ///
    /// # Errors
    /// [`ErrorKind::Header`] when the header is not the tab's own; columns further right are people's.
    fn ensure_tab<'a>(&'a self, tab: &'a Tab, token: &'a WriteToken) -> SheetsFuture<'a, ()>;

    /// Appends rows and leaves the marker, both or neither.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] when the marker's id is on the tab already.
    fn append<'a>(&'a self, post: Post<'a>, token: &'a WriteToken) -> SheetsFuture<'a, ()>;

    /// Replaces all rows below the header and leaves the marker, both or neither.
    ///
    /// # Errors
    /// As [`append`](Sheets::append).
    fn replace<'a>(&'a self, post: Post<'a>, token: &'a WriteToken) -> SheetsFuture<'a, ()>;

    /// The value of the marker with this id, `None` when no post under this id is on the tab. Where a backend is
    /// not atomic by itself, a half-done post is completed or undone first, which is why it takes a token.
    fn settle<'a>(&'a self, tab: &'a Tab, id: i32, token: &'a WriteToken)
    -> SheetsFuture<'a, Option<String>>;

    /// The tab's markers, in no particular order.
    fn markers<'a>(&'a self, tab: &'a Tab) -> SheetsFuture<'a, Vec<Marker>>;

    /// The tab's rows as text, its header first; `None` without such a tab.
    fn read<'a>(&'a self, tab: &'a Tab) -> SheetsFuture<'a, Option<Vec<Vec<String>>>>;
}

/// Which backend, and what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Config {
    /// CSV files in a folder.
    Files {
        /// The folder; made when first written to.
        folder: PathBuf,
    },
}

impl Config {
    /// Reads the settings `sheets.backend` and `sheets.folder`.
    ///
    /// # Errors
    /// Wrong use, naming the key, when one that is needed is missing or unknown: there is no default backend,
    /// because posting to the wrong place cannot be taken back.
    pub fn choose(backend: Option<&str>, folder: Option<&str>) -> crate::error::Result<Config> {
        use crate::error::Error;
        match (backend, folder.filter(|folder| !folder.is_empty())) {
            (Some("files"), Some(folder)) => Ok(Config::Files { folder: PathBuf::from(folder) }),
            (Some("files"), None) => Err(Error::usage("sheets.folder is not set, and the files backend needs it")
                .hint("set sheets.folder in kylo.toml, or KYLO_SHEETS_FOLDER")),
            (None | Some(""), _) => Err(Error::usage("sheets.backend is not set, and going live posts to sheets")
                .hint("set sheets.backend = \"files\" and sheets.folder in kylo.toml, or KYLO_SHEETS_BACKEND and KYLO_SHEETS_FOLDER")
                .hint("or run with --shadow, which posts nothing")),
            (Some(other), _) => Err(Error::usage(format!("sheets.backend is \"{other}\", which does not exist"))
                .hint("set sheets.backend = \"files\"")),
        }
    }

    /// The backend. Nothing is dialled or created yet.
    pub fn open(&self) -> Arc<dyn Sheets> {
        match self {
            Config::Files { folder } => Arc::new(Files::new(folder.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind as Kind;

    #[test]
    fn a_backend_is_chosen_or_the_key_is_named() {
        let files = Config::Files { folder: PathBuf::from("/tabs") };
        assert_eq!(Config::choose(Some("files"), Some("/tabs")), Ok(files));
        let table = [
            (None, None, "sheets.backend"),
            (None, Some("/tabs"), "sheets.backend"),
            (Some("files"), None, "sheets.folder"),
            (Some("files"), Some(""), "sheets.folder"),
            (Some("excel"), Some("/tabs"), "excel"),
        ];
        for (backend, folder, named) in table {
            let error = Config::choose(backend, folder).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.message().contains(named), "{error}");
            assert!(!error.hints().is_empty());
        }
    }
}
