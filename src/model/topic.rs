//! What a topic should be, what it is, and the plan that leads from one to the other.

use serde::Serialize;
use std::collections::BTreeMap;

/// Leaves the number of partitions to the broker.
pub const BROKER_DEFAULT: i32 = -1;

/// The declared shape of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicSpec {
    /// Topic name.
    pub name: String,
    /// Number of partitions; [`BROKER_DEFAULT`] takes the broker's default.
    pub partitions: i32,
    /// Copies of each partition; `None` takes the broker's default.
    pub replicas: Option<i32>,
    /// Topic configuration, by Kafka's names.
    pub configs: BTreeMap<String, String>,
}

/// A topic in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicSummary {
    /// Topic name.
    pub topic: String,
    /// Number of partitions.
    pub partitions: usize,
    /// Copies of each partition.
    pub replicas: usize,
    /// Kafka's own.
    pub internal: bool,
}

/// A topic, as its brokers describe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicState {
    /// Topic name.
    pub topic: String,
    /// Kafka's own.
    pub internal: bool,
    /// Its partitions, in order.
    pub partitions: Vec<PartitionState>,
    /// Its configuration, by Kafka's names; empty when it was not asked for.
    pub configs: BTreeMap<String, ConfigEntry>,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionState {
    /// Its number, from 0.
    pub partition: i32,
    /// Node id of the leader; `None` while there is none.
    pub leader: Option<i32>,
    /// Node ids of the brokers that keep a copy.
    pub replicas: Vec<i32>,
    /// Those of them that are up to date.
    pub in_sync: Vec<i32>,
}

/// The value of one configuration name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigEntry {
    /// `None` when the broker hides it.
    pub value: Option<String>,
    /// Where it was set.
    pub source: ConfigSource,
}

/// Where a configuration value was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigSource {
    /// On the topic itself.
    Topic,
    /// On the brokers.
    Broker,
    /// Nowhere: Kafka's own default.
    Default,
}

impl ConfigSource {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            ConfigSource::Topic => "topic",
            ConfigSource::Broker => "broker",
            ConfigSource::Default => "default",
        }
    }
}

impl TopicState {
    /// Copies of each partition; of the first one, if they differ.
    pub fn replicas(&self) -> usize {
        self.partitions.first().map_or(0, |first| first.replicas.len())
    }
}

/// What is to be done about one declared topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicPlan {
    /// The topic as declared.
    #[serde(flatten)]
    pub spec: TopicSpec,
    /// What follows.
    pub action: TopicAction,
    /// Where the topic that is there differs from the declared one.
    pub differences: Vec<Difference>,
}

/// What follows for a declared topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TopicAction {
    /// It is missing and will be made.
    Create,
    /// It is there, as declared.
    Keep,
    /// It is there and differs; it is never changed by `create`.
    Drift,
}

impl TopicAction {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            TopicAction::Create => "create",
            TopicAction::Keep => "keep",
            TopicAction::Drift => "drift",
        }
    }
}

/// One difference between a declared topic and the one that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `partitions`, `replicas`, or a configuration name.
    pub what: String,
    /// As declared.
    pub declared: String,
    /// As found.
    pub found: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} is declared, {} is there", self.what, self.declared, self.found)
    }
}

/// Compares declared topics with those that are there. What a declaration leaves open is not compared.
pub fn plan(declared: &[TopicSpec], found: &[Option<TopicState>]) -> Vec<TopicPlan> {
    let found = found.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    declared
        .iter()
        .zip(found)
        .map(|(spec, found)| {
            let differences = found.map_or_else(Vec::new, |found| differences(spec, found));
            let action = match (found, differences.is_empty()) {
                (None, _) => TopicAction::Create,
                (Some(_), true) => TopicAction::Keep,
                (Some(_), false) => TopicAction::Drift,
            };
            TopicPlan { spec: spec.clone(), action, differences }
        })
        .collect()
}

fn differences(spec: &TopicSpec, found: &TopicState) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, declared: String, found: String| {
        if declared != found {
            differences.push(Difference { what: what.to_owned(), declared, found });
        }
    };
    if spec.partitions != BROKER_DEFAULT {
        compare("partitions", spec.partitions.to_string(), found.partitions.len().to_string());
    }
    if let Some(replicas) = spec.replicas {
        compare("replicas", replicas.to_string(), found.replicas().to_string());
    }
    for (name, value) in &spec.configs {
        let there = found.configs.get(name).and_then(|entry| entry.value.clone());
        compare(name, value.clone(), there.unwrap_or_else(|| "-".to_owned()));
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(partitions: i32, replicas: Option<i32>, configs: &[(&str, &str)]) -> TopicSpec {
        let configs = configs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        TopicSpec { name: "t".into(), partitions, replicas, configs }
    }

    fn state(partitions: i32, configs: &[(&str, &str)]) -> TopicState {
        let partition =
            |partition| PartitionState { partition, leader: Some(1), replicas: vec![1], in_sync: vec![1] };
        let entry = |(k, v): &(&str, &str)| {
            ((*k).to_owned(), ConfigEntry { value: Some((*v).to_owned()), source: ConfigSource::Topic })
        };
        TopicState {
            topic: "t".into(),
            internal: false,
            partitions: (0..partitions).map(partition).collect(),
            configs: configs.iter().map(entry).collect(),
        }
    }

    #[test]
    fn plan_table() {
        let week = [("retention.ms", "604800000")];
        let day = [("retention.ms", "86400000")];
        let table = [
            ("missing", spec(16, None, &week), None, TopicAction::Create, vec![]),
            ("same", spec(16, None, &week), Some(state(16, &week)), TopicAction::Keep, vec![]),
            ("open", spec(BROKER_DEFAULT, None, &[]), Some(state(3, &day)), TopicAction::Keep, vec![]),
            ("fewer", spec(16, Some(1), &[]), Some(state(8, &[])), TopicAction::Drift, vec!["partitions"]),
            (
                "all",
                spec(16, Some(3), &week),
                Some(state(8, &day)),
                TopicAction::Drift,
                vec!["partitions", "replicas", "retention.ms"],
            ),
            ("unset", spec(1, None, &week), Some(state(1, &[])), TopicAction::Drift, vec!["retention.ms"]),
        ];
        for (name, declared, found, action, differs) in table {
            let plans = plan(&[declared], &[found]);
            assert_eq!(plans[0].action, action, "{name}");
            let seen: Vec<&str> = plans[0].differences.iter().map(|d| d.what.as_str()).collect();
            assert_eq!(seen, differs, "{name}");
        }
    }

    #[test]
    fn a_difference_names_both_sides() {
        let plans = plan(&[spec(16, None, &[])], &[Some(state(8, &[]))]);
        assert_eq!(plans[0].differences[0].to_string(), "partitions: 16 is declared, 8 is there");
    }
}
