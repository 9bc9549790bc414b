//! What every command is given: settings, clock, output, the stop signal, and clients opened when first asked.

mod consumers;
pub mod replay;

pub use consumers::{ConsumerOrder, Mode};

use crate::consent::{self, ConsentFlags, Decision, WriteToken};
use crate::error::{Error, Result};
use crate::kafka;
use crate::model::clock::{Clock, SharedClock};
use crate::postgres::{Dsn, PoolLimits, Pools};
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::ui::Ui;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::OnceCell;

/// Built once at the start and passed by reference.
pub struct App {
    /// Output.
    pub ui: Ui,
    /// Settings, resolved.
    pub settings: Settings,
    /// The time of day.
    pub clock: SharedClock,
    /// The stop signal.
    pub shutdown: Shutdown,
    /// What was said about consent.
    pub consent: ConsentFlags,
    said: Mutex<BTreeSet<String>>,
    kafka: OnceCell<kafka::Config>,
    producer: OnceCell<Arc<kafka::Producer>>,
    admin: OnceCell<kafka::Admin>,
    pools: OnceLock<Pools>,
}

impl App {
    /// Puts the parts together; no client is opened yet.
    pub fn new(
        ui: Ui,
        settings: Settings,
        clock: SharedClock,
        shutdown: Shutdown,
        consent: ConsentFlags,
    ) -> Self {
        App {
            ui,
            settings,
            clock,
            shutdown,
            consent,
            said: Mutex::default(),
            kafka: OnceCell::new(),
            producer: OnceCell::new(),
            admin: OnceCell::new(),
            pools: OnceLock::new(),
        }
    }

    /// How to speak to Kafka, once a broker has answered. Errors: a refused or silent broker is unreachable, exit 5.
    pub async fn kafka(&self) -> Result<&kafka::Config> {
        let open = async {
            let config = self.settings.kafka()?;
            let dial = config.clone();
            let answer = tokio::task::spawn_blocking(move || kafka::preflight(&dial)).await;
            answer.map_err(|error| Error::failed("dialling kafka failed").source(&error))??;
            Ok(config)
        };
        self.kafka.get_or_try_init(|| open).await
    }

    /// The producer of this run, opened when first asked for.
    pub async fn producer(&self) -> Result<Arc<kafka::Producer>> {
        let open = async { kafka::Producer::connect(self.kafka().await?).map(Arc::new) };
        self.producer.get_or_try_init(|| open).await.cloned()
    }

    /// The admin client of this run, opened when first asked for.
    pub async fn admin(&self) -> Result<kafka::Admin> {
        let open = async { kafka::Admin::connect(self.kafka().await?).await };
        self.admin.get_or_try_init(|| open).await.cloned()
    }

    /// Connections to databases, bounded over all of them.
    pub fn pools(&self) -> &Pools {
        self.pools.get_or_init(|| Pools::new(PoolLimits::default()))
    }

    /// The control database (`database.url`).
    pub fn control_dsn(&self) -> Result<Dsn> {
        Ok(Dsn::parse(self.settings.database_url()?.expose())?)
    }

    /// Says on stderr, once, that a change is about this Kafka.
    pub fn about_kafka(&self) {
        let brokers = self.settings.get("kafka.brokers").map_or("", |found| &found.value);
        self.about(&format!("kafka {brokers}"));
    }

    /// Says on stderr, once, that a change is about this database.
    pub fn about_database(&self, dsn: &Dsn) {
        self.about(&format!("database {}", dsn.display()));
    }

    /// Says on stderr, once in this run, which system a change is about: `kafka 127.0.0.1:9092`.
    pub fn about(&self, system: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert(system.to_owned()) {
            self.ui.status(&format!("on {system}"));
        }
    }

    /// The consent of a command that is its own consent (`send`, `topics produce`, `consume`). Errors: `read_only`
    /// is set, or `--dry-run` was given and the command did not stop after its plan; exit 6.
    pub fn own_consent(&self, command: &'static str) -> Result<WriteToken> {
        if self.consent.dry_run {
            return Err(Error::not_done(format!("nothing was changed: {command} was given --dry-run")));
        }
        self.refuse_read_only()?;
        Ok(WriteToken::by_command(command))
    }

    fn refuse_read_only(&self) -> Result<()> {
        if !self.settings.flag("read_only") {
            return Ok(());
        }
        let origin = self.settings.get("read_only").map(|found| found.origin.to_string());
        Err(Error::not_done("nothing was changed: read_only is set")
            .cause(format!("it is set by {}", origin.unwrap_or_default())))
    }

    /// The consent to a change whose plan has just been shown: `None` after `--dry-run`, an error of kind `NotDone`
    /// (exit 6) when the answer is no or nobody can be asked. `question` ends with a question mark:
    /// `create 4 topics?`.
    pub async fn confirm_change(&self, question: &str) -> Result<Option<WriteToken>> {
        if !self.consent.dry_run {
            self.refuse_read_only()?;
        }
        match consent::decide(self.consent) {
            Decision::Act(token) => Ok(Some(token)),
            Decision::Stop => {
                self.ui.status("dry run: nothing was changed");
                Ok(None)
            }
            Decision::Refuse => {
                Err(Error::not_done("nothing was changed: nobody agreed and nobody can be asked")
                    .hint("add --yes to carry the plan out"))
            }
            Decision::Ask => {
                let (ui, question) = (self.ui.clone(), question.to_owned());
                // On a thread of its own, so that a signal is seen while the question waits.
                let answer = tokio::task::spawn_blocking(move || ui.confirm(&question)).await;
                let yes = answer.map_err(|error| Error::failed("asking failed").source(&error))??;
                let declined = || Error::not_done("nothing was changed: the answer was no");
                WriteToken::by_answer(yes).map(Some).ok_or_else(declined)
            }
        }
    }
}

/// The system's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

/// The system's clock, shared.
pub fn system_clock() -> SharedClock {
    Arc::new(SystemClock)
}
