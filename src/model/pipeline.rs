//! The pipelines, declared as data: topics, groups, dead letters, retry policy.

use crate::error::{Error, Result};
use crate::model::suggest::{did_you_mean, nearest};
use crate::model::topic::TopicSpec;
use std::collections::BTreeMap;
use std::time::Duration;

/// What follows a transient failure that retrying in place does not cure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenSpent {
    /// Stay: the lane waits for as long as it takes.
    Block,
    /// Publish to the dead-letter topic once either is spent. Neither counts while a breaker is open.
    DeadLetter {
        /// Tries; 0 = without limit.
        attempts: u32,
        /// Time since the first failure.
        wall_time: Duration,
    },
}

/// One built-in consumer: a topic, a group, a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerSpec {
    /// The name typed after `kylo consume`.
    pub name: &'static str,
    /// Settings key of the topic (`topics.txns`) and the name it has by default.
    pub topic: (&'static str, &'static str),
    /// Settings key of the group (`groups.txns`) and the name it has by default.
    pub group: (&'static str, &'static str),
    /// Partitions of the topic when `kylo topics create` makes it.
    pub partitions: i32,
    /// How long the topic keeps records, in days.
    pub retention_days: u32,
    /// The retry budget, and what follows once it is spent.
    pub when_spent: WhenSpent,
}

/// A system built on kylo: its consumers and what they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// The name given to `--pipeline`.
    pub name: &'static str,
    /// Its consumers.
    pub workers: &'static [WorkerSpec],
    /// Partitions of every dead-letter topic.
    pub dlq_partitions: i32,
    /// Days a dead letter is kept.
    pub dlq_retention_days: u32,
    /// The group whose committed offsets are the progress of `kylo dlq replay`.
    pub replay_group: &'static str,
}

/// The ledger's consumer of bank transactions; its key is the company.
pub const TXNS: WorkerSpec = WorkerSpec {
    name: "txns",
    topic: ("topics.txns", "txns.company.batches"),
    group: ("groups.txns", "kylo-workers-txns"),
    partitions: 16,
    retention_days: 7,
    when_spent: WhenSpent::Block,
};

/// The ledger's consumer of requests to promote rules; its key is the company.
pub const PROMOTE: WorkerSpec = WorkerSpec {
    name: "promote",
    topic: ("topics.promote", "rules.promote.requests"),
    group: ("groups.promote", "kylo-workers-promote"),
    partitions: 8,
    retention_days: 7,
    when_spent: WhenSpent::Block,
};

/// Bank transactions of many companies, to Postgres and to sheets.
pub const LEDGER: Pipeline = Pipeline {
    name: "ledger",
    workers: &[TXNS, PROMOTE],
    dlq_partitions: 3,
    dlq_retention_days: 30,
    replay_group: "kylo-dlq-replay",
};

/// Largest dead letter, in bytes: twice Kafka's default for a topic, which is what its own headers need and more.
const DEAD_LETTER_BYTES: u32 = 2 * 1_048_588;

/// Every pipeline this binary knows.
pub const PIPELINES: &[&Pipeline] = &[&LEDGER];

/// The dead-letter topic that belongs to `topic`.
pub fn dead_letter_topic(topic: &str) -> String {
    format!("{topic}.dlq")
}

/// The group of a shadow run, beside the live one and never in its way.
pub fn shadow_group(group: &str) -> String {
    format!("{group}-shadow")
}

/// Finds a pipeline by the name given to `--pipeline`. Errors: there is none, as wrong use, with the nearest name.
pub fn pipeline(name: &str) -> Result<&'static Pipeline> {
    PIPELINES.iter().find(|pipeline| pipeline.name == name).copied().ok_or_else(|| {
        let names: Vec<&str> = PIPELINES.iter().map(|pipeline| pipeline.name).collect();
        let error = Error::usage(format!("there is no pipeline {name:?}"));
        match nearest(name, names.iter().copied()) {
            Some(near) => error.hint(did_you_mean(near)),
            None => error.hint(format!("known pipelines: {}", names.join(", "))),
        }
    })
}

/// Finds a built-in consumer by the name typed after `kylo consume`.
pub fn worker(name: &str) -> Option<(&'static Pipeline, &'static WorkerSpec)> {
    PIPELINES.iter().find_map(|pipeline| {
        pipeline.workers.iter().find(|worker| worker.name == name).map(|worker| (*pipeline, worker))
    })
}

impl Pipeline {
    /// The topics this pipeline declares, each worker's topic and its dead-letter topic; `name_of` gives a
    /// topic's name for a settings key and default (`Settings` in the program, the default in tests).
    pub fn topics(&self, name_of: impl Fn((&'static str, &'static str)) -> String) -> Vec<TopicSpec> {
        let retention = |days: u32| {
            BTreeMap::from([("retention.ms".to_owned(), (u64::from(days) * 86_400_000).to_string())])
        };
        self.workers
            .iter()
            .flat_map(|worker| {
                let name = name_of(worker.topic);
                let dead_letters = dead_letter_topic(&name);
                [
                    TopicSpec {
                        name,
                        partitions: worker.partitions,
                        replicas: None,
                        configs: retention(worker.retention_days),
                    },
                    TopicSpec {
                        name: dead_letters,
                        partitions: self.dlq_partitions,
                        replicas: None,
                        configs: {
                            // A dead letter is its record and our headers: it must fit where the record fitted.
                            let mut configs = retention(self.dlq_retention_days);
                            configs.insert("max.message.bytes".to_owned(), DEAD_LETTER_BYTES.to_string());
                            configs
                        },
                    },
                ]
            })
            .collect()
    }
}
