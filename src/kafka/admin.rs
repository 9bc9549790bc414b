//! The admin client: the cluster, its topics and their configuration. Offsets are in `offsets.rs`, groups in
//! `groups.rs`.

#![allow(unsafe_code)] // the bindings are C; every block says what it relies on

use super::Config;
use super::error::kind_of;
use super::preflight::{preflight, unanswered};
use super::request::{Native, array, c_text, coded, is_settling, off_thread, text, text_or_empty};
use crate::consent::WriteToken;
use crate::error::{Error, ErrorKind, Result};
use crate::model::topic::{ConfigEntry, ConfigSource, PartitionState, TopicSpec, TopicState, TopicSummary};
use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaErrorCode;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::{CString, c_char};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a cluster that is settling is left alone.
const SETTLING: Duration = Duration::from_millis(100);

/// The cluster, as its brokers describe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterInfo {
    /// The cluster's own id; empty when the broker does not give one.
    pub id: String,
    /// Its brokers, in order of ids.
    pub brokers: Vec<BrokerInfo>,
}

/// One broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokerInfo {
    /// Node id.
    pub id: i32,
    /// Advertised host.
    pub host: String,
    /// Advertised port.
    pub port: u16,
}

/// Asks and changes a cluster. Cheap to clone; all calls run off the async threads and end within the
/// configured time-out.
#[derive(Clone)]
pub struct Admin {
    native: Arc<Native>,
    cluster: Arc<ClusterInfo>,
}

impl Admin {
    /// Dials the cluster and asks who it is, so that what is wrong with address or credentials is said here.
    pub async fn connect(config: &Config) -> Result<Self> {
        let config = config.clone();
        off_thread("connecting to kafka", move || {
            preflight(&config)?;
            let native = Native::new(&config)?;
            let cluster = describe_cluster(&native).map_err(|error| unanswered(&config, error))?;
            Ok(Admin { native: Arc::new(native), cluster: Arc::new(cluster) })
        })
        .await
    }

    /// The cluster, as it answered at the start.
    pub fn cluster(&self) -> &ClusterInfo {
        &self.cluster
    }

    /// Every topic, in order of names, internal ones included.
    pub async fn topics(&self) -> Result<Vec<TopicSummary>> {
        self.run("listing topics", |native| {
            let summary = |state: TopicState| TopicSummary {
                partitions: state.partitions.len(),
                replicas: state.replicas(),
                internal: state.internal,
                topic: state.topic,
            };
            Ok(topic_states(native, "listing topics")?.into_values().map(summary).collect())
        })
        .await
    }

    /// The named topics with partitions and configuration; `None` for a topic that does not exist. In the order
    /// asked. With `configs` false the configuration stays empty (and needs no right to read it).
    pub async fn describe_topics(&self, names: &[String], configs: bool) -> Result<Vec<Option<TopicState>>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let names = names.to_vec();
        self.run("describing topics", move |native| {
            let mut found = topic_states(native, "describing topics")?;
            if configs {
                let existing: Vec<String> =
                    names.iter().filter(|name| found.contains_key(*name)).cloned().collect();
                for (name, entries) in describe_configs(native, &existing)? {
                    if let Some(topic) = found.get_mut(&name) {
                        topic.configs = entries;
                    }
                }
            }
            Ok(names.iter().map(|name| found.get(name).cloned()).collect())
        })
        .await
    }

    /// Creates topics; each has its own result, since some may be made while others are refused. Returns when
    /// the brokers know them.
    pub async fn create_topics(
        &self,
        _token: &WriteToken,
        topics: &[TopicSpec],
    ) -> Result<Vec<(String, Result<()>)>> {
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        let topics = topics.to_vec();
        let results = self.run("creating topics", move |native| create_topics(native, &topics)).await?;
        let made: Vec<String> =
            results.iter().filter(|(_, result)| result.is_ok()).map(|(name, _)| name.clone()).collect();
        self.run("waiting for new topics", move |native| await_topics(native, &made)).await?;
        Ok(results)
    }

    /// Deletes topics; each has its own result. What they hold is gone.
    pub async fn delete_topics(
        &self,
        _token: &WriteToken,
        names: &[String],
    ) -> Result<Vec<(String, Result<()>)>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let names = names.to_vec();
        self.run("deleting topics", move |native| delete_topics(native, &names)).await
    }

    /// Runs `work` off the async threads; again, until the time-out, while the cluster is only settling: a leader
    /// or a coordinator that is about to be known. Every call of ours may be repeated.
    pub(in crate::kafka) async fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl Fn(&Native) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let native = self.native.clone();
        off_thread(what, move || {
            let deadline = Instant::now() + native.timeout();
            loop {
                match work(&native) {
                    Err(error) if is_settling(&error) && Instant::now() < deadline => {
                        std::thread::sleep(SETTLING);
                    }
                    result => return result,
                }
            }
        })
        .await
    }
}

fn describe_cluster(native: &Native) -> Result<ClusterInfo> {
    let metadata = native.metadata("asking the cluster who it is")?;
    let mut brokers: Vec<BrokerInfo> = metadata
        .brokers()
        .iter()
        .map(|broker| BrokerInfo {
            id: broker.id(),
            host: broker.host().to_owned(),
            port: u16::try_from(broker.port()).unwrap_or(0),
        })
        .collect();
    brokers.sort_by_key(|broker| broker.id);
    // The answer that was just read carried the id, so this does not wait.
    let id = native.client().fetch_cluster_id(native.timeout()).unwrap_or_default();
    Ok(ClusterInfo { id, brokers })
}

/// All topics of one metadata answer. Asking for everything and choosing here never makes a broker create a
/// topic that was only asked about.
fn topic_states(native: &Native, what: &str) -> Result<BTreeMap<String, TopicState>> {
    let metadata = native.metadata(what)?;
    let mut topics = BTreeMap::new();
    for topic in metadata.topics() {
        let name = topic.name().to_owned();
        if let Some(code) = topic.error() {
            let code: RDKafkaErrorCode = code.into();
            if kind_of(code) == ErrorKind::Denied {
                return Err(coded(&format!("describing topic {name:?}"), code, ""));
            }
        }
        let mut partitions: Vec<PartitionState> = topic
            .partitions()
            .iter()
            .map(|partition| PartitionState {
                partition: partition.id(),
                leader: Some(partition.leader()).filter(|id| *id >= 0),
                replicas: partition.replicas().to_vec(),
                in_sync: partition.isr().to_vec(),
            })
            .collect();
        partitions.sort_by_key(|partition| partition.partition);
        // Brokers say it in their answer, librdkafka does not pass it on; the names are Kafka's own.
        let internal =
            ["__consumer_offsets", "__transaction_state", "__share_group_state"].contains(&name.as_str());
        let state = TopicState { topic: name.clone(), internal, partitions, configs: BTreeMap::new() };
        topics.insert(name, state);
    }
    Ok(topics)
}

fn describe_configs(
    native: &Native,
    names: &[String],
) -> Result<Vec<(String, BTreeMap<String, ConfigEntry>)>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let owned: Vec<CString> = names.iter().map(|name| c_text(name)).collect::<Result<_>>()?;
    let topic = sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
    // SAFETY: the names are alive and are copied; the objects are freed below.
    let mut resources: Vec<_> =
        owned.iter().map(|name| unsafe { sys::rd_kafka_ConfigResource_new(topic, name.as_ptr()) }).collect();
    let event = native.call(
        "reading topic configuration",
        sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
        |_| Ok(()),
        // SAFETY: `call` gives live objects; the call copies the resources.
        |rk, options, queue| unsafe {
            let (first, count) = (resources.as_mut_ptr(), resources.len());
            sys::rd_kafka_DescribeConfigs(rk, first, count, options, queue);
        },
    );
    // SAFETY: ours, and not used afterwards.
    unsafe { sys::rd_kafka_ConfigResource_destroy_array(resources.as_mut_ptr(), resources.len()) };
    let event = event?;
    // SAFETY: the event is of this kind, and the array lives as long as it does.
    let result = unsafe { sys::rd_kafka_event_DescribeConfigs_result(event.ptr()) };
    // SAFETY: the result belongs to the event, which is still there.
    let found = event.elements(|_, n| unsafe { sys::rd_kafka_DescribeConfigs_result_resources(result, n) });
    let mut described = Vec::new();
    for resource in found {
        // SAFETY: an element of a live result; everything is copied.
        unsafe {
            let name = text_or_empty(sys::rd_kafka_ConfigResource_name(*resource));
            let code = sys::rd_kafka_ConfigResource_error(*resource);
            if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                let words = text_or_empty(sys::rd_kafka_ConfigResource_error_string(*resource));
                return Err(coded(&format!("reading configuration of topic {name:?}"), code.into(), &words));
            }
            let mut count = 0;
            let first = sys::rd_kafka_ConfigResource_configs(*resource, &mut count);
            let entries = array(first, count).iter().map(|entry| config_of(*entry)).collect();
            described.push((name, entries));
        }
    }
    Ok(described)
}

/// # Safety
/// `entry` is a live entry.
unsafe fn config_of(entry: *const sys::rd_kafka_ConfigEntry_t) -> (String, ConfigEntry) {
    use sys::rd_kafka_ConfigSource_t as native;
    // SAFETY: live by the caller's word; everything is copied.
    unsafe {
        let source = match sys::rd_kafka_ConfigEntry_source(entry) {
            native::RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG => ConfigSource::Topic,
            native::RD_KAFKA_CONFIG_SOURCE_DEFAULT_CONFIG => ConfigSource::Default,
            _ => ConfigSource::Broker,
        };
        let sensitive = sys::rd_kafka_ConfigEntry_is_sensitive(entry) == 1;
        let value = text(sys::rd_kafka_ConfigEntry_value(entry)).filter(|_| !sensitive);
        (text_or_empty(sys::rd_kafka_ConfigEntry_name(entry)), ConfigEntry { value, source })
    }
}

fn create_topics(native: &Native, topics: &[TopicSpec]) -> Result<Vec<(String, Result<()>)>> {
    let mut created = NewTopics(Vec::new());
    for topic in topics {
        created.add(topic)?;
    }
    let event = native.call(
        "creating topics",
        sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATETOPICS,
        |options| options.operation_timeout(native.timeout()),
        // SAFETY: `call` gives live objects; the call copies the topics.
        |rk, options, queue| unsafe {
            let (first, count) = (created.0.as_mut_ptr(), created.0.len());
            sys::rd_kafka_CreateTopics(rk, first, count, options, queue);
        },
    )?;
    // SAFETY: the event is of this kind, and the array lives as long as it does.
    let result = unsafe { sys::rd_kafka_event_CreateTopics_result(event.ptr()) };
    // SAFETY: the result belongs to the event, which is still there.
    let found = event.elements(|_, n| unsafe { sys::rd_kafka_CreateTopics_result_topics(result, n) });
    Ok(topic_results("creating", found))
}

/// Waits, for one time-out at most, until the brokers show the topics with leaders: the controller's answer comes
/// before they do, and who asks at once is told that there is no such topic.
fn await_topics(native: &Native, names: &[String]) -> Result<()> {
    let deadline = Instant::now() + native.timeout();
    loop {
        let found = topic_states(native, "waiting for new topics")?;
        let led = |state: &TopicState| state.partitions.iter().all(|partition| partition.leader.is_some());
        let known = names.iter().all(|name| found.get(name).is_some_and(led));
        // The topics are made in any case; being shown late is no failure.
        if known || Instant::now() >= deadline {
            return Ok(());
        }
        std::thread::sleep(SETTLING);
    }
}

/// Topics to be made, freed together.
struct NewTopics(Vec<*mut sys::rd_kafka_NewTopic_t>);

impl NewTopics {
    fn add(&mut self, topic: &TopicSpec) -> Result<()> {
        let name = c_text(&topic.name)?;
        let mut reason = [0 as c_char; 256];
        let replicas = topic.replicas.unwrap_or(-1);
        // SAFETY: name and buffer are alive; librdkafka ends its text with a zero; the object is freed by us.
        let made = unsafe {
            let (text, size) = (reason.as_mut_ptr(), reason.len());
            sys::rd_kafka_NewTopic_new(name.as_ptr(), topic.partitions, replicas, text, size)
        };
        if made.is_null() {
            // SAFETY: as above.
            let reason = unsafe { text_or_empty(reason.as_ptr()) };
            return Err(Error::usage(format!("topic {:?} cannot be made so", topic.name)).cause(reason));
        }
        self.0.push(made);
        for (name, value) in &topic.configs {
            let (name, value) = (c_text(name)?, c_text(value)?);
            // SAFETY: all are alive; texts are copied.
            let code = unsafe { sys::rd_kafka_NewTopic_set_config(made, name.as_ptr(), value.as_ptr()) };
            if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return Err(coded(&format!("configuring topic {:?}", topic.name), code.into(), ""));
            }
        }
        Ok(())
    }
}

impl Drop for NewTopics {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards.
        unsafe { sys::rd_kafka_NewTopic_destroy_array(self.0.as_mut_ptr(), self.0.len()) };
    }
}

fn delete_topics(native: &Native, names: &[String]) -> Result<Vec<(String, Result<()>)>> {
    let owned: Vec<CString> = names.iter().map(|name| c_text(name)).collect::<Result<_>>()?;
    // SAFETY: the names are alive and are copied; the objects are freed below.
    let mut doomed: Vec<_> =
        owned.iter().map(|name| unsafe { sys::rd_kafka_DeleteTopic_new(name.as_ptr()) }).collect();
    let event = native.call(
        "deleting topics",
        sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETETOPICS,
        |options| options.operation_timeout(Duration::max(native.timeout(), Duration::from_secs(1))),
        // SAFETY: `call` gives live objects; the call copies the names.
        |rk, options, queue| unsafe {
            sys::rd_kafka_DeleteTopics(rk, doomed.as_mut_ptr(), doomed.len(), options, queue);
        },
    );
    // SAFETY: ours, and not used afterwards.
    unsafe { sys::rd_kafka_DeleteTopic_destroy_array(doomed.as_mut_ptr(), doomed.len()) };
    let event = event?;
    // SAFETY: the event is of this kind, and the array lives as long as it does.
    let result = unsafe { sys::rd_kafka_event_DeleteTopics_result(event.ptr()) };
    // SAFETY: the result belongs to the event, which is still there.
    let found = event.elements(|_, n| unsafe { sys::rd_kafka_DeleteTopics_result_topics(result, n) });
    Ok(topic_results("deleting", found))
}

fn topic_results(verb: &str, found: &[*const sys::rd_kafka_topic_result_t]) -> Vec<(String, Result<()>)> {
    found
        .iter()
        // SAFETY: elements of a live result; texts are copied.
        .map(|result| unsafe {
            let name = text_or_empty(sys::rd_kafka_topic_result_name(*result));
            let code = sys::rd_kafka_topic_result_error(*result);
            let refused = (code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| {
                let words = text_or_empty(sys::rd_kafka_topic_result_error_string(*result));
                coded(&format!("{verb} topic {name:?}"), code.into(), &words)
            });
            (name, refused.map_or(Ok(()), Err))
        })
        .collect()
}
