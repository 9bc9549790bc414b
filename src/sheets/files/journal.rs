//! The marker file of one tab: which posts were begun and which are on the tab.
//!
//! A post is written here, and synced, before the tab is touched. What a crash leaves is decided by comparing
//! the tab with what was begun, so every post is on the tab whole or not at all.

use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How far a post has come, with what is needed to decide it after a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Progress {
    /// Its rows are being appended.
    Appending {
        /// What is appended. Kept until it is on the tab: a tail that a crash tore is told by it from lines a
        /// person added, which are never cut.
        text: String,
    },
    /// The next body was written beside the tab and is about to take its place.
    Replacing,
    /// It is on the tab.
    Applied,
}

/// One post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The marker's id.
    pub id: i32,
    /// The marker's value.
    pub signature: String,
    /// Length of the tab before the post, in bytes.
    pub before: u64,
    /// Its length after.
    pub after: u64,
    /// How far it has come.
    #[serde(flatten)]
    pub progress: Progress,
}

/// The paths of one tab.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// The workbook's folder.
    pub folder: PathBuf,
    /// The tab itself.
    pub tab: PathBuf,
    /// Its marker file.
    journal: PathBuf,
    stem: String,
}

impl Paths {
    /// The paths of tab `name` of `spreadsheet_id` under `root`.
    pub fn new(root: &Path, spreadsheet_id: &str, name: &str) -> Self {
        let folder = root.join(super::csv::file_name(spreadsheet_id));
        let stem = super::csv::file_name(name);
        Paths {
            tab: folder.join(format!("{stem}.csv")),
            journal: folder.join(format!("{stem}.posts.json")),
            folder,
            stem,
        }
    }
    /// Where the next body waits to take the tab's place.
    pub fn next(&self, id: i32) -> PathBuf {
        self.folder.join(format!("{}.{id}.next", self.stem))
    }
}

/// The posts of one tab, oldest first.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    pub posts: Vec<Entry>,
}

impl Journal {
    /// Reads the marker file; without one there were no posts.
    pub fn load(paths: &Paths) -> io::Result<Self> {
        match fs::read(&paths.journal) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                io::Error::new(io::ErrorKind::InvalidData, format!("its marker file cannot be read: {error}"))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Journal::default()),
            Err(error) => Err(error),
        }
    }
    /// Writes the marker file, whole and synced.
    pub fn save(&self, paths: &Paths) -> io::Result<()> {
        let bytes = serde_json::to_vec(self).map_err(io::Error::other)?;
        write_whole(&paths.journal, &bytes)
    }
    /// The post with this id.
    pub fn find(&self, id: i32) -> Option<&Entry> {
        self.posts.iter().find(|entry| entry.id == id)
    }

    /// Decides every post that was begun and not finished; afterwards each entry is applied. Returns whether
    /// anything was decided.
    pub fn settle(&mut self, paths: &Paths) -> io::Result<bool> {
        if self.posts.iter().all(|entry| entry.progress == Progress::Applied) {
            return Ok(false);
        }
        let mut decided = Vec::with_capacity(self.posts.len());
        for mut entry in std::mem::take(&mut self.posts) {
            let applied = match &entry.progress {
                Progress::Applied => true,
                Progress::Appending { text } => settle_append(paths, entry.before, text.as_bytes())?,
                Progress::Replacing => settle_replace(paths, entry.id)?,
            };
            if applied {
                entry.progress = Progress::Applied;
                decided.push(entry);
            }
        }
        self.posts = decided;
        self.save(paths)?;
        Ok(true)
    }
}

/// Goes by the length of the tab and, where that leaves a doubt, by its bytes. A torn tail is cut.
fn settle_append(paths: &Paths, before: u64, text: &[u8]) -> io::Result<bool> {
    let length = match fs::metadata(&paths.tab) {
        Ok(tab) => tab.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let tail = match length >= before {
        true => Some(read_from(&paths.tab, before, text.len())?),
        false => None,
    };
    match tail {
        Some(tail) if tail == text => {
            // Written, perhaps not yet synced.
            OpenOptions::new().write(true).open(&paths.tab)?.sync_all()?;
            Ok(true)
        }
        Some(tail) if text.starts_with(&tail) => {
            let file = OpenOptions::new().write(true).open(&paths.tab)?;
            file.set_len(before)?;
            file.sync_all()?;
            Ok(false)
        }
        // Somebody changed the tab meanwhile: cut nothing that may be theirs.
        _ => Ok(false),
    }
}

/// The bytes of a file from `start` on, `most` at most.
pub(super) fn read_from(path: &Path, start: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::with_capacity(most);
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The rename is what applies: when the next body is gone, it is the tab.
fn settle_replace(paths: &Paths, id: i32) -> io::Result<bool> {
    match fs::remove_file(paths.next(id)) {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            sync_folder(&paths.folder)?;
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// Writes a file so that after a crash it has its old content or the new one.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    write_synced(&temporary, bytes)?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Writes and syncs a file and its name.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes names in a folder durable. Only Unix lets a folder be opened for it; elsewhere the rename is.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
