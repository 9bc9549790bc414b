//! Puts a built-in consumer together: its source, its handler, its dead letters and its drain.

use super::App;
use crate::engine::dead_letter::Sender;
use crate::engine::{Consumer, DrainPart, FolderMarks, Handler, Hints, MarkStore, Policy, Reporter};
use crate::error::{Error, Result};
use crate::handlers::ledger::posting::{Posting, SqlStore};
use crate::handlers::ledger::{AfterCommit, Ledger, Promote, ShadowReport, Txns};
use crate::kafka::{Admin, ConsumerSource, SourceOptions};
use crate::model::pipeline::{Pipeline, WorkerSpec, dead_letter_topic, shadow_group};
use crate::postgres;
use std::sync::Arc;

/// Whether a consumer writes outside.
#[derive(Clone)]
pub enum Mode {
    /// It posts.
    Live,
    /// It does everything but outside writes; what it would post is told.
    Shadow(Arc<dyn ShadowReport>),
}

/// Which consumer, and how.
pub struct ConsumerOrder {
    /// The pipeline it belongs to.
    pub pipeline: &'static Pipeline,
    /// The consumer.
    pub worker: &'static WorkerSpec,
    /// Whether it writes outside.
    pub mode: Mode,
    /// The numbers to run by; the retry policy's end is the worker's own.
    pub policy: Policy,
    /// Who is told.
    pub reporter: Arc<dyn Reporter>,
}

impl ConsumerOrder {
    /// The topic it reads.
    pub fn topic(&self, app: &App) -> String {
        app.settings.name(self.worker.topic)
    }
    /// The group it reads in; a shadow has one of its own.
    pub fn group(&self, app: &App) -> String {
        let group = app.settings.name(self.worker.group);
        match self.mode {
            Mode::Live => group,
            Mode::Shadow(_) => shadow_group(&group),
        }
    }
}

/// What a pipeline brings to one of its consumers.
struct Parts {
    handler: Arc<dyn Handler>,
    drains: Vec<DrainPart>,
}

impl App {
    /// Refuses (exit 7) to start on a database with pending migrations or a cluster without the topics.
    pub async fn require_ready(&self, admin: &Admin, topics: &[String], pipeline: &str) -> Result<()> {
        postgres::migrate::require_current(self.pools(), &self.control_dsn()?).await?;
        let found = admin.describe_topics(topics, false).await?;
        let missing: Vec<&str> = topics
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let error = Error::check(format!("{} of {} topics are missing", missing.len(), topics.len()));
        let error = missing.iter().fold(error, |error, name| error.cause(format!("no topic \"{name}\"")));
        Err(error.hint(format!("kylo topics create --pipeline {pipeline}")))
    }

    /// A consumer, ready to run. Errors: what it needs is missing, refused or unreachable.
    pub async fn consumer(&self, order: ConsumerOrder) -> Result<Consumer> {
        let (topic, group) = (order.topic(self), order.group(self));
        let dead_letters = dead_letter_topic(&topic);
        // Settings first: what is wrong in them is told before anything is dialled.
        let parts = self.parts(&order)?;
        let kafka = self.kafka().await?;
        let admin = Admin::connect(kafka).await?;
        self.require_ready(&admin, &[topic.clone(), dead_letters.clone()], order.pipeline.name).await?;
        let mut policy = order.policy;
        policy.retry.when_spent = order.worker.when_spent;
        let source = ConsumerSource::new(kafka, group.clone(), vec![topic], SourceOptions::default())?;
        Ok(Consumer {
            source: Box::new(source),
            handler: parts.handler,
            publisher: self.producer().await?,
            dead_letter_topic: dead_letters.into(),
            sender: Sender { cluster: admin.cluster().id.as_str().into(), group: group.as_str().into() },
            policy,
            clock: self.clock.clone(),
            reporter: order.reporter,
            drains: parts.drains,
            marks: self.marks(&admin.cluster().id, &group),
        })
    }

    /// What a worker handles with: one line for each pipeline, one function for its parts. Dials nobody.
    fn parts(&self, order: &ConsumerOrder) -> Result<Parts> {
        match order.pipeline.name {
            "ledger" => self.ledger(order.worker.name, &order.mode),
            other => Err(Error::failed(format!("pipeline \"{other}\" has no handlers"))),
        }
    }

    fn ledger(&self, worker: &str, mode: &Mode) -> Result<Parts> {
        let control = self.control_dsn()?;
        let (after, drain) = match mode {
            Mode::Live => {
                let sheets = self.settings.sheets()?.open();
                let token = self.own_consent("consume")?;
                let store = SqlStore::new(control.clone(), self.own_consent("consume")?);
                let posting = Posting::new(Arc::new(store), sheets, self.clock.clone(), token);
                let (hints, woken) = Hints::channel();
                let part = DrainPart { drain: Arc::new(posting), hints: woken };
                (AfterCommit::Wake(hints), Some(part))
            }
            Mode::Shadow(report) => (AfterCommit::Report(report.clone()), None),
        };
        let ledger = Arc::new(Ledger::new(
            self.pools().clone(),
            control,
            self.clock.clone(),
            after,
            self.own_consent("consume")?,
        ));
        let handler: Arc<dyn Handler> = match worker {
            "txns" => Arc::new(Txns::new(ledger)),
            "promote" => Arc::new(Promote::new(ledger)),
            other => return Err(Error::failed(format!("consumer \"{other}\" has no handler"))),
        };
        Ok(Parts { handler, drains: drain.into_iter().collect() })
    }

    /// Where it is noted which records run. Without such a folder consumers run all the same.
    fn marks(&self, cluster: &str, group: &str) -> Option<Arc<dyn MarkStore>> {
        let safe = |text: &str| -> String {
            text.chars()
                .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
                .collect()
        };
        let folder = self.settings.state_folder().join("running").join(safe(cluster)).join(safe(group));
        match FolderMarks::open(&folder) {
            Ok(marks) => Some(Arc::new(marks)),
            Err(error) => {
                self.ui.warn(&format!(
                    "a record that kills the process cannot be found out: {} cannot be written: {error}",
                    folder.display()
                ));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::ConsentFlags;
    use crate::engine::Silent;
    use crate::model::company::CompanyConfig;
    use crate::model::pipeline::PIPELINES;
    use crate::settings::Settings;
    use crate::shutdown::Shutdown;
    use crate::ui::{Ui, UiOptions};

    struct Unheard;
    impl ShadowReport for Unheard {
        fn would_post(&self, _company: &CompanyConfig) {}
    }

    #[tokio::test]
    async fn every_declared_worker_has_a_handler() {
        let settings = Settings::default()
            .with("database.url", "postgres://kylo@127.0.0.1:1/kylo", "test")
            .with("sheets.backend", "files", "test")
            .with("sheets.folder", "sheets", "test");
        let ui = Ui::captured(UiOptions::default(), Arc::default(), Arc::default());
        let clock = super::super::system_clock();
        let app = App::new(ui, settings, clock, Shutdown::never(), ConsentFlags::default());
        for pipeline in PIPELINES {
            for worker in pipeline.workers {
                for mode in [Mode::Live, Mode::Shadow(Arc::new(Unheard))] {
                    let (policy, reporter) = (Policy::default(), Arc::new(Silent));
                    let order = ConsumerOrder { pipeline, worker, mode, policy, reporter };
                    let parts =
                        app.parts(&order).map_err(|error| format!("{}: {error}", worker.name)).unwrap();
                    assert_eq!(parts.drains.len(), usize::from(matches!(order.mode, Mode::Live)));
                }
            }
        }
    }
}
