//! `kylo dlq show`: shows one dead letter whole

use super::view;
use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, Result};
use crate::kafka::{ReadRange, Reader};
use crate::model::record::{StoredRecord, TopicPartition};
use crate::model::record_json::{Encoding, RecordJson};
use crate::model::suggest::not_found;
use crate::ui::{Column, OutputFormat, Row};
use serde::Serialize;

/// show one dead letter whole
///
/// Prints headers, key and value: this command's job is the payload. `-o jsonl` prints a record that
/// `kylo topics produce -f record` takes back byte for byte.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&[
    "kylo dlq show 'txns.company.batches.dlq[0]@3'",
    "kylo dlq show 0:3",
    "kylo dlq show txns.company.batches.dlq:0:3 --raw > value.bin",
]))]
pub struct Args {
    /// TOPIC[PARTITION]@OFFSET as `kylo dlq list` shows it, TOPIC:PARTITION:OFFSET, or PARTITION:OFFSET
    #[arg(value_name = "LETTER", value_parser = spot)]
    letter: Spot,
    /// Only the value's bytes, without a line end
    #[arg(long)]
    raw: bool,
}

/// Where a letter stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spot {
    topic: Option<String>,
    partition: i32,
    offset: i64,
}

fn spot(text: &str) -> std::result::Result<Spot, String> {
    let wanted = || "TOPIC[PARTITION]@OFFSET or PARTITION:OFFSET is wanted".to_owned();
    let (rest, offset) = text.rsplit_once(['@', ':']).ok_or_else(wanted)?;
    let (topic, partition) = match rest.strip_suffix(']') {
        Some(rest) => {
            let (topic, partition) = rest.rsplit_once('[').ok_or_else(wanted)?;
            (Some(topic), partition)
        }
        None => rest.rsplit_once(':').map_or((None, rest), |(topic, partition)| (Some(topic), partition)),
    };
    let partition = partition.parse().ok().filter(|number| *number >= 0).ok_or_else(wanted)?;
    let offset = offset.parse().ok().filter(|number| *number >= 0).ok_or_else(wanted)?;
    let topic = topic.map(str::to_owned).filter(|topic| !topic.is_empty());
    Ok(Spot { topic, partition, offset })
}

/// A line of the table.
#[derive(Debug, Serialize)]
struct Field {
    field: String,
    value: String,
}

impl Row for Field {
    const COLUMNS: &'static [Column] = &[Column::text("FIELD"), Column::text("VALUE")];
    fn cells(&self) -> Vec<String> {
        vec![self.field.clone(), self.value.clone()]
    }
}

impl Row for RecordJson {
    const COLUMNS: &'static [Column] = &[
        Column::text("TOPIC"),
        Column::number("PARTITION"),
        Column::number("OFFSET"),
        Column::text("KEY"),
        Column::text("VALUE"),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.topic.clone(),
            self.partition.to_string(),
            self.offset.to_string(),
            shown(self.key.as_ref(), self.key_encoding),
            shown(self.value.as_ref(), self.value_encoding),
        ]
    }
}

fn shown(text: Option<&String>, encoding: Encoding) -> String {
    match (text, encoding) {
        (None, _) | (_, Encoding::Null) => "-".to_owned(),
        (Some(text), Encoding::Utf8) => text.clone(),
        (Some(text), Encoding::Base64) => format!("base64:{text}"),
    }
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let record = find(app, &args.letter).await?;
    if args.raw {
        return app.ui.data(record.value.as_deref().unwrap_or_default());
    }
    let json = RecordJson::from(&record);
    if !matches!(app.ui.options().format, OutputFormat::Table | OutputFormat::Wide) {
        return app.ui.list("dlq.show", &[json]);
    }
    let mut fields = vec![
        ("letter".to_owned(), view::place(&record)),
        ("timestamp".to_owned(), json.timestamp.clone().unwrap_or_else(|| "-".to_owned())),
        ("key".to_owned(), shown(json.key.as_ref(), json.key_encoding)),
    ];
    for header in &json.headers {
        let name = shown(Some(&header.name), header.name_encoding);
        fields.push((format!("header {name}"), shown(header.value.as_ref(), header.value_encoding)));
    }
    let fields: Vec<Field> = fields.into_iter().map(|(field, value)| Field { field, value }).collect();
    app.ui.list("dlq.show", &fields)?;
    app.ui.line("")?;
    app.ui.line(&shown(json.value.as_ref(), json.value_encoding))
}

async fn find(app: &App, spot: &Spot) -> Result<StoredRecord> {
    let admin = app.admin().await?;
    // A letter is named with the topic it stands in, not with the one that topic belongs to.
    let topics = match &spot.topic {
        Some(topic) => {
            let known = admin.topics().await?;
            let mut names = known.iter().map(|known| known.topic.as_str());
            if !names.clone().any(|name| name == topic) {
                return Err(not_found("topic", topic, &mut names, "kylo topics list dlq"));
            }
            vec![topic.clone()]
        }
        None => view::topics(app, &admin, None).await?,
    };
    let places = view::Places::read(&admin, &topics, &app.replay_group()).await?;
    let ranges: Vec<ReadRange> = topics
        .iter()
        .map(|topic| TopicPartition::new(topic.as_str(), spot.partition))
        .filter(|at| places.logs.get(at).is_some_and(|log| (log.start..log.end).contains(&spot.offset)))
        .map(|partition| ReadRange { partition, from: spot.offset, to: spot.offset + 1 })
        .collect();
    let mut found = Reader::open(app.kafka().await?, ranges)?.collect().await?;
    let Some(record) = found.pop() else {
        let Spot { partition, offset, .. } = spot;
        return Err(Error::failed(format!(
            "there is no record at {}[{partition}]@{offset}",
            topics.join("|")
        ))
        .hint("kylo dlq list shows those that are there"));
    };
    if !found.is_empty() {
        let first = view::place(&record);
        return Err(Error::usage(format!("{}:{} is in several topics", spot.partition, spot.offset))
            .hint(format!("kylo dlq show '{first}'")));
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spot_table() {
        let at = |topic: Option<&str>, partition, offset| {
            Some(Spot { topic: topic.map(str::to_owned), partition, offset })
        };
        let table = [
            ("a.dlq[0]@3", at(Some("a.dlq"), 0, 3)),
            ("a.dlq:12:34", at(Some("a.dlq"), 12, 34)),
            ("0:3", at(None, 0, 3)),
            ("0@3", at(None, 0, 3)),
            ("[0]@3", at(None, 0, 3)),
            ("a.dlq", None),
            ("a.dlq:3", None),
            ("a.dlq[-1]@3", None),
            ("a.dlq[0]@x", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(spot(text).ok(), expected, "{text}");
        }
    }
}
