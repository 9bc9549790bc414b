//! Replay on the mock cluster, as the demo runs it.

use super::*;
use crate::consent::{ConsentFlags, WriteToken};
use crate::kafka::{MockBroker, Reader};
use crate::model::clock::FixedClock;
use crate::model::record::{Header, OutgoingRecord, StoredRecord};
use crate::model::topic::TopicSpec;
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::ui::{OutputFormat, Ui, UiOptions};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

type Output = Arc<Mutex<Vec<u8>>>;

fn app(broker: &MockBroker) -> (App, Output) {
    let out = Output::default();
    let options = UiOptions { format: OutputFormat::Json, quiet: true, ..UiOptions::default() };
    let ui = Ui::captured(options, out.clone(), Output::default());
    let settings = Settings::default().with("kafka.brokers", broker.bootstrap_servers(), "--brokers").with(
        "topics.txns",
        "in",
        "--topic",
    );
    let consent = ConsentFlags { yes: true, ..ConsentFlags::default() };
    let clock = Arc::new(FixedClock(jiff::Timestamp::from_second(1_700_000_000).unwrap()));
    (App::new(ui, settings, clock, Shutdown::never(), consent), out)
}

fn letter(key: &'static str, replays: u32) -> OutgoingRecord {
    let mut headers = vec![Header { name: Bytes::from_static(b"\xff"), value: None }];
    headers.extend([
        Header::text("__kylo.v", "1"),
        Header::text("__kylo.user-headers", "1"),
        Header::text("__kylo.id", format!("c/g/in/0/{key}")),
        Header::text("__kylo.origin.topic", "in"),
        Header::text("__kylo.origin.partition", "0"),
        Header::text("__kylo.origin.offset", "4"),
        Header::text("__kylo.errors.class", "permanent"),
        Header::text("__kylo.errors.kind", "bad-json"),
        Header::text("__kylo.replay.count", replays.to_string()),
    ]);
    OutgoingRecord {
        topic: "in.dlq".into(),
        partition: Some(0),
        key: Some(Bytes::from_static(key.as_bytes())),
        value: Some(Bytes::from_static(b"\x00oops\xfe")),
        headers,
        timestamp_ms: None,
    }
}

fn args() -> Args {
    let filter = FilterArgs::default();
    Args { from: Some("in.dlq".into()), max_retries: 3, to_topic: None, limit: None, filter }
}

async fn all(app: &App, topic: &str) -> Vec<StoredRecord> {
    let admin = app.admin().await.unwrap();
    let ranges = crate::kafka::whole_topics(&admin, &[topic.to_owned()]).await.unwrap();
    Reader::open(app.kafka().await.unwrap(), ranges).unwrap().collect().await.unwrap()
}

#[tokio::test]
async fn letters_go_back_once_byte_for_byte_and_those_at_the_limit_stay() {
    let topic =
        |name: &str| TopicSpec { name: name.into(), partitions: 1, replicas: None, configs: BTreeMap::new() };
    let broker = MockBroker::start(&[topic("in"), topic("in.dlq")]).unwrap();
    let (app, out) = app(&broker);
    let token = WriteToken::by_command("test");
    let producer = app.producer().await.unwrap();
    for record in [letter("first", 0), letter("spent", 3), letter("last", 2)] {
        producer.send(&token, &record).await.unwrap();
    }

    let error = run(&app, args()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Check, "{error}");
    assert_eq!(error.causes(), ["in.dlq[0]@1: permanent, bad-json"]);
    assert!(String::from_utf8_lossy(&out.lock().unwrap()).contains("kylo.dlq.replay"));
    let sent = all(&app, "in").await;
    let keys: Vec<_> = sent.iter().map(|record| record.key.as_deref().unwrap()).collect();
    assert_eq!(keys, [&b"first"[..], b"last"]);
    for (record, count) in sent.iter().zip(["1", "3"]) {
        assert_eq!(record.value.as_deref(), Some(&b"\x00oops\xfe"[..]));
        assert_eq!(record.headers[0], Header { name: Bytes::from_static(b"\xff"), value: None });
        let header = |name: &str| record.headers.iter().find(|header| header.name == name.as_bytes());
        assert_eq!(header("__kylo.replay.count").unwrap().value.as_deref(), Some(count.as_bytes()));
        assert_eq!(header("__kylo.errors.class"), None);
    }

    // Nothing ran in between: the same again sends nothing, and still names what stays.
    assert_eq!(run(&app, args()).await.unwrap_err().kind(), ErrorKind::Check);
    assert_eq!(all(&app, "in").await.len(), 2);
    assert_eq!(all(&app, "in.dlq").await.len(), 3, "nothing is written back to the dead letters");

    // Once it may be sent once more, only the one that stayed goes.
    run(&app, Args { max_retries: 4, ..args() }).await.unwrap();
    assert_eq!(all(&app, "in").await.last().unwrap().key.as_deref(), Some(&b"spent"[..]));
    assert_eq!(all(&app, "in").await.len(), 3);
}
