//! The posting drain on a PostgreSQL and tabs of its own: two companies in two databases, one workbook each.

use jiff::Timestamp;
use kylo::consent::WriteToken;
use kylo::engine::{Drain, Drained};
use kylo::handlers::ledger::posting::{Posting, SqlStore, backlog, would_post};
use kylo::model::clock::FixedClock;
use kylo::model::posting::TabKind;
use kylo::postgres::embedded::{EmbeddedOptions, EmbeddedPostgres};
use kylo::postgres::{Dsn, PoolLimits, Pools, rollout};
use kylo::sheets::{Files, Marker, Post, Sheets, SheetsFuture, Tab};
use std::sync::Arc;

/// 710 lives in the control database, 711 in one of its own.
struct Bench {
    server: EmbeddedPostgres,
    control: Dsn,
    other: Dsn,
    sheets: tempfile::TempDir,
}

fn token() -> WriteToken {
    WriteToken::by_command("test")
}

impl Bench {
    async fn new() -> Self {
        let search_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect());
        let options = EmbeddedOptions {
            search_path: search_path.unwrap_or_default(),
            cache_folder: std::env::temp_dir().join("kylo-live-postgres"),
            sync: false,
        };
        let server = EmbeddedPostgres::start(&options, |_| {}).await.expect("starting a PostgreSQL");
        let control =
            kylo::postgres::create_database(server.dsn(), &token(), "control").await.expect("a database");
        let other =
            kylo::postgres::create_database(server.dsn(), &token(), "other").await.expect("a database");
        let bench =
            Bench { server, control, other, sheets: tempfile::tempdir().expect("a temporary folder") };
        bench.migrate().await;
        for (company, dsn) in [("710", &bench.control), ("711", &bench.other)] {
            let dsn = dsn.secret().expose();
            let insert = format!(
                "insert into control.company_config values ('{company}', '{dsn}', 'app_{company}', \
                 'book {company}', '{company} Pending', '{company} Active')"
            );
            bench.sql(&bench.control, &insert).await;
        }
        bench.migrate().await;
        bench
    }
    async fn migrate(&self) {
        for plan in rollout::survey(&self.control).await.expect("the databases answer").databases {
            rollout::migrate(&plan, &token()).await.expect("migrating");
        }
    }
    fn dsn(&self, company: &str) -> &Dsn {
        if company == "710" { &self.control } else { &self.other }
    }
    /// Rows as text, null as `-`.
    async fn sql(&self, dsn: &Dsn, text: &str) -> Vec<Vec<String>> {
        let (client, connection) =
            tokio_postgres::connect(dsn.secret().expose(), tokio_postgres::NoTls).await.expect("connecting");
        tokio::spawn(connection);
        let messages = client.simple_query(text).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let rows = messages.into_iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).unwrap_or("-").to_owned()).collect())
            }
            _ => None,
        });
        rows.collect()
    }
    async fn number(&self, dsn: &Dsn, text: &str) -> i64 {
        self.sql(dsn, text).await[0][0].parse().expect("a number")
    }
    /// Pending rows `from..to`, described `row 7` and so on, in this order of arrival.
    async fn rows(&self, company: &str, from: u32, to: u32) {
        let insert = format!(
            "insert into app.pending_txns (company_id, txn_uid, first_seen_batch, last_seen_batch, occurred_at, \
                 description_norm, amount_cents) \
             select '{company}', gen_random_uuid(), 'b', 'b', '2025-08-26', 'row ' || n, -1234 \
             from generate_series({from}, {to} - 1) n order by n"
        );
        self.sql(self.dsn(company), &insert).await;
    }
    /// A version of the rules with one rule, as a promotion writes it.
    async fn rules(&self, company: &str, version: i64, source: &str) {
        let write = format!(
            "insert into app.rules_active values ('{company}', gen_random_uuid(), '{source}', 'norm', 'S', 'H', \
                 null, now(), '2025-08-26T10:00:00.5Z', {version}) \
             on conflict (company_id, source_norm) do update set source = excluded.source, version = {version}; \
             insert into control.rule_versions \
             select company_id, {version}, 'c', jsonb_agg(jsonb_build_object('rule_id', rule_id, 'source', source, \
                 'source_norm', source_norm, 'target_sheet', target_sheet, 'target_header', target_header)), now() \
             from app.rules_active where company_id = '{company}' group by company_id"
        );
        self.sql(self.dsn(company), &write).await;
    }
    fn files(&self) -> Files {
        Files::new(self.sheets.path().to_owned())
    }
    fn posting(&self, sheets: impl Sheets) -> Posting {
        let clock = Arc::new(FixedClock(Timestamp::from_second(1_800_000_000).expect("a time")));
        let store = Arc::new(SqlStore::new(self.control.clone(), token()));
        Posting::new(store, Arc::new(sheets), clock, token())
    }
    async fn drain(&self) {
        let posting = self.posting(self.files());
        for _ in 0..100 {
            let waiting = posting.sweep().await.expect("a sweep");
            if waiting.is_empty() {
                return;
            }
            for company in waiting {
                posting.step(&company).await.expect("a step");
            }
        }
        panic!("the drain never came to rest");
    }
    /// One column below the header.
    async fn column(&self, company: &str, kind: TabKind, column: usize) -> Vec<String> {
        let rows = self.files().read(&tab(company, kind)).await.expect("reading a tab").unwrap_or_default();
        rows.iter().skip(1).map(|row| row[column].clone()).collect()
    }
}

fn tab(company: &str, kind: TabKind) -> Tab {
    Tab { spreadsheet_id: format!("book {company}"), name: format!("{company} {kind:?}"), kind }
}

fn numbered(count: u32) -> Vec<String> {
    (0..count).map(|number| format!("row {number}")).collect()
}

/// A workbook that takes a post and never answers.
struct Silent(Files);

impl Sheets for Silent {
    fn ensure_tab<'a>(&'a self, tab: &'a Tab, token: &'a WriteToken) -> SheetsFuture<'a, ()> {
        self.0.ensure_tab(tab, token)
    }
    fn append<'a>(&'a self, post: Post<'a>, token: &'a WriteToken) -> SheetsFuture<'a, ()> {
        Box::pin(async move {
            self.0.append(post, token).await?;
            std::future::pending().await
        })
    }
    fn replace<'a>(&'a self, post: Post<'a>, token: &'a WriteToken) -> SheetsFuture<'a, ()> {
        self.0.replace(post, token)
    }
    fn settle<'a>(
        &'a self,
        tab: &'a Tab,
        id: i32,
        token: &'a WriteToken,
    ) -> SheetsFuture<'a, Option<String>> {
        self.0.settle(tab, id, token)
    }
    fn markers<'a>(&'a self, tab: &'a Tab) -> SheetsFuture<'a, Vec<Marker>> {
        self.0.markers(tab)
    }
    fn read<'a>(&'a self, tab: &'a Tab) -> SheetsFuture<'a, Option<Vec<Vec<String>>>> {
        self.0.read(tab)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_reported_and_posted_once() {
    let bench = Bench::new().await;
    bench.rows("710", 0, 3).await;
    bench.rows("711", 0, 2).await;
    let pools = Pools::new(PoolLimits::default());
    let waits = backlog(&pools, &bench.control).await.found;
    let waits: Vec<_> = waits.iter().map(|waits| (waits.company_id.as_str(), waits.rows)).collect();
    assert_eq!(waits, [("710", 3), ("711", 2)]);
    let mut planned = Vec::new();
    for company in ["710", "711"] {
        planned.extend(would_post(&pools, &bench.control, company).await.unwrap());
    }
    assert_eq!(bench.number(&bench.control, "select count(*) from control.sheet_posts").await, 0);
    assert!(std::fs::read_dir(bench.sheets.path()).unwrap().next().is_none());

    bench.drain().await;
    for (company, rows) in [("710", 3), ("711", 2)] {
        assert_eq!(bench.column(company, TabKind::Pending, 1).await, numbered(rows));
        assert_eq!(bench.column(company, TabKind::Pending, 3).await[0], "-12.34");
        let stamps = "select distinct posted_signature from app.pending_txns";
        let posted = planned.iter().find(|post| post.company_id == company).unwrap();
        assert_eq!(bench.sql(bench.dsn(company), stamps).await, [[posted.signature.clone()]]);
        let rows = bench
            .sql(&bench.control, &format!("select tab_name, batch_signature, row_count, state from control.sheet_posts where company_id = '{company}'"))
            .await;
        assert_eq!(
            rows,
            [[posted.tab.clone(), posted.signature.clone(), posted.rows.to_string(), "posted".to_owned()]]
        );
    }
    let left = backlog(&pools, &bench.control).await;
    assert!(left.found.is_empty() && left.failures.is_empty(), "{left:?}");
    assert!(would_post(&pools, &bench.control, "710").await.unwrap().is_empty());

    // What comes later is a post of its own; the same again is nothing.
    bench.rows("710", 3, 4).await;
    bench.drain().await;
    bench.drain().await;
    assert_eq!(bench.column("710", TabKind::Pending, 1).await, numbered(4));
    assert_eq!(bench.number(&bench.control, "select count(*) from control.sheet_posts").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_a_b_a_show_a() {
    let bench = Bench::new().await;
    for (version, source, posts) in [(1, "a", 1), (2, "b", 2), (3, "a", 2), (4, "a", 2)] {
        bench.rules("711", version, source).await;
        bench.drain().await;
        assert_eq!(bench.column("711", TabKind::Active, 3).await, [source]);
        let count = "select count(*) from control.sheet_posts where state = 'posted'";
        assert_eq!(bench.number(&bench.control, count).await, posts);
    }
    // The last version looked like the one before: it was recorded, and not posted.
    assert_eq!(bench.column("711", TabKind::Active, 0).await, ["3"]);
    assert_eq!(bench.column("711", TabKind::Active, 1).await, ["2025-08-26T10:00:00Z"]);
    let last = "select ordinal, rules_version from control.sheet_posts order by posted_at desc limit 1";
    assert_eq!(bench.sql(&bench.control, last).await, [["1", "4"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_back_does_not_repeat_a_post() {
    let bench = Bench::new().await;
    bench.rules("711", 1, "a").await;
    bench.drain().await;
    let ahead = "update control.sheet_posts set posted_at = posted_at + interval '1 hour'";
    bench.sql(&bench.control, ahead).await;
    bench.rules("711", 2, "b").await;
    bench.drain().await;
    assert_eq!(bench.column("711", TabKind::Active, 3).await, ["b"]);
    let posts = "select ordinal, rules_version from control.sheet_posts order by posted_at";
    assert_eq!(bench.sql(&bench.control, posts).await, [["0", "1"], ["0", "2"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_cut_off_after_its_post_is_settled_by_the_next_leader() {
    let bench = Bench::new().await;
    bench.rows("711", 0, 2).await;
    let silent = bench.posting(Silent(bench.files()));
    let posting = bench.posting(bench.files());
    {
        let mut step = std::pin::pin!(silent.step("711"));
        while bench.column("711", TabKind::Pending, 1).await.is_empty() {
            let moment = tokio::time::sleep(std::time::Duration::from_millis(10));
            tokio::select! {
                done = &mut step => panic!("the step ended: {done:?}"),
                () = moment => {}
            }
        }
        // It leads, and stays the leader for as long as it waits.
        assert_eq!(posting.step("711").await.unwrap(), Drained::NotLeader);
        assert_eq!(posting.sweep().await.unwrap(), ["711"]);
    }
    // Its connection is closed with it, and the lock goes; the server needs a moment to notice.
    let started = std::time::Instant::now();
    while posting.step("711").await.unwrap() == Drained::NotLeader {
        assert!(started.elapsed().as_secs() < 10, "the lock outlived its leader");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    bench.rows("711", 2, 3).await;
    bench.drain().await;
    assert_eq!(bench.column("711", TabKind::Pending, 1).await, numbered(3));
    let open = "select count(*) from control.sheet_posts where state = 'posting'";
    assert_eq!(bench.number(&bench.control, open).await, 0);
    let stamped = "select count(*) from app.pending_txns where posted_signature is not null";
    assert_eq!(bench.number(&bench.other, stamped).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_leaders_at_once_post_each_row_once() {
    let bench = Arc::new(Bench::new().await);
    let processes: Vec<_> = (0..4)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let posting = bench.posting(bench.files());
                for _ in 0..30 {
                    posting.step("710").await.unwrap();
                    posting.step("711").await.unwrap();
                }
            })
        })
        .collect();
    for number in 0..20 {
        bench.rows("710", number, number + 1).await;
        bench.rows("711", number, number + 1).await;
    }
    for process in processes {
        process.await.unwrap();
    }
    bench.drain().await;
    for company in ["710", "711"] {
        assert_eq!(bench.column(company, TabKind::Pending, 1).await, numbered(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_holds_only_its_company() {
    let bench = Bench::new().await;
    bench.rows("710", 0, 1).await;
    bench.rows("711", 0, 1).await;
    kylo::postgres::drop_database(bench.server.dsn(), &token(), "other").await.unwrap();
    let posting = bench.posting(bench.files());
    // Nobody knows whether it has work, so it does not count as idle.
    assert_eq!(posting.sweep().await.unwrap(), ["710", "711"]);
    let failure = posting.step("711").await.unwrap_err();
    assert!(failure.dependency.unwrap().to_string().contains("other"));
    while posting.step("710").await.unwrap() != Drained::Empty {}
    assert_eq!(bench.column("710", TabKind::Pending, 1).await, numbered(1));
}
