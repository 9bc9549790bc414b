//! What a consumer's snapshot is as metrics, and whether it is ready.

use super::{PartitionSnapshot, Snapshot};
use crate::model::metrics::Page;
use std::time::Duration;

/// Commits that fail for less than this are the client's business: a rebalance, a coordinator that moves.
const PATIENCE: Duration = Duration::from_secs(10);

impl PartitionSnapshot {
    /// Records between what was committed and the end of the log; before the first commit, from the low-water.
    pub fn lag(&self) -> i64 {
        (self.log_end - self.committed.unwrap_or(self.low_water)).max(0)
    }
}

impl Snapshot {
    /// Records between what was committed and the end of the log, over all partitions held.
    pub fn lag(&self) -> i64 {
        self.partitions.iter().map(PartitionSnapshot::lag).sum()
    }

    /// Why this consumer is not ready to work; `None` when it is. A lane that waits does not count: that is
    /// work, and a restart would not help it.
    pub fn unready(&self) -> Option<String> {
        if !self.assigned {
            return Some("waiting for an assignment".to_owned());
        }
        let failing = self.uncommitted_for.filter(|since| *since >= PATIENCE)?;
        Some(format!("commits have failed for {} s", failing.as_secs()))
    }

    /// Adds everything to `page`, under the label `worker`.
    pub fn expose(&self, worker: &str, page: &mut Page) {
        let of = [("worker", worker)];
        let outcomes = [
            ("done", self.handled.saturating_sub(self.rejected)),
            ("rejected", self.rejected),
            ("dead_letter", self.dead_lettered),
        ];
        for (outcome, count) in outcomes {
            let help = "Records that came to an end, by how.";
            page.counter("kylo_records_total", help, &[of[0], ("outcome", outcome)], count);
        }
        page.counter("kylo_records_taken_total", "Records taken in.", &of, self.taken);
        page.counter(
            "kylo_lost_records_total",
            "Offsets that were deleted from the log before they were read.",
            &of,
            self.lost,
        );
        page.counter(
            "kylo_retries_total",
            "Handler runs that failed and are tried again.",
            &of,
            self.retries,
        );
        for ((class, kind), count) in &self.dead_letters {
            page.counter(
                "kylo_dead_letters_total",
                "Records sent to the dead-letter topic, by class and kind of the failure.",
                &[of[0], ("class", class.as_str()), ("kind", kind)],
                *count,
            );
        }
        page.counter(
            "kylo_rebalances_total",
            "Assignments, revocations and losses seen.",
            &of,
            self.rebalances,
        );
        for (result, count) in [("ok", self.commits), ("failed", self.failed_commits)] {
            page.counter("kylo_commits_total", "Offset commits.", &[of[0], ("result", result)], count);
        }
        page.gauge(
            "kylo_in_flight_records",
            "Records taken in and not finished.",
            &of,
            self.in_flight as f64,
        );
        page.gauge("kylo_in_flight_bytes", "Their bytes.", &of, self.in_flight_bytes as f64);
        page.gauge("kylo_assigned_partitions", "Partitions held.", &of, self.partitions.len() as f64);
        page.histogram(
            "kylo_handler_duration_seconds",
            "Time of a handler's call (sampled; each sample stands for the runs between two).",
            &of,
            &self.handler_seconds,
        );
        page.histogram(
            "kylo_queue_duration_seconds",
            "Time from reading a record to the first call of its handler (sampled likewise).",
            &of,
            &self.queue_seconds,
        );
        self.expose_partitions(worker, page);
        self.expose_dependencies(worker, page);
    }

    fn expose_partitions(&self, worker: &str, page: &mut Page) {
        for held in &self.partitions {
            let number = held.partition.partition.to_string();
            let of = [("worker", worker), ("topic", &*held.partition.topic), ("partition", number.as_str())];
            let mut gauge = |name, help, value: f64| page.gauge(name, help, &of, value);
            gauge(
                "kylo_consumer_lag",
                "Records between the committed offset and the end of the log.",
                held.lag() as f64,
            );
            gauge(
                "kylo_low_water_offset",
                "The offset below which everything is finished.",
                held.low_water as f64,
            );
            if let Some(committed) = held.committed {
                gauge("kylo_committed_offset", "The offset committed last.", committed as f64);
            }
            gauge("kylo_log_end_offset", "The end of the log, as last seen.", held.log_end as f64);
            gauge(
                "kylo_uncommitted_records",
                "Records from the low-water to the end of what was taken in: what a crash runs again at most.",
                held.span as f64,
            );
            gauge(
                "kylo_oldest_unfinished_seconds",
                "How long the low-water has stood still over an unfinished record.",
                held.oldest.unwrap_or_default().as_secs_f64(),
            );
            if let Some(reason) = held.paused {
                let of = [of[0], of[1], of[2], ("reason", reason)];
                page.gauge("kylo_partition_paused", "Partitions that are not fetched, and why.", &of, 1.0);
            }
        }
        for blocked in &self.blocked {
            let number = blocked.partition.partition.to_string();
            let of = [
                ("worker", worker),
                ("topic", &*blocked.partition.topic),
                ("partition", number.as_str()),
                ("reason", blocked.kind),
            ];
            page.gauge(
                "kylo_blocked_lanes",
                "Keys that wait behind a failure, by its kind.",
                &of,
                blocked.lanes as f64,
            );
        }
    }

    fn expose_dependencies(&self, worker: &str, page: &mut Page) {
        for (dependency, open) in &self.breakers {
            page.gauge(
                "kylo_breaker_open",
                "1 while a dependency is away for most lanes that use it; one at a time tries.",
                &[("worker", worker), ("dependency", &dependency.0)],
                f64::from(u8::from(*open)),
            );
        }
        for drain in &self.drains {
            let of = [("worker", worker), ("drain", drain.name)];
            page.gauge("kylo_drain_keys", "Keys with work, waiting or running.", &of, drain.keys as f64);
            page.gauge("kylo_drain_waiting_keys", "Of these, keys that back off.", &of, drain.waiting as f64);
            page.counter("kylo_drain_steps_total", "Steps that did something.", &of, drain.steps);
            page.counter("kylo_drain_failures_total", "Steps that failed.", &of, drain.failures);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Blocked, Dependency, DrainState, FailureClass};
    use crate::model::record::TopicPartition;

    fn partition(number: i32) -> PartitionSnapshot {
        PartitionSnapshot {
            partition: TopicPartition::new("t", number),
            low_water: 10,
            end: 30,
            committed: Some(8),
            log_end: 50,
            in_flight: 20,
            span: 20,
            oldest: Some(Duration::from_millis(1500)),
            paused: None,
        }
    }

    #[test]
    fn every_number_has_its_series() {
        let mut snapshot = Snapshot {
            handled: 7,
            rejected: 2,
            dead_lettered: 1,
            dead_letters: [((FailureClass::Permanent, "bad-json"), 1)].into(),
            partitions: vec![partition(0), PartitionSnapshot { committed: None, ..partition(1) }],
            blocked: vec![Blocked {
                partition: TopicPartition::new("t", 1),
                kind: "database-away",
                lanes: 3,
            }],
            breakers: vec![(Dependency("postgres:a".into()), true)],
            drains: vec![DrainState { name: "posting", steps: 4, failures: 1, keys: 2, waiting: 1 }],
            ..Snapshot::default()
        };
        snapshot.partitions[1].paused = Some("dead letters in a row");
        snapshot.handler_seconds.observe(0.003, 16);
        let mut page = Page::default();
        snapshot.expose("txns", &mut page);
        let text = page.render();
        for line in [
            "kylo_records_total{worker=\"txns\",outcome=\"done\"} 5",
            "kylo_records_total{worker=\"txns\",outcome=\"rejected\"} 2",
            "kylo_records_total{worker=\"txns\",outcome=\"dead_letter\"} 1",
            "kylo_dead_letters_total{worker=\"txns\",class=\"permanent\",kind=\"bad-json\"} 1",
            "kylo_consumer_lag{worker=\"txns\",topic=\"t\",partition=\"0\"} 42",
            "kylo_consumer_lag{worker=\"txns\",topic=\"t\",partition=\"1\"} 40",
            "kylo_low_water_offset{worker=\"txns\",topic=\"t\",partition=\"0\"} 10",
            "kylo_committed_offset{worker=\"txns\",topic=\"t\",partition=\"0\"} 8",
            "kylo_uncommitted_records{worker=\"txns\",topic=\"t\",partition=\"0\"} 20",
            "kylo_oldest_unfinished_seconds{worker=\"txns\",topic=\"t\",partition=\"0\"} 1.5",
            "kylo_partition_paused{worker=\"txns\",topic=\"t\",partition=\"1\",reason=\"dead letters in a row\"} 1",
            "kylo_blocked_lanes{worker=\"txns\",topic=\"t\",partition=\"1\",reason=\"database-away\"} 3",
            "kylo_handler_duration_seconds_bucket{worker=\"txns\",le=\"0.0025\"} 0",
            "kylo_handler_duration_seconds_bucket{worker=\"txns\",le=\"0.005\"} 16",
            "kylo_breaker_open{worker=\"txns\",dependency=\"postgres:a\"} 1",
            "kylo_drain_waiting_keys{worker=\"txns\",drain=\"posting\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("kylo_committed_offset{worker=\"txns\",topic=\"t\",partition=\"1\"}"));
        assert_eq!(snapshot.lag(), 82);
    }

    #[test]
    fn ready_is_assigned_with_commits_that_do_not_fail_for_long() {
        let snapshot = |assigned, failing: Option<u64>| Snapshot {
            assigned,
            uncommitted_for: failing.map(Duration::from_secs),
            ..Snapshot::default()
        };
        let table = [
            (snapshot(false, None), Some("waiting for an assignment")),
            (snapshot(true, None), None),
            (snapshot(true, Some(9)), None),
            (snapshot(true, Some(10)), Some("commits have failed for 10 s")),
        ];
        for (snapshot, expected) in table {
            assert_eq!(snapshot.unready().as_deref(), expected);
        }
    }
}
