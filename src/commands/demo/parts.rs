//! The demo's own parts: a broker, a database and a folder, and their end.

use super::interrupted;
use crate::app::App;
use crate::consent::WriteToken;
use crate::error::{Error, Result};
use crate::kafka::MockBroker;
use crate::model::pipeline::{LEDGER, shadow_group};
use crate::model::topic::TopicSpec;
#[cfg(unix)]
use crate::postgres::embedded::{EmbeddedOptions, EmbeddedPostgres};
use crate::postgres::{self, Dsn};
use crate::settings::Settings;
use std::path::PathBuf;
use tempfile::TempDir;
use uuid::Uuid;

/// What is asked for: a service that was typed is used, whatever else is set is left alone.
pub struct Order {
    brokers: Option<String>,
    database: bool,
    server: Option<String>,
}

impl Order {
    /// Reads the command line.
    pub fn of(app: &App) -> Order {
        let typed = |key| app.settings.is_typed(key);
        let brokers = app.settings.get("kafka.brokers").filter(|_| typed("kafka.brokers"));
        let database = typed("database.url");
        let server = app.control_dsn().ok().filter(|_| database).map(|dsn| dsn.display().to_owned());
        Order { brokers: brokers.map(|found| found.value.clone()), database, server }
    }
    /// What would be used, for `--dry-run`.
    pub fn lines(&self) -> [String; 2] {
        [
            match &self.brokers {
                Some(brokers) => {
                    format!("kafka {brokers}: topics and groups named ...-demo-ID, removed at the end")
                }
                None => "a broker in this process, on a free loopback port".to_owned(),
            },
            match &self.server {
                Some(server) => format!("database kylo_demo_ID beside {server}, dropped at the end"),
                None => "a private PostgreSQL in a temporary folder, on a free loopback port".to_owned(),
            },
        ]
    }
    /// A read-only profile protects the services that were typed.
    pub fn refuse_read_only(&self, app: &App) -> Result<()> {
        if self.brokers.is_some() || self.database {
            app.own_consent("demo")?;
        }
        Ok(())
    }
}

enum Broker {
    /// In this process.
    Own(MockBroker),
    /// Somebody's; the demo's topics and groups carry its id.
    Given,
}

enum Database {
    #[cfg(unix)]
    Own(EmbeddedPostgres),
    Given {
        server: Dsn,
        name: String,
    },
}

/// Everything the demo stands on. Dropping it ends what runs; [`Parts::end`] also removes what was made elsewhere.
pub struct Parts {
    /// Settings that point at the parts.
    pub settings: Settings,
    // Ended in this order: nobody writes into a folder that is gone.
    broker: Broker,
    database: Database,
    control: Dsn,
    folder: TempDir,
}

/// What `--keep` leaves.
pub struct Kept {
    /// The connection string of a private database; of a given server only its name is known to be safe to show.
    pub database: String,
    /// Starts and stops a private database.
    pub server: Option<(String, String)>,
    /// The folder of the tabs.
    pub tabs: PathBuf,
    /// What to type to be rid of it all.
    pub remove: Vec<String>,
}

impl Parts {
    /// Starts or makes them. Errors and a first signal leave nothing behind.
    pub async fn start(app: &App, order: &Order) -> Result<Parts> {
        let id = Uuid::new_v4().simple().to_string()[..8].to_owned();
        if order.brokers.is_some() {
            // Before anything is made: a broker that does not answer is the end of it.
            app.admin().await?;
        }
        let folder = tempfile::Builder::new().prefix("kylo-demo-").tempdir()?;
        let (database, control) = match order.database {
            true => given_database(app, &id).await?,
            false => own_database(app).await?,
        };
        let (broker, settings) = match &order.brokers {
            Some(_) => (Broker::Given, named(app.settings.clone(), &format!("-demo-{id}"))),
            None => {
                let broker = MockBroker::start(&[])?;
                let settings = named(app.settings.clone(), "")
                    .with("kafka.brokers", broker.bootstrap_servers(), "demo")
                    // A classic group can join this broker again only after its session time-out.
                    .with_client(&[("group.protocol", "consumer")], "demo");
                (Broker::Own(broker), settings)
            }
        };
        let inside = |name: &str| folder.path().join(name).display().to_string();
        let settings = settings
            .with("database.url", control.secret().expose().as_str(), "demo")
            .with("sheets.backend", "files", "demo")
            .with("sheets.folder", inside("sheets"), "demo")
            .with("state.folder", inside("state"), "demo")
            // What is changed from here on is the demo's own.
            .with("read_only", "false", "demo");
        Ok(Parts { settings, broker, database, control, folder })
    }

    /// Says what the demo stands on.
    pub async fn introduce(&self, own: &App) -> Result<()> {
        let brokers = own.settings.get("kafka.brokers").map_or("", |found| &found.value);
        let broker = match self.broker {
            Broker::Own(_) => format!("broker {brokers} in this process"),
            Broker::Given => format!("kafka {brokers} with topics of its own"),
        };
        let version = own.pools().get(&self.control).await?.reached().await?.version;
        let database = match &self.database {
            #[cfg(unix)]
            Database::Own(_) => format!("private PostgreSQL {version}"),
            Database::Given { name, .. } => format!("database {name} (PostgreSQL {version})"),
        };
        own.ui.status(&format!("kylo demo: {broker}, {database}\n"));
        Ok(())
    }

    /// The topics the demo's consumers need, dead letters included.
    pub fn topics(&self) -> Vec<TopicSpec> {
        LEDGER.topics(|name| self.settings.name(name))
    }

    /// Makes the declared topics.
    pub async fn create_topics(&self, own: &App, token: &WriteToken) -> Result<()> {
        let topics = self.topics();
        match &self.broker {
            // This broker does not know the request that makes topics.
            Broker::Own(broker) => topics.iter().try_for_each(|topic| broker.create_topic(topic)),
            Broker::Given => {
                let made = own.admin().await?.create_topics(token, &topics).await?;
                made.into_iter().try_for_each(|(_, result)| result)
            }
        }
    }

    /// Ends everything and removes what was made elsewhere, or keeps database and tabs. Says what could not be
    /// removed.
    pub async fn end(self, app: &App, keep: bool) -> Result<Option<Kept>> {
        let token = WriteToken::by_command("demo");
        let mut left = Vec::new();
        if let Broker::Given = self.broker {
            left.extend(remove_from_cluster(app, &self.settings, &self.topics(), &token).await);
        }
        drop(self.broker);
        let kept = if keep {
            Some(kept(self.database, &self.control, self.folder))
        } else {
            if let Database::Given { server, name } = &self.database {
                let dropped = postgres::drop_database(server, &token, name).await;
                left.extend(dropped.err().map(|error| format!("database {name}: {error}")));
            }
            // Stopping a private server waits for its end.
            tokio::task::spawn_blocking(move || drop((self.database, self.folder)))
                .await
                .map_err(|error| Error::failed("ending the demo's parts failed").source(&error))?;
            None
        };
        match left.is_empty() {
            true => Ok(kept),
            false => {
                Err(left.into_iter().fold(Error::failed("the demo left something behind"), Error::cause))
            }
        }
    }
}

/// Names of topics and groups: the declared ones with `suffix`.
fn named(mut settings: Settings, suffix: &str) -> Settings {
    for worker in LEDGER.workers {
        for (key, name) in [worker.topic, worker.group] {
            settings = settings.with(key, format!("{name}{suffix}"), "demo");
        }
    }
    settings.with("groups.replay", format!("{}{suffix}", LEDGER.replay_group), "demo")
}

async fn given_database(app: &App, id: &str) -> Result<(Database, Dsn)> {
    let (server, name) = (app.control_dsn()?, format!("kylo_demo_{id}"));
    let control = postgres::create_database(&server, &WriteToken::by_command("demo"), &name).await?;
    Ok((Database::Given { server, name }, control))
}

#[cfg(unix)]
async fn own_database(app: &App) -> Result<(Database, Dsn)> {
    let options = EmbeddedOptions {
        search_path: app.settings.search_path(),
        cache_folder: app.settings.cache_folder(),
        sync: false,
    };
    let progress = app.ui.progress("private database", None);
    let start = EmbeddedPostgres::start(&options, |step| progress.message(&step.to_string()));
    let server = tokio::select! {
        server = start => server?,
        () = app.shutdown.requested() => return Err(interrupted()),
    };
    progress.finish();
    let control =
        postgres::create_database(server.dsn(), &WriteToken::by_command("demo"), "kylo_demo").await?;
    Ok((Database::Own(server), control))
}

#[cfg(not(unix))]
async fn own_database(_app: &App) -> Result<(Database, Dsn)> {
    Err(Error::usage("a private PostgreSQL cannot be started on this system")
        .hint("kylo demo --database-url postgres://... uses a database of its own on that server"))
}

/// Removes the demo's topics and groups from a given cluster; what could not be removed, one line each.
async fn remove_from_cluster(
    app: &App,
    settings: &Settings,
    topics: &[TopicSpec],
    token: &WriteToken,
) -> Vec<String> {
    let work = async {
        let admin = app.admin().await?;
        let mut left = Vec::new();
        let mut keep_error = |(name, result): (String, Result<()>)| {
            left.extend(result.err().map(|error| format!("{name}: {error}")));
        };
        let known: Vec<String> = admin.groups().await?.into_iter().map(|group| group.group).collect();
        let mut groups: Vec<String> = LEDGER
            .workers
            .iter()
            .map(|worker| settings.name(worker.group))
            .flat_map(|group| [shadow_group(&group), group])
            .chain([settings.name(("groups.replay", LEDGER.replay_group))])
            .collect();
        groups.retain(|group| known.contains(group));
        admin.delete_groups(token, &groups).await?.into_iter().for_each(&mut keep_error);
        let known: Vec<String> = admin.topics().await?.into_iter().map(|topic| topic.topic).collect();
        let names: Vec<String> =
            topics.iter().map(|topic| topic.name.clone()).filter(|name| known.contains(name)).collect();
        admin.delete_topics(token, &names).await?.into_iter().for_each(&mut keep_error);
        Ok::<_, Error>(left)
    };
    work.await.unwrap_or_else(|error| vec![format!("topics and groups: {error}")])
}

fn kept(database: Database, control: &Dsn, folder: TempDir) -> Kept {
    let folder = folder.keep();
    let tabs = folder.join("sheets");
    match database {
        #[cfg(unix)]
        Database::Own(server) => {
            let server = server.keep();
            Kept {
                // Nobody else's secret: the password was made for this database, and is needed to look at it.
                database: format!("psql '{}'", control.secret().expose()),
                remove: vec![
                    server.stop.clone(),
                    format!("rm -rf {} {}", server.folder.display(), folder.display()),
                ],
                server: Some((server.start, server.stop)),
                tabs,
            }
        }
        Database::Given { name, .. } => Kept {
            database: format!("{} (psql, with --dbname {name})", control.display()),
            server: None,
            remove: vec![format!("dropdb {name}"), format!("rm -rf {}", folder.display())],
            tabs,
        },
    }
}
