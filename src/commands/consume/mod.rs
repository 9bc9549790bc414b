//! `kylo consume`: runs built-in consumers.

mod monitor;
mod plan;
mod view;

use crate::app::{App, ConsumerOrder, Mode};
use crate::commands::examples;
use crate::engine::{OnLost, Policy, RunError, Silent, Summary};
use crate::error::{Error, Result};
use crate::model::pipeline::{self, PIPELINES, Pipeline, WorkerSpec};
use crate::model::suggest::nearest;
use crate::shutdown::{self, Shutdown, Stage, Trigger};
use monitor::{About, Monitor};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use view::{Console, ShadowPosts};

/// run built-in consumers
///
/// A shadow consumer does everything but outside writes, in a group of its own. A live one posts too. Without
/// either flag the setting sheets.post decides (shadow by default). The first Ctrl-C finishes what is in hand,
/// commits and leaves; a second one stops at once, which is safe.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&[
    "kylo consume txns --shadow",
    "kylo consume txns promote --live --exit-when-idle",
    "kylo consume --all --live",
]))]
pub struct Args {
    /// The consumers to run: txns, promote
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// All consumers of a pipeline
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// The pipeline of --all
    #[arg(long, value_name = "NAME", default_value = "ledger", requires = "all", conflicts_with = "names")]
    pipeline: String,
    /// Everything but outside writes
    #[arg(long, conflicts_with = "live")]
    shadow: bool,
    /// Outside writes too
    #[arg(long)]
    live: bool,
    /// Handlers at once, for each consumer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: Option<u16>,
    /// End when everything there was is done and committed
    ///
    /// What is blocked is waited for, for as long as it takes; with --idle-timeout (else with --timeout) no longer
    /// than that without anything moving, and then the exit code is 1.
    #[arg(long)]
    exit_when_idle: bool,
    /// With --exit-when-idle: give up when nothing has moved for this long (`30s`, `2m`)
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = crate::settings::parse_duration,
        requires = "exit_when_idle"
    )]
    idle_timeout: Option<Duration>,
    /// When records were deleted before they were read, or the log ends before what the group committed (then `continue` reads it from its start)
    #[arg(long, value_name = "WHAT", value_parser = ["stop", "continue"], default_value = "stop")]
    on_lost: String,
    /// Go on however many records in a row are dead-lettered
    #[arg(long)]
    no_flood_stop: bool,
    /// Answer /metrics, /healthz and /readyz on this port; 0 takes a free one and says which
    #[arg(long, value_name = "N")]
    metrics_port: Option<u16>,
    /// The address of --metrics-port; whoever reaches it may read
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", requires = "metrics_port")]
    metrics_listen: IpAddr,
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let workers = chosen(&args)?;
    let live = args.live || (!args.shadow && app.settings.sheets_post());
    if app.consent.dry_run {
        return plan::show(app, &workers, live).await;
    }
    let policy = policy(app, &args);
    let shadow = Arc::new(ShadowPosts::new(app));
    let monitor = Arc::new(Monitor::new(app, shadow.clone()));
    // First of all, so that a port that is taken is told before anything is touched.
    let served = match args.metrics_port {
        Some(port) => Some(monitor.clone().serve(app, SocketAddr::new(args.metrics_listen, port)).await?),
        None => None,
    };
    let mut consumers = Vec::new();
    for (pipeline, worker) in workers {
        let mode = if live { Mode::Live } else { Mode::Shadow(Arc::new(shadow.report())) };
        let how = if live { "live" } else { "shadow" };
        let reporter = Arc::new(Silent);
        let mut order = ConsumerOrder { pipeline, worker, mode, policy: policy.clone(), reporter };
        let (topic, group) = (order.topic(app), order.group(app));
        let about = About { worker: worker.name, group: group.clone(), topic: topic.clone(), mode: how };
        order.reporter = Arc::new(monitor.watch(about, Console::new(app.ui.clone(), worker.name)));
        consumers.push((worker.name, app.consumer(order).await?));
        app.ui.status(&format!("consuming {} ({how}): topic {topic}, group {group}", worker.name));
    }
    let (trigger, shutdown) = linked(&app.shutdown);
    let mut running = JoinSet::new();
    for (name, consumer) in consumers {
        let shutdown = shutdown.clone();
        running.spawn(async move { (name, consumer.run(shutdown).await) });
    }
    let teller = {
        let shadow = shadow.clone();
        tokio::spawn(async move { shadow.tell().await })
    };
    let mut result = Ok(());
    while let Some(ended) = running.join_next().await {
        let ended = match ended {
            Ok((name, Ok(summary))) => {
                view::summary(&app.ui, name, &summary).and_then(|()| whole(name, &summary))
            }
            Ok((name, Err(error))) => {
                monitor.failed(name, &error.to_string());
                Err(described(name, error))
            }
            Err(error) => Err(Error::failed("a consumer ended unexpectedly").source(&error)),
        };
        if let Err(error) = ended {
            if result.is_ok() {
                result = Err(error);
            } else {
                app.ui.error(&error);
            }
            // One that cannot go on takes the others along, so that whoever runs us notices.
            if trigger.stage() == Stage::Running {
                trigger.advance();
            }
        }
    }
    teller.abort();
    shadow.finish().await;
    if let Some(served) = served {
        served.abort();
    }
    result
}

fn chosen(args: &Args) -> Result<Vec<(&'static Pipeline, &'static WorkerSpec)>> {
    if args.all {
        let pipeline = pipeline::pipeline(&args.pipeline)?;
        return Ok(pipeline.workers.iter().map(|worker| (pipeline, worker)).collect());
    }
    if args.names.is_empty() {
        let known = PIPELINES.iter().flat_map(|pipeline| pipeline.workers);
        let error = known.fold(Error::usage("no consumer is named"), |error, worker| {
            error.hint(format!("kylo consume {} --shadow", worker.name))
        });
        return Err(error);
    }
    let names: Vec<&str> =
        PIPELINES.iter().flat_map(|pipeline| pipeline.workers).map(|worker| worker.name).collect();
    let mut found: Vec<(&'static Pipeline, &'static WorkerSpec)> = Vec::new();
    for name in &args.names {
        let worker = pipeline::worker(name).ok_or_else(|| {
            let error = Error::usage(format!("no built-in consumer \"{name}\""));
            match nearest(name, names.iter().copied()) {
                Some(near) => error.hint(format!("did you mean `kylo consume {near}`?")),
                None => error.hint(format!("a consumer is named, not a topic: {}", names.join(", "))),
            }
        })?;
        if !found.iter().any(|(_, known)| known.name == worker.1.name) {
            found.push(worker);
        }
    }
    Ok(found)
}

fn policy(app: &App, args: &Args) -> Policy {
    let mut policy = Policy { exit_when_idle: args.exit_when_idle, ..Policy::default() };
    if let Some(concurrency) = args.concurrency {
        policy.concurrency = usize::from(concurrency);
    }
    if args.on_lost == "continue" {
        policy.on_lost = OnLost::Continue;
    }
    if args.no_flood_stop {
        policy.flood_run = 0;
    }
    policy.idle_timeout = args.idle_timeout.or_else(|| app.settings.typed_timeout());
    policy
}

/// A stop signal that follows `outer` and that we can raise ourselves.
fn linked(outer: &Shutdown) -> (Trigger, Shutdown) {
    let (trigger, shutdown) = shutdown::channel();
    let (first, second) = (outer.requested(), outer.reached(Stage::Stopping));
    let raised = trigger.clone();
    tokio::spawn(async move {
        first.await;
        if raised.stage() == Stage::Running {
            raised.advance();
        }
        second.await;
        raised.advance();
    });
    (trigger, shutdown)
}

/// A run that had to cut something short is a failure, although nothing is lost.
fn whole(name: &str, summary: &Summary) -> Result<()> {
    if !summary.abandoned.is_empty() {
        let error = Error::failed(format!("{name}: handlers did not end in time and were cancelled"));
        let named = summary.abandoned.iter().fold(error, |error, cut| error.cause(cut.to_string()));
        return Err(named.hint("nothing is lost: these records run again"));
    }
    if summary.uncommitted {
        return Err(Error::failed(format!("{name}: the last positions could not be committed"))
            .hint("nothing is lost: what was done since the last commit runs again, and changes nothing"));
    }
    Ok(())
}

fn described(name: &str, error: RunError) -> Error {
    match error {
        RunError::Lost(_) => Error::check(format!("{name}: {error}"))
            .hint("to go on behind them: kylo consume ... --on-lost continue"),
        RunError::Ahead(_) => Error::check(format!("{name}: {error}"))
            .hint("the topic was made anew or cut back, or an open transaction holds its end back")
            .hint("to read it from its start: kylo consume ... --on-lost continue"),
        RunError::Stalled { blocked, .. } => {
            let stalled = Error::failed(format!("{name}: nothing moved for too long"));
            blocked.iter().fold(stalled, |stalled, lane| stalled.cause(view::blocked(lane)))
        }
        RunError::Flooded(_) => Error::failed(format!("{name}: {error}"))
            .hint("look at them: kylo dlq list")
            .hint("to go on all the same: kylo consume ... --no-flood-stop"),
        RunError::Source(_) | RunError::Start(_) => Error::failed(format!("{name}: {error}")),
    }
}
