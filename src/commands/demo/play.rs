//! The play: the runbook step by step, and a check after each that changed something.

use super::parts::Parts;
use super::{interrupted, show, steps};
use crate::app::App;
use crate::consent::WriteToken;
use crate::error::Result;
use crate::kafka::LogEnd;
use crate::model::company::CompanyConfig;
use crate::model::count::counted;
use crate::model::offsets::Lag;
use crate::model::pipeline::{LEDGER, TXNS};
use crate::model::posting::TabKind;
use crate::model::record::TopicPartition;
use crate::postgres::census::{self, Counts, Posts};
use crate::postgres::{self, Lease};
use crate::ui::Check;
use std::collections::BTreeMap;

const COMPANIES: &str = include_str!("../../../examples/companies.toml");
const PAYLOAD: &[u8] = include_bytes!("../../../examples/payloads/three-transactions.json");
const RULES: &str = include_str!("../../../examples/rules.csv");
/// A company that is forgotten at first.
const LATE: &str = "712";
const LATE_PAYLOAD: &[u8] = br#"{"transactions":[{"id":"t1","company_id":"712","date":"2025-08-28","amount":-250.00,"description":"LATE BUT NOT LOST"}]}"#;
const NOT_JSON: &str = "oops";

const CONSUME_LIVE: &str = "kylo consume txns --live --exit-when-idle";

/// The play as far as it has come.
pub struct Play<'a> {
    /// The demo's own surroundings.
    pub app: &'a App,
    parts: &'a Parts,
    /// What was checked so far.
    pub checks: Vec<Check>,
}

impl<'a> Play<'a> {
    /// Nothing played yet.
    pub fn new(app: &'a App, parts: &'a Parts) -> Self {
        Play { app, parts, checks: Vec::new() }
    }

    /// The runbook from the first topic to the replay of dead letters.
    pub async fn runbook(&mut self) -> Result<()> {
        self.prepare().await?;
        self.shadow().await?;
        self.live().await?;
        self.promote().await?;
        self.poison().await
    }

    /// Tells a step, unless somebody wants it to end.
    pub fn told(&self, command: &str, outcome: &str) -> Result<()> {
        if self.app.shutdown.is_requested() {
            return Err(interrupted());
        }
        self.app.ui.step(command, outcome);
        Ok(())
    }

    /// Notes a check.
    pub fn check(&mut self, what: &str, expected: impl ToString, seen: impl ToString) {
        self.checks.push(Check::equal(what, expected, seen));
    }

    async fn prepare(&mut self) -> Result<()> {
        self.parts.create_topics(self.app, &token()).await?;
        let topics = self.parts.topics();
        let partitions: i32 = topics.iter().map(|topic| topic.partitions).sum();
        let names: Vec<String> = topics.iter().map(|topic| topic.name.clone()).collect();
        let found = self.app.admin().await?.describe_topics(&names, false).await?;
        let made: usize = found.iter().flatten().map(|topic| topic.partitions.len()).sum();
        self.told(
            "kylo topics create --pipeline ledger --yes",
            &format!("{} topics, {made} partitions", found.iter().flatten().count()),
        )?;
        self.check("partitions of the declared topics", partitions, made);

        let applied = steps::migrate(self.app, &token()).await?;
        self.told("kylo db migrate --yes", &format!("{applied} migrations applied"))?;
        self.check("migrations pending", 0, steps::pending_migrations(self.app).await?);

        let seeded = steps::seed(self.app, &token(), COMPANIES).await?;
        self.told(
            "kylo seed examples/companies.toml --yes",
            &format!("companies {} inserted", seeded.join(" and ")),
        )
    }

    async fn shadow(&mut self) -> Result<()> {
        self.send_payload().await?;
        let ran = steps::consume(self.app, "txns", false).await?;
        let would: Vec<String> = ran
            .would_post
            .iter()
            .map(|post| format!("{} to {}", counted(post.rows, "row", "rows"), post.tab))
            .collect();
        self.told(
            "kylo consume txns --shadow --exit-when-idle",
            &format!("would post {}", would.join(", ")),
        )?;
        let now = self.now().await?;
        self.check("shadow: pending rows of 710, 711", "2, 1", now.each(|company| company.counts.open));
        self.check(
            "shadow: posts begun, tabs touched",
            "0, 0",
            format!("{}, {}", now.all_posts(), now.tabs()),
        );
        Ok(())
    }

    async fn live(&mut self) -> Result<()> {
        let ran = steps::consume(self.app, "txns", true).await?;
        self.told(
            CONSUME_LIVE,
            &format!("{}: what shadow left is on the tabs", counted(ran.posts(), "post", "posts")),
        )?;
        let now = self.now().await?;
        self.check("live: rows on the Pending tabs", "2, 1", now.each(|company| company.pending_rows()));
        self.check("live: posts of 710, 711", "1, 1", now.each(|company| company.posts.posted));

        let before = self.everything().await?;
        self.send_payload().await?;
        let ran = steps::consume(self.app, "txns", true).await?;
        let same = before == self.everything().await?;
        let what = if same { "nothing changed" } else { "something changed" };
        self.told(
            CONSUME_LIVE,
            &format!("{} handled, {what}", counted(ran.summary.totals.handled, "message", "messages")),
        )?;
        self.check("the same again: what changed", "nothing", if same { "nothing" } else { "something" });
        Ok(())
    }

    async fn promote(&mut self) -> Result<()> {
        let configs = self.companies().await?;
        let approved = steps::import(self.app, &token(), &configs, RULES).await?;
        self.told(
            "kylo rules import examples/rules.csv --yes",
            &format!("{approved} rules approved, one STARBUCKS"),
        )?;
        let ids: Vec<String> = configs.iter().map(|config| config.company_id.clone()).collect();
        let requests = steps::promotions(self.app, &ids)?;
        let sent = steps::send(self.app, &token(), requests).await?.len();
        self.told("kylo send promote", &format!("{sent} requests"))?;
        let ran = steps::consume(self.app, "promote", true).await?;
        let now = self.now().await?;
        let resolved: i64 = now.companies.iter().map(|company| company.counts.resolved).sum();
        self.told(
            "kylo consume promote --live --exit-when-idle",
            &format!(
                "rules in force, {} resolved, {}",
                counted(resolved, "row", "rows"),
                counted(ran.posts(), "post", "posts")
            ),
        )?;
        let starbucks =
            now.companies.first().and_then(|company| company.active.as_ref()).is_some_and(|tab| {
                tab.iter().any(|row| row.iter().any(|cell| cell.eq_ignore_ascii_case("starbucks")))
            });
        self.check("promote: STARBUCKS is on tab 710 Active", "yes", if starbucks { "yes" } else { "no" });
        self.check("promote: rules in force of 710, 711", "1, 1", now.each(|company| company.counts.rules));
        self.check("promote: pending rows still open", "1, 0", now.each(|company| company.counts.open));
        self.check("promote: posts of 710, 711", "2, 2", now.each(|company| company.posts.posted));
        Ok(())
    }

    async fn poison(&mut self) -> Result<()> {
        let topic = self.app.settings.name(TXNS.topic);
        steps::send(self.app, &token(), vec![steps::record(&topic, "710", NOT_JSON)]).await?;
        self.told(
            &format!("echo {NOT_JSON} | kylo topics produce {} -k 710", TXNS.topic.1),
            "a message nobody can read",
        )?;
        let late = steps::messages(self.app, LATE_PAYLOAD)?;
        let late_value = late.first().and_then(|record| record.value.clone()).unwrap_or_default();
        steps::send(self.app, &token(), late).await?;
        self.told(
            &format!("kylo topics produce {} -k {LATE} < {LATE}.json", TXNS.topic.1),
            "a batch of a company nobody seeded",
        )?;
        let ran = steps::consume(self.app, "txns", true).await?;
        let mut kinds: Vec<&str> = ran.dead.iter().map(|letter| letter.kind).collect();
        kinds.sort_unstable();
        self.told(CONSUME_LIVE, &format!("{} dead letters: {}", kinds.len(), kinds.join(", ")))?;
        let letters = steps::letters(self.app).await?;
        for kind in ["bad-json", "unknown-company"] {
            let found = letters.iter().filter(|letter| letter.kind == kind).count();
            self.check(&format!("dead letters: {kind}"), 1, found);
        }
        let sent: [&[u8]; 2] = [NOT_JSON.as_bytes(), &late_value];
        let kept = sent.iter().all(|sent| letters.iter().any(|l| l.record.value.as_deref() == Some(*sent)));
        self.check("dead letters: original bytes", "kept", if kept { "kept" } else { "changed" });

        let late_company =
            COMPANIES.rsplit_once("[[company]]").map_or("", |(_, last)| last).replace("711", LATE);
        let seeded =
            steps::seed(self.app, &token(), &format!("{COMPANIES}\n[[company]]{late_company}")).await?;
        self.told(
            "kylo seed companies.toml --yes",
            &format!("company {} inserted, the others unchanged", seeded.join(", ")),
        )?;
        let back = steps::replay(self.app, token(), 3).await?;
        self.told("kylo dlq replay --max-retries 3 --yes", &format!("{back} sent back, byte for byte"))?;
        self.check("replay: dead letters sent back", 2, back);
        let ran = steps::consume(self.app, "txns", true).await?;
        self.told(CONSUME_LIVE, &format!("{LATE} is stored and posted, {} came back", ran.dead.len()))?;
        let now = self.now().await?;
        let late = now.companies.iter().find(|company| company.config.company_id == LATE);
        let seen = late.map(|late| format!("{}, {}", late.counts.transactions, late.pending_rows()));
        self.check("replay: rows of 712 stored, on its tab", "1, 1", seen.unwrap_or_default());
        let again: Vec<String> = steps::letters(self.app)
            .await?
            .into_iter()
            .filter(|l| l.replays > 0 && l.record.value.as_deref() == Some(NOT_JSON.as_bytes()))
            .map(|letter| letter.replays.to_string())
            .collect();
        self.check("replay: count on the letter that came back", 1, again.join(", "));
        Ok(())
    }

    /// What must hold at the end, whatever was played.
    pub async fn closing_checks(&mut self) -> Result<()> {
        let lag = self.lag().await?;
        self.app.ui.step(&format!("kylo groups describe {}", TXNS.group.1), &format!("lag {lag}"));
        self.check("lag of both consumers", 0, lag);
        let now = self.now().await?;
        let unfinished: i64 = now.companies.iter().map(|company| company.posts.posting).sum();
        self.check("posts begun and not finished", 0, unfinished);
        Ok(())
    }

    async fn send_payload(&self) -> Result<()> {
        let records = steps::messages(self.app, PAYLOAD)?;
        let sent = steps::send(self.app, &token(), records).await?.len();
        self.told(
            "kylo send txns examples/payloads/three-transactions.json",
            &format!("3 transactions in {}", counted(sent, "message", "messages")),
        )
    }

    /// A connection to the demo's database.
    pub async fn lease(&self) -> Result<Lease> {
        Ok(self.app.pools().get(&self.app.control_dsn()?).await?)
    }

    /// The seeded companies.
    pub async fn companies(&self) -> Result<Vec<CompanyConfig>> {
        Ok(postgres::company::all(&mut self.lease().await?).await?)
    }

    async fn now(&self) -> Result<Now> {
        let mut lease = self.lease().await?;
        let counts = census::counts(&mut lease).await?;
        let posts = census::posts(&mut lease).await?;
        drop(lease);
        let mut companies = Vec::new();
        for config in self.companies().await? {
            companies.push(Company {
                counts: counts.get(&config.company_id).copied().unwrap_or_default(),
                posts: posts.get(&config.company_id).copied().unwrap_or_default(),
                pending: show::tab(self.app, &config, TabKind::Pending).await?,
                active: show::tab(self.app, &config, TabKind::Active).await?,
                config,
            });
        }
        Ok(Now { companies })
    }

    /// Equal values mean that neither database nor tabs changed.
    async fn everything(&self) -> Result<(String, Vec<Option<Vec<Vec<String>>>>)> {
        let rows = census::fingerprint(&mut self.lease().await?).await?;
        let now = self.now().await?;
        let tabs = now.companies.into_iter().flat_map(|company| [company.pending, company.active]);
        Ok((rows, tabs.collect()))
    }

    /// Records that wait for the live consumers.
    pub async fn lag(&self) -> Result<i64> {
        let admin = self.app.admin().await?;
        let mut lag = 0;
        for worker in LEDGER.workers {
            let (topic, group) = (self.app.settings.name(worker.topic), self.app.settings.name(worker.group));
            let partitions: Vec<TopicPartition> =
                (0..worker.partitions).map(|number| TopicPartition::new(topic.as_str(), number)).collect();
            let logs = admin.watermarks(&partitions, LogEnd::LastStable).await?;
            let committed: BTreeMap<_, _> = admin.committed(&group, Some(&partitions)).await?;
            lag += logs
                .iter()
                .map(|(at, log)| Lag::of(committed.get(at).map(|found| found.offset), *log).waiting)
                .sum::<i64>();
        }
        Ok(lag)
    }
}

/// The demo's consent: starting it.
pub fn token() -> WriteToken {
    WriteToken::by_command("demo")
}

/// Database and tabs at one moment.
struct Now {
    companies: Vec<Company>,
}

struct Company {
    config: CompanyConfig,
    counts: Counts,
    posts: Posts,
    pending: Option<Vec<Vec<String>>>,
    active: Option<Vec<Vec<String>>>,
}

impl Company {
    fn pending_rows(&self) -> usize {
        self.pending.as_ref().map_or(0, Vec::len)
    }
}

impl Now {
    /// One value for each company: `2, 1`.
    fn each<T: ToString>(&self, of: impl Fn(&Company) -> T) -> String {
        self.companies.iter().map(|company| of(company).to_string()).collect::<Vec<_>>().join(", ")
    }
    fn all_posts(&self) -> i64 {
        self.companies.iter().map(|company| company.posts.posted + company.posts.posting).sum()
    }
    fn tabs(&self) -> usize {
        let of = |company: &Company| company.pending.iter().count() + company.active.iter().count();
        self.companies.iter().map(of).sum()
    }
}
