//! The `files` backend: a folder of workbooks, a CSV file a tab.

mod csv;
mod journal;
#[cfg(test)]
mod tests;

use super::{Error, ErrorKind, Marker, Post, Sheets, SheetsFuture, Tab};
use crate::consent::WriteToken;
use crate::model::posting::TabKind;
use journal::{Entry, Journal, Paths, Progress};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// All tabs are on one disk: when it is away, it is away for all of them.
const CREDENTIAL: &str = "sheets:files";

/// A workbook is locked for one call; who waits longer than this (5 s) comes again.
const LOCK_TRIES: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A first line longer than this, in bytes, is no header.
const LONGEST_HEADER: u64 = 64 << 10;

/// The points at which a test cuts the power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Locked,
    NextWritten,
    Begun,
    Torn,
    Written,
    Synced,
    Replaced,
}

/// Tabs as CSV files: `<folder>/<spreadsheet_id>/<tab>.csv`, names percent-encoded.
///
/// Beside each tab stands its marker file, written and synced before the tab is touched; see [`journal`].
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
    #[cfg(test)]
    crash_at: Option<Step>,
}

impl Files {
    /// Workbooks in `folder`, which is made when first written to.
    pub fn new(folder: PathBuf) -> Self {
        Files {
            folder,
            #[cfg(test)]
            crash_at: None,
        }
    }

    /// Where a tab stands.
    pub fn path(&self, tab: &Tab) -> PathBuf {
        self.paths(tab).tab
    }

    fn paths(&self, tab: &Tab) -> Paths {
        Paths::new(&self.folder, &tab.spreadsheet_id, &tab.name)
    }

    #[cfg(test)]
    fn reached(&self, step: Step) -> io::Result<()> {
        if self.crash_at == Some(step) { Err(io::Error::other("power cut")) } else { Ok(()) }
    }
    #[cfg(not(test))]
    fn reached(&self, _step: Step) -> io::Result<()> {
        Ok(())
    }

    /// Runs blocking work on a thread made for it, under the workbook's lock when it writes.
    fn run<'a, T: Send + 'static>(
        &'a self,
        doing: &'static str,
        tab: &'a Tab,
        work: impl FnOnce(&Files, &Paths) -> Result<T, Fault> + Send + 'static,
    ) -> SheetsFuture<'a, T> {
        let (this, paths) = (self.clone(), self.paths(tab));
        Box::pin(async move {
            match tokio::task::spawn_blocking(move || work(&this, &paths)).await {
                Ok(done) => done.map_err(|fault| fault.at(doing, tab)),
                Err(error) => Err(Fault::Io(io::Error::other(error.to_string())).at(doing, tab)),
            }
        })
    }

    fn ensure(&self, paths: &Paths, kind: TabKind) -> Result<(), Fault> {
        fs::create_dir_all(&paths.folder)?;
        let _lock = lock(&paths.folder)?;
        if check_header(paths, kind)? {
            return Ok(());
        }
        journal::write_whole(&paths.tab, &csv::encode_header(kind.header())?)?;
        journal::sync_folder(&self.folder)?;
        Ok(())
    }

    fn apply(&self, paths: &Paths, order: &Order) -> Result<(), Fault> {
        if !paths.folder.is_dir() {
            return Err(Fault::Missing);
        }
        let _lock = lock(&paths.folder)?;
        self.reached(Step::Locked)?;
        if !check_header(paths, order.kind)? {
            return Err(Fault::Missing);
        }
        let mut posts = Journal::load(paths)?;
        posts.settle(paths)?;
        if posts.find(order.marker.id).is_some() {
            return Err(Fault::Marked(order.marker.id));
        }
        posts.posts.retain(|entry| !order.forget.contains(&entry.id));
        match order.kind {
            TabKind::Pending => self.append_rows(paths, &mut posts, order)?,
            TabKind::Active => self.replace_body(paths, &mut posts, order)?,
        }
        if let Some(entry) = posts.posts.last_mut() {
            entry.progress = Progress::Applied;
        }
        posts.save(paths)?;
        Ok(())
    }

    fn append_rows(&self, paths: &Paths, posts: &mut Journal, order: &Order) -> Result<(), Fault> {
        // A tab only grows: of what is there, an append looks at the ends.
        let before = fs::metadata(&paths.tab)?.len();
        let last = journal::read_from(&paths.tab, before.saturating_sub(1), 1)?;
        let mut text = Vec::with_capacity(order.text.len() + 1);
        if last.first().is_some_and(|last| *last != b'\n') {
            // A person's editor left the last line open.
            text.push(b'\n');
        }
        text.extend_from_slice(&order.text);
        posts.posts.push(Entry {
            id: order.marker.id,
            signature: order.marker.value.clone(),
            before,
            after: before + text.len() as u64,
            progress: Progress::Appending {
                text: String::from_utf8(text.clone()).map_err(io::Error::other)?,
            },
        });
        posts.save(paths)?;
        self.reached(Step::Begun)?;
        let mut tab = OpenOptions::new().append(true).open(&paths.tab)?;
        let (head, tail) = text.split_at(text.len() / 2);
        tab.write_all(head)?;
        self.reached(Step::Torn)?;
        tab.write_all(tail)?;
        self.reached(Step::Written)?;
        tab.sync_all()?;
        self.reached(Step::Synced)?;
        Ok(())
    }

    fn replace_body(&self, paths: &Paths, posts: &mut Journal, order: &Order) -> Result<(), Fault> {
        let mut text = csv::encode_header(order.kind.header())?;
        text.extend_from_slice(&order.text);
        let next = paths.next(order.marker.id);
        journal::write_synced(&next, &text)?;
        self.reached(Step::NextWritten)?;
        posts.posts.push(Entry {
            id: order.marker.id,
            signature: order.marker.value.clone(),
            before: fs::metadata(&paths.tab)?.len(),
            after: text.len() as u64,
            progress: Progress::Replacing,
        });
        posts.save(paths)?;
        self.reached(Step::Begun)?;
        fs::rename(&next, &paths.tab)?;
        self.reached(Step::Replaced)?;
        journal::sync_folder(&paths.folder)?;
        self.reached(Step::Synced)?;
        Ok(())
    }

    fn post<'a>(&'a self, post: Post<'a>, kind: TabKind) -> SheetsFuture<'a, ()> {
        let (marker, forget, rows) = (post.marker.clone(), post.forget.to_vec(), csv::encode(post.rows));
        self.run("posting to", post.tab, move |this, paths| {
            this.apply(paths, &Order { kind, marker, forget, text: rows? })
        })
    }
}

/// A post, owned by the thread that writes it.
struct Order {
    kind: TabKind,
    marker: Marker,
    forget: Vec<i32>,
    text: Vec<u8>,
}

impl Sheets for Files {
    fn ensure_tab<'a>(&'a self, tab: &'a Tab, _token: &'a WriteToken) -> SheetsFuture<'a, ()> {
        let kind = tab.kind;
        self.run("preparing", tab, move |this, paths| this.ensure(paths, kind))
    }

    fn append<'a>(&'a self, post: Post<'a>, _token: &'a WriteToken) -> SheetsFuture<'a, ()> {
        self.post(post, TabKind::Pending)
    }

    fn replace<'a>(&'a self, post: Post<'a>, _token: &'a WriteToken) -> SheetsFuture<'a, ()> {
        self.post(post, TabKind::Active)
    }

    fn settle<'a>(
        &'a self,
        tab: &'a Tab,
        id: i32,
        _token: &'a WriteToken,
    ) -> SheetsFuture<'a, Option<String>> {
        self.run("settling", tab, move |_, paths| {
            if !paths.folder.is_dir() {
                return Ok(None);
            }
            let _lock = lock(&paths.folder)?;
            let mut posts = Journal::load(paths)?;
            posts.settle(paths)?;
            Ok(posts.find(id).map(|entry| entry.signature.clone()))
        })
    }

    fn markers<'a>(&'a self, tab: &'a Tab) -> SheetsFuture<'a, Vec<Marker>> {
        self.run("reading markers of", tab, |_, paths| {
            let posts = Journal::load(paths)?.posts;
            Ok(posts.into_iter().map(|entry| Marker { id: entry.id, value: entry.signature }).collect())
        })
    }

    fn read<'a>(&'a self, tab: &'a Tab) -> SheetsFuture<'a, Option<Vec<Vec<String>>>> {
        self.run("reading", tab, |_, paths| match fs::read(&paths.tab) {
            Ok(bytes) => Ok(Some(csv::decode(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        })
    }
}

/// True when the tab is there and its header is the tab's own; false without a tab.
fn check_header(paths: &Paths, kind: TabKind) -> Result<bool, Fault> {
    let tab = match File::open(&paths.tab) {
        Ok(tab) => tab,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let mut line = Vec::new();
    BufReader::new(tab.take(LONGEST_HEADER)).read_until(b'\n', &mut line)?;
    let header = csv::decode(&line)?.into_iter().next().unwrap_or_default();
    let wanted = kind.header();
    match wanted
        .iter()
        .zip(header.iter().map(|name| name.trim()).chain(std::iter::repeat("")))
        .position(|(wanted, found)| *wanted != found)
    {
        None => Ok(true),
        Some(column) => Err(Fault::Header { column: column + 1, wanted: wanted[column] }),
    }
}

/// Takes the workbook's lock; it is gone with the handle, also when the process is killed.
fn lock(folder: &Path) -> Result<File, Fault> {
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(".lock"))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Err(Fault::Locked)
}

/// What went wrong, before it is known at which tab.
#[derive(Debug)]
enum Fault {
    Io(io::Error),
    Csv(::csv::Error),
    Missing,
    Marked(i32),
    Header { column: usize, wanted: &'static str },
    Locked,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Io(error)
    }
}

impl From<::csv::Error> for Fault {
    fn from(error: ::csv::Error) -> Self {
        Fault::Csv(error)
    }
}

impl Fault {
    fn at(self, doing: &'static str, tab: &Tab) -> Error {
        let (kind, reason) = match self {
            Fault::Io(error) => (
                match error.kind() {
                    io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
                    io::ErrorKind::InvalidData => ErrorKind::Rejected,
                    _ => ErrorKind::Away,
                },
                error.to_string(),
            ),
            Fault::Csv(error) => (ErrorKind::Rejected, error.to_string()),
            Fault::Missing => (ErrorKind::NotFound, "there is no such tab".to_owned()),
            Fault::Marked(id) => (ErrorKind::Rejected, format!("it has a marker {id} already")),
            Fault::Header { column, wanted } => {
                (ErrorKind::Header, format!("column {column} of its header should be \"{wanted}\""))
            }
            Fault::Locked => (ErrorKind::Away, "another process holds the workbook's lock".to_owned()),
        };
        Error::new(kind, CREDENTIAL, doing, tab, reason)
    }
}
