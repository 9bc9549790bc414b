//! Where the logs end now. The client learns it only by fetching; of a partition that is far behind, paused, or
//! held up by a full budget it would know nothing new, just when somebody wants to know the lag. So those are
//! asked for, every few seconds, on a thread of its own. A consumer that has read everything asks nobody.

use super::io::Io;
use super::lookup::log_ends;
use crate::engine::{Epoch, SourceEvent};
use crate::model::record::TopicPartition;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Partitions, their epochs, and where they end.
type News = Vec<(TopicPartition, Epoch, i64)>;

/// When to ask next, and the question under way.
pub(super) struct Ends {
    every: Duration,
    next: Instant,
    asked: Option<mpsc::Receiver<News>>,
}

impl Ends {
    pub(super) fn new(every: Duration) -> Self {
        Ends { every, next: Instant::now() + every, asked: None }
    }
}

impl Io {
    /// Tells what was found out, and asks anew when it is time. `full`: nothing is being read.
    pub(super) fn watch_ends(&mut self, full: bool) {
        if let Some(asked) = &self.ends.asked {
            match asked.try_recv() {
                Ok(news) => {
                    self.ends.asked = None;
                    if !news.is_empty() {
                        self.tell(SourceEvent::LogEnds(news));
                    }
                }
                Err(mpsc::TryRecvError::Disconnected) => self.ends.asked = None,
                Err(mpsc::TryRecvError::Empty) => {}
            }
            return;
        }
        let now = Instant::now();
        if now < self.ends.next {
            return;
        }
        self.ends.next = now + self.ends.every;
        let behind = self.holdings.behind(full);
        if behind.is_empty() {
            return;
        }
        let (consumer, limit) = (self.consumer().clone(), self.timeout);
        let (sender, asked) = mpsc::channel();
        let ask = move || {
            let partitions: Vec<TopicPartition> =
                behind.iter().map(|(partition, _)| partition.clone()).collect();
            let found = behind.into_iter().zip(log_ends(&consumer, &partitions, limit));
            // A partition whose leader is away has no news: that is told by whoever fetches from it.
            let news = found.filter_map(|((partition, epoch), ends)| Some((partition, epoch, ends.ok()?.1)));
            let _ = sender.send(news.collect());
        };
        match std::thread::Builder::new().name("kylo-ends".into()).spawn(ask) {
            Ok(_) => self.ends.asked = Some(asked),
            Err(error) => tracing::debug!(%error, "starting a thread to ask for the ends of the log"),
        }
    }
}
