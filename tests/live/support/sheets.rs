//! The tabs of the `files` backend, read as anybody would read them.

use super::World;
use std::path::PathBuf;

impl World {
    /// The file of a tab.
    pub fn tab_file(&self, workbook: &str, tab: &str) -> PathBuf {
        // The names of these tests hold nothing to encode but spaces.
        self.folder().join("sheets").join(workbook).join(format!("{}.csv", tab.replace(' ', "%20")))
    }
    /// The rows of a tab below its header; none when the tab is not there.
    pub fn tab(&self, workbook: &str, tab: &str) -> Vec<Vec<String>> {
        let path = self.tab_file(workbook, tab);
        if !path.exists() {
            return Vec::new();
        }
        let mut reader = csv::Reader::from_path(&path).expect("the tab is CSV");
        reader
            .records()
            .map(|row| row.expect("a row of the tab").iter().map(str::to_owned).collect())
            .collect()
    }
    /// True when the `files` backend has written anything at all.
    pub fn any_sheet(&self) -> bool {
        self.folder().join("sheets").exists()
    }
}
