//! The `files` backend under power cuts and other people.

use super::*;
use crate::model::posting::Cell;

struct Bench {
    folder: tempfile::TempDir,
    token: WriteToken,
}

impl Bench {
    fn new() -> Self {
        Bench { folder: tempfile::tempdir().unwrap(), token: WriteToken::by_command("test") }
    }
    fn files(&self) -> Files {
        Files::new(self.folder.path().to_owned())
    }
    fn crashing(&self, step: Step) -> Files {
        Files { crash_at: Some(step), ..self.files() }
    }
    async fn ready(&self, tab: &Tab) -> Files {
        let files = self.files();
        files.ensure_tab(tab, &self.token).await.unwrap();
        files
    }
    async fn post(&self, files: &Files, tab: &Tab, id: i32, words: &[&str]) -> Result<(), Error> {
        let rows: Vec<Vec<Cell>> = words
            .iter()
            .map(|word| {
                let mut row = vec![Cell::Text((*word).to_owned())];
                row.resize(tab.kind.header().len(), Cell::Text(String::new()));
                row
            })
            .collect();
        let marker = Marker { id, value: format!("signature {id}") };
        let post = Post { tab, marker: &marker, rows: &rows, forget: &[] };
        match tab.kind {
            TabKind::Pending => files.append(post, &self.token).await,
            TabKind::Active => files.replace(post, &self.token).await,
        }
    }
    /// The first column below the header.
    async fn words(&self, tab: &Tab) -> Vec<String> {
        let rows = self.files().read(tab).await.unwrap().unwrap();
        assert_eq!(rows[0], tab.kind.header());
        rows[1..].iter().map(|row| row[0].clone()).collect()
    }
}

fn tab(kind: TabKind) -> Tab {
    Tab { spreadsheet_id: "book/1".to_owned(), name: format!("710 {kind:?}"), kind }
}

#[tokio::test]
async fn a_power_cut_at_any_step_leaves_the_post_once_or_not_at_all() {
    // Step, and whether the post is on the tab when the power comes back.
    let append = [
        (Step::Locked, false),
        (Step::Begun, false),
        (Step::Torn, false),
        (Step::Written, true),
        (Step::Synced, true),
    ];
    let replace = [
        (Step::Locked, false),
        (Step::NextWritten, false),
        (Step::Begun, false),
        (Step::Replaced, true),
        (Step::Synced, true),
    ];
    let cases = append
        .map(|(step, applied)| (TabKind::Pending, step, applied))
        .into_iter()
        .chain(replace.map(|(step, applied)| (TabKind::Active, step, applied)));
    for (kind, step, applied) in cases {
        let (bench, tab) = (Bench::new(), tab(kind));
        let files = bench.ready(&tab).await;
        bench.post(&files, &tab, 1, &["a", "b"]).await.unwrap();
        let crashed = bench.post(&bench.crashing(step), &tab, 2, &["c", "d"]).await;
        assert_eq!(crashed.unwrap_err().kind, ErrorKind::Away, "{kind:?} {step:?}");

        // A new process settles, twice because it can crash after settling, and finishes what is open.
        for _ in 0..2 {
            let found = bench.files().settle(&tab, 2, &bench.token).await.unwrap();
            assert_eq!(found.as_deref(), applied.then_some("signature 2"), "{kind:?} {step:?}");
        }
        if !applied {
            bench.post(&bench.files(), &tab, 2, &["c", "d"]).await.unwrap();
        }
        let want: &[&str] = if kind == TabKind::Pending { &["a", "b", "c", "d"] } else { &["c", "d"] };
        assert_eq!(bench.words(&tab).await, want, "{kind:?} {step:?}");
        let late = bench.post(&bench.files(), &tab, 2, &["c", "d"]).await.unwrap_err();
        assert_eq!(late.kind, ErrorKind::Rejected, "{kind:?} {step:?}");
        assert_eq!(bench.words(&tab).await, want, "{kind:?} {step:?}");
        let left: Vec<String> = fs::read_dir(bench.files().paths(&tab).folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".next"))
            .collect();
        assert!(left.is_empty(), "{kind:?} {step:?}: {left:?}");
    }
}

#[tokio::test]
async fn a_post_does_not_read_what_is_on_the_tab() {
    let (bench, tab) = (Bench::new(), tab(TabKind::Pending));
    let files = bench.ready(&tab).await;
    // More than any memory; on the disk it is a hole.
    let long = 1u64 << 40;
    OpenOptions::new().write(true).open(files.path(&tab)).unwrap().set_len(long).unwrap();
    bench.post(&files, &tab, 1, &["first"]).await.unwrap();
    bench.post(&bench.crashing(Step::Torn), &tab, 2, &["torn"]).await.unwrap_err();
    bench.post(&files, &tab, 3, &["last"]).await.unwrap();
    let tail = journal::read_from(&files.path(&tab), long, 1000).unwrap();
    assert_eq!(String::from_utf8(tail).unwrap(), "\nfirst,,,,,,\nlast,,,,,,\n");
}

#[tokio::test]
async fn another_post_settles_what_a_power_cut_left() {
    let (bench, tab) = (Bench::new(), tab(TabKind::Pending));
    bench.ready(&tab).await;
    bench.post(&bench.crashing(Step::Torn), &tab, 1, &["torn"]).await.unwrap_err();
    bench.post(&bench.files(), &tab, 2, &["whole"]).await.unwrap();
    assert_eq!(bench.words(&tab).await, ["whole"]);
    assert_eq!(bench.files().settle(&tab, 1, &bench.token).await.unwrap(), None);
}

#[tokio::test]
async fn a_persons_lines_are_never_cut() {
    let (bench, tab) = (Bench::new(), tab(TabKind::Pending));
    let files = bench.ready(&tab).await;
    bench.post(&bench.crashing(Step::Begun), &tab, 1, &["ours"]).await.unwrap_err();
    let mut file = OpenOptions::new().append(true).open(files.path(&tab)).unwrap();
    file.write_all(b"theirs,,,,,,").unwrap();
    assert_eq!(files.settle(&tab, 1, &bench.token).await.unwrap(), None);
    bench.post(&files, &tab, 1, &["ours"]).await.unwrap();
    assert_eq!(bench.words(&tab).await, ["theirs", "ours"]);
}

#[tokio::test]
async fn rows_deleted_by_hand_do_not_unmake_a_post() {
    let (bench, tab) = (Bench::new(), tab(TabKind::Pending));
    let files = bench.ready(&tab).await;
    bench.post(&files, &tab, 1, &["a"]).await.unwrap();
    fs::write(files.path(&tab), csv::encode_header(tab.kind.header()).unwrap()).unwrap();
    assert_eq!(files.settle(&tab, 1, &bench.token).await.unwrap().as_deref(), Some("signature 1"));
    assert!(bench.words(&tab).await.is_empty());
}

#[tokio::test]
async fn a_broken_header_stops_posts_and_says_so() {
    let (bench, tab) = (Bench::new(), tab(TabKind::Pending));
    let files = bench.ready(&tab).await;
    let table = [
        ("Date,Source,Company,Amount,Target_Sheet,Target_Header,Approved,Remarks\n", None),
        ("Date, Source ,Company,Amount,Target_Sheet,Target_Header,Approved\n", None),
        ("Date,Company,Source,Amount,Target_Sheet,Target_Header,Approved\n", Some("column 2")),
        ("Date,Source\n", Some("column 3")),
        ("", Some("column 1")),
    ];
    for (header, fault) in table {
        fs::write(files.path(&tab), header).unwrap();
        let result = files.ensure_tab(&tab, &bench.token).await;
        match fault {
            None => result.unwrap(),
            Some(column) => {
                let error = result.unwrap_err();
                assert_eq!(error.kind, ErrorKind::Header);
                assert!(error.reason.contains(column), "{error}");
                let error = bench.post(&files, &tab, 1, &["a"]).await.unwrap_err();
                assert_eq!(error.kind, ErrorKind::Header);
            }
        }
    }
}

#[tokio::test]
async fn a_post_needs_its_tab() {
    let (bench, tab) = (Bench::new(), tab(TabKind::Pending));
    let files = bench.files();
    assert_eq!(bench.post(&files, &tab, 1, &["a"]).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(files.settle(&tab, 1, &bench.token).await.unwrap(), None);
    assert_eq!(files.read(&tab).await.unwrap(), None);
    assert!(!bench.folder.path().join("book%2F1").exists());
}

#[tokio::test]
async fn markers_are_listed_and_forgotten() {
    let (bench, tab) = (Bench::new(), tab(TabKind::Pending));
    let files = bench.ready(&tab).await;
    for id in 1..=3 {
        bench.post(&files, &tab, id, &["x"]).await.unwrap();
    }
    let marker = Marker { id: 4, value: "signature 4".to_owned() };
    let post = Post { tab: &tab, marker: &marker, rows: &[], forget: &[1, 3, 99] };
    files.append(post, &bench.token).await.unwrap();
    let ids: Vec<i32> = files.markers(&tab).await.unwrap().iter().map(|marker| marker.id).collect();
    assert_eq!(ids, [2, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn posts_at_once_wait_for_each_other() {
    let (bench, tab) = (std::sync::Arc::new(Bench::new()), tab(TabKind::Pending));
    bench.ready(&tab).await;
    let posts: Vec<_> = (1..=12)
        .map(|id| {
            let (bench, tab) = (bench.clone(), tab.clone());
            tokio::spawn(async move { bench.post(&bench.files(), &tab, id, &["x", "y"]).await })
        })
        .collect();
    for post in posts {
        post.await.unwrap().unwrap();
    }
    assert_eq!(bench.words(&tab).await.len(), 24);
    assert_eq!(bench.files().markers(&tab).await.unwrap().len(), 12);
}
