//! What a running `kylo consume` answers over HTTP: metrics, and whether it is up and ready.

use super::view::ShadowPosts;
use crate::app::App;
use crate::engine::{Event, Failure, Reporter, Snapshot};
use crate::error::Result;
use crate::handlers::ledger::posting::{Backlogs, WouldPost, backlog};
use crate::http::{Reply, ReplyFuture, Server, Site};
use crate::model::clock::SharedClock;
use crate::model::metrics::{CONTENT_TYPE, Page};
use crate::postgres::{Dsn, Pools};
use crate::shutdown::Shutdown;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two looks at the databases, however often somebody scrapes.
const SAMPLE_EVERY: Duration = Duration::from_secs(5);
/// A scrape waits this long for the databases; what is known from before is shown then.
const SAMPLE_LIMIT: Duration = Duration::from_secs(3);
/// A consumer that tells nothing for so long is stuck: it tells something every second.
const SILENCE: Duration = Duration::from_secs(15);

/// What one consumer is called.
#[derive(Clone, Debug)]
pub struct About {
    /// The consumer.
    pub worker: &'static str,
    /// Its group.
    pub group: String,
    /// Its topic.
    pub topic: String,
    /// `live` or `shadow`.
    pub mode: &'static str,
}

/// What is known of one consumer.
struct Watched {
    about: About,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    snapshot: Snapshot,
    told: Option<Instant>,
    troubles: u64,
    /// Why it ended, if it did not end as it should.
    fatal: Option<String>,
}

impl Watched {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Why it is not ready.
    fn unready(&self) -> Option<String> {
        let state = self.state();
        let silent = state.told.map(|at| at.elapsed());
        let reason = match (&state.fatal, silent) {
            (Some(fatal), _) => Some(format!("it ended: {fatal}")),
            (None, None) => Some("starting".to_owned()),
            (None, Some(silent)) if silent >= SILENCE => {
                Some(format!("no sign of life for {} s", silent.as_secs()))
            }
            (None, Some(_)) => state.snapshot.unready(),
        };
        reason.map(|reason| format!("{}: {reason}", self.about.worker))
    }
    fn expose(&self, page: &mut Page) {
        let About { worker, group, topic, mode } = &self.about;
        let state = self.state();
        let labels = [("worker", *worker), ("group", group), ("topic", topic), ("mode", mode)];
        page.gauge("kylo_consumer_info", "A consumer of this process.", &labels, 1.0);
        let of = [("worker", *worker)];
        let up = state.fatal.is_none() && state.told.is_some();
        page.gauge("kylo_consumer_up", "1 while it runs.", &of, f64::from(u8::from(up)));
        let help = "Errors of the Kafka client that it deals with by itself.";
        page.counter("kylo_client_errors_total", help, &of, state.troubles);
        state.snapshot.expose(worker, page);
    }
}

/// Tells the monitor and somebody else.
pub struct Tee<R> {
    watched: Arc<Watched>,
    other: R,
}

impl<R: Reporter> Reporter for Tee<R> {
    fn event(&self, event: Event) {
        if matches!(event, Event::Trouble(_)) {
            self.watched.state().troubles += 1;
        }
        self.other.event(event);
    }
    fn snapshot(&self, snapshot: &Snapshot) {
        {
            let mut state = self.watched.state();
            state.snapshot.clone_from(snapshot);
            state.told = Some(Instant::now());
        }
        self.other.snapshot(snapshot);
    }
}

/// Everything that can be asked for.
pub struct Monitor {
    watched: Mutex<Vec<Arc<Watched>>>,
    databases: Option<Databases>,
    shutdown: Shutdown,
    clock: SharedClock,
    /// Seconds since 1970.
    started: f64,
}

impl Monitor {
    /// A monitor of no consumer yet.
    pub fn new(app: &App, shadow: Arc<ShadowPosts>) -> Self {
        let databases = app.control_dsn().ok().map(|control| Databases {
            pools: app.pools().clone(),
            control,
            shadow,
            sample: tokio::sync::Mutex::default(),
        });
        let started = app.clock.now().as_millisecond() as f64 / 1000.0;
        Monitor {
            watched: Mutex::default(),
            databases,
            shutdown: app.shutdown.clone(),
            clock: app.clock.clone(),
            started,
        }
    }
    /// Watches one consumer more; what it tells goes to `other` too.
    pub fn watch<R: Reporter>(&self, about: About, other: R) -> Tee<R> {
        let watched = Arc::new(Watched { about, state: Mutex::default() });
        self.all().push(watched.clone());
        Tee { watched, other }
    }
    /// The consumer `worker` ended as it should not.
    pub fn failed(&self, worker: &str, reason: &str) {
        for watched in self.all().iter().filter(|watched| watched.about.worker == worker) {
            watched.state().fatal = Some(reason.to_owned());
        }
    }
    /// Listens at `address` and answers until the returned task is aborted.
    pub async fn serve(
        self: Arc<Self>,
        app: &App,
        address: SocketAddr,
    ) -> Result<tokio::task::JoinHandle<()>> {
        let server = Server::bind(address).await?;
        app.ui.status(&format!("metrics at http://{}/metrics", server.address()));
        Ok(tokio::spawn(server.serve(self)))
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Watched>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// One line for each reason not to send work here; none when it is ready.
    fn unready(&self) -> Vec<String> {
        if self.shutdown.is_requested() {
            return vec!["stopping".to_owned()];
        }
        let all = self.all();
        if all.is_empty() {
            return vec!["starting".to_owned()];
        }
        all.iter().filter_map(|watched| watched.unready()).collect()
    }
    async fn page(&self) -> Page {
        let mut page = Page::default();
        let version = env!("CARGO_PKG_VERSION");
        page.gauge("kylo_build_info", "The program.", &[("version", version)], 1.0);
        for watched in self.all().iter() {
            watched.expose(&mut page);
        }
        if let Some(databases) = &self.databases {
            databases.expose(&self.clock, &mut page).await;
        }
        process(self.started, &mut page);
        page
    }
}

impl Site for Monitor {
    fn get<'a>(&'a self, path: &'a str) -> ReplyFuture<'a> {
        Box::pin(async move {
            Some(match path {
                "/metrics" => {
                    let body = self.page().await.render();
                    Reply { status: 200, content_type: CONTENT_TYPE, body }
                }
                "/healthz" => Reply::text(200, "up\n"),
                "/readyz" => match self.unready() {
                    reasons if reasons.is_empty() => Reply::text(200, "ready\n"),
                    reasons => Reply::text(503, reasons.join("\n") + "\n"),
                },
                "/" => Reply::text(200, "/metrics\n/healthz\n/readyz\n"),
                _ => return None,
            })
        })
    }
}

/// What waits in the databases, looked at when somebody asks.
struct Databases {
    pools: Pools,
    control: Dsn,
    shadow: Arc<ShadowPosts>,
    sample: tokio::sync::Mutex<Sample>,
}

#[derive(Default)]
struct Sample {
    taken: Option<Instant>,
    backlogs: Backlogs,
    would_post: Vec<WouldPost>,
    /// Companies that ever had a backlog: they go on with 0, so that nothing looks stuck.
    known: BTreeSet<String>,
}

impl Databases {
    async fn expose(&self, clock: &SharedClock, page: &mut Page) {
        let mut sample = self.sample.lock().await;
        if sample.taken.is_none_or(|at| at.elapsed() >= SAMPLE_EVERY) {
            let look =
                async { (backlog(&self.pools, &self.control).await, self.shadow.would_post().await.0) };
            let (backlogs, would_post) =
                tokio::time::timeout(SAMPLE_LIMIT, look).await.unwrap_or_else(|_| {
                    let late = Failure::transient("timeout", "the databases did not answer in time");
                    (Backlogs { failures: vec![late], ..Backlogs::default() }, Vec::new())
                });
            sample.known.extend(backlogs.found.iter().map(|backlog| backlog.company_id.clone()));
            sample.backlogs = backlogs;
            sample.would_post = would_post;
            sample.taken = Some(Instant::now());
        }
        let complete = sample.backlogs.failures.is_empty();
        let help = "1 when every database could be asked for its unposted rows.";
        page.gauge("kylo_unposted_complete", help, &[], f64::from(u8::from(complete)));
        for company in &sample.known {
            let found = sample.backlogs.found.iter().find(|backlog| backlog.company_id == *company);
            // A company that could not be asked has no number, which is not the same as none.
            if found.is_none() && !complete {
                continue;
            }
            let age = found.map_or(0.0, |backlog| {
                (clock.now().as_millisecond() - backlog.oldest.as_millisecond()).max(0) as f64 / 1000.0
            });
            let of = [("company", company.as_str())];
            let rows = found.map_or(0, |backlog| backlog.rows) as f64;
            page.gauge("kylo_unposted_rows", "Rows that wait to be posted to the sheet.", &of, rows);
            page.gauge("kylo_unposted_oldest_seconds", "Age of the oldest of them.", &of, age);
        }
        for WouldPost { company_id, tab, rows, .. } in &sample.would_post {
            page.gauge(
                "kylo_shadow_would_post_rows",
                "Rows that a live run would post next, for companies that a shadow run here has handled.",
                &[("company", company_id), ("tab", tab)],
                *rows as f64,
            );
        }
    }
}

/// Memory and descriptors of this process, under the names every client library uses. Only Linux says them
/// without a library.
fn process(started: f64, page: &mut Page) {
    page.gauge("process_start_time_seconds", "Start, in seconds since 1970.", &[], started);
    if let Some(bytes) = resident_bytes() {
        page.gauge("process_resident_memory_bytes", "Memory held.", &[], bytes as f64);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        // One of them is this look.
        let count = open.count().saturating_sub(1);
        page.gauge("process_open_fds", "Open file descriptors.", &[], count as f64);
    }
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Silent;

    /// Alerts and dashboards on names that nobody exposes would never say anything.
    #[test]
    fn the_examples_ask_for_what_is_there() {
        let sources = [include_str!("monitor.rs"), include_str!("../../engine/metrics.rs")].concat();
        for example in [
            include_str!("../../../examples/prometheus/rules.yml"),
            include_str!("../../../examples/grafana/kylo.json"),
        ] {
            let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            let names =
                example.split(word).filter(|name| name.starts_with("kylo_") || name.starts_with("process_"));
            let mut count = 0;
            for name in names {
                count += 1;
                let name = name.strip_suffix("_bucket").unwrap_or(name);
                assert!(sources.contains(&format!("\"{name}\"")), "nothing exposes {name}");
            }
            assert!(count >= 10, "{count} names found");
        }
    }

    fn watched() -> (Tee<Silent>, Arc<Watched>) {
        let about = About { worker: "txns", group: "g".into(), topic: "t".into(), mode: "live" };
        let watched = Arc::new(Watched { about, state: Mutex::default() });
        (Tee { watched: watched.clone(), other: Silent }, watched)
    }

    #[test]
    fn ready_after_the_first_assignment_until_it_ends_or_is_silent() {
        let (tee, watched) = watched();
        assert_eq!(watched.unready().as_deref(), Some("txns: starting"));
        tee.snapshot(&Snapshot::default());
        assert_eq!(watched.unready().as_deref(), Some("txns: waiting for an assignment"));
        tee.snapshot(&Snapshot { assigned: true, ..Snapshot::default() });
        assert_eq!(watched.unready(), None);
        watched.state().told = Instant::now().checked_sub(SILENCE);
        assert!(watched.unready().is_some_and(|reason| reason.starts_with("txns: no sign of life for 1")));
        watched.state().fatal = Some("the topic is gone".to_owned());
        assert_eq!(watched.unready().as_deref(), Some("txns: it ended: the topic is gone"));
    }

    #[test]
    fn troubles_are_counted_and_a_page_has_no_series_twice() {
        let (tee, watched) = watched();
        tee.event(Event::Trouble("away".to_owned()));
        let mut page = Page::default();
        watched.expose(&mut page);
        process(1.5, &mut page);
        let text = page.render();
        assert!(text.contains("kylo_client_errors_total{worker=\"txns\"} 1\n"), "{text}");
        assert!(text.contains("process_start_time_seconds 1.5\n"), "{text}");
        let series: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit(' ').nth(1))
            .collect();
        let distinct: BTreeSet<&str> = series.iter().copied().collect();
        assert_eq!(series.len(), distinct.len(), "{text}");
    }
}
