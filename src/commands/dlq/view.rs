//! What the commands of `kylo dlq` share: which letters are meant, and which topics hold them.

pub use crate::app::replay::{Places, envelope, letter, place};

use crate::app::App;
use crate::error::{Error, Result};
use crate::kafka::Admin;
use crate::model::pipeline::{PIPELINES, dead_letter_topic};
use crate::model::replay::Filter;
use crate::model::suggest::not_found;

/// Which letters are meant.
#[derive(Debug, Default, clap::Args)]
pub struct FilterArgs {
    /// Only this class; may be repeated
    #[arg(long, value_name = "CLASS", value_parser = ["permanent", "transient", "poison", "crash"])]
    class: Vec<String>,
    /// Only this kind of failure, as `kylo dlq list` shows it; may be repeated
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Only letters that came from this topic; may be repeated
    #[arg(long, value_name = "TOPIC")]
    topic: Vec<String>,
    /// Only letters with this key; may be repeated
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
}

impl FilterArgs {
    /// The filter as a value.
    pub fn filter(&self) -> Filter {
        Filter {
            classes: self.class.clone(),
            kinds: self.kind.clone(),
            topics: self.topic.clone(),
            keys: self.key.clone(),
        }
    }
}

/// The dead-letter topics meant by `asked`: that topic, or the dead-letter topic that belongs to it; without a
/// name every declared one that exists.
pub async fn topics(app: &App, admin: &Admin, asked: Option<&str>) -> Result<Vec<String>> {
    let known: Vec<String> = admin.topics().await?.into_iter().map(|topic| topic.topic).collect();
    let exists = |name: &String| known.contains(name);
    if let Some(asked) = asked {
        let own = dead_letter_topic(asked);
        if exists(&own) {
            return Ok(vec![own]);
        }
        if known.iter().any(|name| name == asked) {
            return Ok(vec![asked.to_owned()]);
        }
        return Err(not_found("topic", asked, known.iter().map(String::as_str), "kylo topics list dlq"));
    }
    let names: Vec<String> = PIPELINES
        .iter()
        .flat_map(|pipeline| pipeline.workers)
        .map(|worker| dead_letter_topic(&app.settings.name(worker.topic)))
        .filter(exists)
        .collect();
    if names.is_empty() {
        return Err(Error::check("there are no dead-letter topics yet")
            .hint("kylo topics create --pipeline ledger")
            .hint("kylo dlq list TOPIC looks into a topic of another name"));
    }
    Ok(names)
}
