//! `kylo dlq list`: lists dead letters

use super::view::{self, FilterArgs, Places};
use crate::app::App;
use crate::commands::examples;
use crate::error::Result;
use crate::kafka::Reader;
use crate::model::replay::Letter;
use crate::ui::{Column, Row, cell};
use serde::Serialize;

/// list dead letters
///
/// Shows those that were not sent back yet; `--all` shows the others too. Looking commits nothing.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&[
    "kylo dlq list",
    "kylo dlq list txns.company.batches --class permanent -o json",
]))]
pub struct Args {
    /// The dead-letter topic, or the topic it belongs to; left out, every declared one
    #[arg(value_name = "TOPIC")]
    from: Option<String>,
    /// Show those that were sent back too, as far as the topic still holds them
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    filter: FilterArgs,
}

/// One dead letter.
#[derive(Debug, Serialize)]
struct Item {
    topic: String,
    partition: i32,
    offset: i64,
    /// `waiting`, or `replayed`.
    state: &'static str,
    #[serde(flatten)]
    letter: Letter,
    origin_partition: i32,
    origin_offset: i64,
    /// When it was given up, RFC 3339.
    at: Option<String>,
    /// Seconds since.
    age_seconds: Option<i64>,
}

impl Row for Item {
    const COLUMNS: &'static [Column] = &[
        Column::text("LETTER"),
        Column::text("STATE"),
        Column::text("CLASS"),
        Column::text("KIND"),
        Column::text("ORIGIN"),
        Column::number("REPLAYS"),
        Column::number("AGE"),
        Column::text("REASON"),
    ];
    fn cells(&self) -> Vec<String> {
        let place = |topic: &String| format!("{topic}[{}]@{}", self.origin_partition, self.origin_offset);
        let origin = self.letter.origin_topic.as_ref().map(place);
        vec![
            format!("{}[{}]@{}", self.topic, self.partition, self.offset),
            self.state.to_owned(),
            cell(&self.letter.class),
            cell(&self.letter.kind),
            cell(&origin),
            self.letter.replays.to_string(),
            cell(&self.age_seconds.map(age)),
            cell(&self.letter.reason),
        ]
    }
}

/// `42s`, `3m`, `5h`, `2d`
fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let admin = app.admin().await?;
    let topics = view::topics(app, &admin, args.from.as_deref()).await?;
    let places = Places::read(&admin, &topics, &app.replay_group()).await?;
    let progress = places.progress();
    let from = (!args.all).then_some(&progress);
    let filter = args.filter.filter();
    let now = app.clock.now();
    let mut reader = Reader::open(app.kafka().await?, places.ranges(from))?;
    let mut items = Vec::new();
    while let Some(record) = reader.next().await {
        let record = record?;
        let done = progress.get(&record.source).is_some_and(|progress| progress.is_done(record.offset));
        let (envelope, named) = view::envelope(&record, &admin.cluster().id);
        let letter = view::letter(&record, &envelope, named);
        if (done && !args.all) || !filter.lets(&letter) {
            continue;
        }
        let failed = envelope.error.as_ref().and_then(|error| error.at.parse::<jiff::Timestamp>().ok());
        let written = || record.timestamp_ms.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        let at = failed.or_else(written);
        items.push(Item {
            topic: record.source.topic.to_string(),
            partition: record.source.partition,
            offset: record.offset,
            state: if done { "replayed" } else { "waiting" },
            letter,
            origin_partition: envelope.origin.partition.partition,
            origin_offset: envelope.origin.offset,
            at: at.map(|at| at.to_string()),
            age_seconds: at.map(|at| (now.as_second() - at.as_second()).max(0)),
        });
    }
    items.sort_by(|one, other| {
        (&one.topic, one.partition, one.offset).cmp(&(&other.topic, other.partition, other.offset))
    });
    if items.is_empty() {
        app.ui.status(&format!("no dead letters in {}", topics.join(", ")));
    }
    app.ui.list("dlq.list", &items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let table = [(0, "0s"), (119, "119s"), (120, "2m"), (7_199, "119m"), (7_200, "2h"), (172_800, "2d")];
        for (seconds, expected) in table {
            assert_eq!(age(seconds), expected);
        }
    }
}
