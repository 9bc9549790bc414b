//! Marks kept in a folder and in memory.

use super::quarantine::MarkStore;
use crate::model::record::TopicPartition;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Marks as files of one folder, one a partition. Processes of a group on one machine share the folder, so that
/// whoever takes a partition over finds its mark.
#[derive(Debug)]
pub struct FolderMarks {
    folder: PathBuf,
    /// Kept open: a mark is rewritten at every hand-out of runs.
    files: Mutex<HashMap<TopicPartition, File>>,
}

impl FolderMarks {
    /// Marks in `folder`, which is made if it is not there. Give each group a folder of its own.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        Ok(FolderMarks { folder, files: Mutex::default() })
    }
    fn path(&self, partition: &TopicPartition) -> PathBuf {
        // Kafka's topic names are letters, digits, dot, underscore and hyphen.
        let safe = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let topic: String = partition.topic.chars().map(|c| if safe(c) { c } else { '_' }).collect();
        self.folder.join(format!("{topic}-{}.mark", partition.partition))
    }
    fn files(&self) -> std::sync::MutexGuard<'_, HashMap<TopicPartition, File>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MarkStore for FolderMarks {
    fn read(&self, partition: &TopicPartition) -> io::Result<Option<Vec<u8>>> {
        // Another process may have removed the file since: a write must not go to one that has no name.
        self.files().remove(partition);
        match fs::read(self.path(partition)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
    fn write(&self, partition: &TopicPartition, mark: &[u8]) -> io::Result<()> {
        let mut files = self.files();
        if !files.contains_key(partition) {
            let open =
                OpenOptions::new().create(true).truncate(false).write(true).open(self.path(partition))?;
            files.insert(partition.clone(), open);
        }
        let Some(mut file) = files.get(partition) else { return Ok(()) };
        file.seek(SeekFrom::Start(0))?;
        file.write_all(mark)
    }
    fn remove(&self, partition: &TopicPartition) -> io::Result<()> {
        self.files().remove(partition);
        match fs::remove_file(self.path(partition)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Marks in memory, for tests: they outlive a consumer, not the process.
#[derive(Debug, Default)]
pub struct MemoryMarks(Mutex<HashMap<TopicPartition, Vec<u8>>>);

impl MarkStore for MemoryMarks {
    fn read(&self, partition: &TopicPartition) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(partition).cloned())
    }
    fn write(&self, partition: &TopicPartition, mark: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(partition.clone(), mark.to_vec());
        Ok(())
    }
    fn remove(&self, partition: &TopicPartition) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(partition);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_by_the_next_process_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let partition = TopicPartition::new("odd/topic", 3);
        let marks = FolderMarks::open(folder.path().join("group")).unwrap();
        assert_eq!(marks.read(&partition).unwrap(), None);
        marks.write(&partition, b"a longer one").unwrap();
        marks.write(&partition, b"short").unwrap();
        let next = FolderMarks::open(folder.path().join("group")).unwrap();
        assert!(next.read(&partition).unwrap().unwrap().starts_with(b"short"));
        next.remove(&partition).unwrap();
        next.remove(&partition).unwrap();
        assert_eq!(marks.read(&partition).unwrap(), None);
    }
}
