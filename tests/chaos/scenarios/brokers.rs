//! The broker dies; records vanish under the group; dead letters go out and come back.

use super::{Context, Stage};
use crate::broker::{Fetched, partition_of};
use crate::load::now;
use crate::repeats::{Excuse, Window};
use crate::report::{Promise, Report};
use crate::servers::Kafka;
use crate::sql::Sql;
use crate::verify::Fault;
use crate::wire::{self, Raw};
use crate::worker::{Worker, term_all};
use crate::world::{PARTITIONS, Plan, World};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;
use std::collections::HashSet;
use std::process::Stdio;
use std::time::Duration;

/// kill -9 of the broker in the middle of bursts; once a worker is asked to end while it is down.
pub fn killed(context: &Context) -> Report {
    let mut rng = context.rng();
    let mut kafka = Kafka::start(&context.folder);
    let control = context.database("control");
    let plan =
        Plan { brokers: kafka.address(), control: (control.clone(), control), companies: vec![None; 6] };
    let mut stage = Stage::new(context, World::new(context, plan).short_sessions(), 2, 30);
    let (mut in_work, mut ended) = (0, 0.0);
    for turn in 0..3 {
        std::thread::sleep(Duration::from_millis(rng.u64(1_000..2_000)));
        let window = Window::open(&stage);
        stage.load.burst(rng.usize(150..300));
        std::thread::sleep(Duration::from_millis(rng.u64(5..150)));
        let from = now();
        kafka.kill();
        std::thread::sleep(Duration::from_millis(300));
        let working = window.lost_hold(&mut stage);
        in_work += usize::from(working);
        if turn == 1 {
            let old = stage.workers.remove(0);
            let (log, began) = (old.log.clone(), now());
            let code = old.term(Duration::from_secs(40));
            // What could not be committed is told by the exit code.
            stage.report.check(Promise::Ends, matches!(code, Some(0 | 1)), || {
                format!("TERM without a broker: {code:?}, {}", log.display())
            });
            ended = now() - began;
            stage
                .report
                .check(Promise::Ends, ended < 32.0, || format!("TERM without a broker took {ended:.0} s"));
        }
        std::thread::sleep(Duration::from_millis(rng.u64(500..2_000)));
        kafka.resume();
        if turn == 1 {
            stage.workers.push(Worker::start(&stage.world));
        }
        stage.faults.push(Fault::mended(from, 12.0));
        stage.report.times += 1;
        stage.settle();
    }
    stage.report.bit = format!("{in_work} in unfinished work, 1 TERM while it was down took {ended:.0} s");
    stage.report.check(Promise::Bit, in_work > 0, || "no kill hit unfinished work".into());
    stage.finish()
}

/// Records are deleted before the group read them: it stops and names them, and goes on behind them when told to.
pub fn deleted(context: &Context) -> Report {
    let mut stage = Stage::new(context, World::simple(context, 6), 1, 20);
    stage.load.rate(0);
    stage.settle_all();
    let from = now();
    term_all(std::mem::take(&mut stage.workers), &mut stage.report);
    stage.load.burst_of(0, 30);
    stage.load.flush();
    let partition = partition_of(&stage.world.companies[0].id, PARTITIONS);
    let log = stage.load.log();
    let mine: Vec<_> = log.iter().filter(|sent| sent.company == 0).collect();
    let unread: Vec<_> = mine[mine.len() - 30..].iter().filter_map(|sent| sent.ack).collect();
    let (first, cut) = (unread[0].offset, unread[12].offset);
    stage.world.broker().delete_below(&stage.world.txns(), partition, cut);
    stage.gone = mine[mine.len() - 30..mine.len() - 18].iter().map(|sent| sent.batch.clone()).collect();
    stage.load.excuse(&stage.gone);
    // Others of the partition may lie between; only the range is told.
    let mut stopped = Worker::with(&stage.world, &["txns", "--live"], &[]);
    let code = stopped.wait(Duration::from_secs(30));
    let told = stopped.output();
    stage
        .report
        .check(Promise::Told, code == Some(7), || format!("records were lost, and it ended with {code:?}"));
    let range = format!("{first}..{cut}");
    stage.report.check(Promise::Told, told.contains(&range), || format!("{range} is not named: {told}"));
    stage.workers.push(Worker::with(
        &stage.world,
        &["txns", "promote", "--live", "--on-lost", "continue"],
        &[],
    ));
    stage.report.times = 1;
    stage.report.bit = format!("{} records deleted and told", cut - first);
    stage.faults.push(Fault::mended(from, 10.0));
    stage.finish()
}

/// Dead letters are sent back, and the replay is killed again and again: each arrives, few twice.
pub fn replay_killed(context: &Context) -> Report {
    const LETTERS: usize = 1_600;
    let mut rng = context.rng();
    let mut world = World::simple(context, 6);
    world.worker_args = vec!["--no-flood-stop".into()];
    let mut sql = Sql::new(&world.control);
    let hidden = world.companies[5].id.clone();
    sql.rows(&format!(
        "create table chaos.hidden as select * from control.company_config where company_id = '{hidden}';
         delete from control.company_config where company_id = '{hidden}'"
    ));
    let mut stage = Stage::with_quiet(context, world, 2, 20, &[5]);
    let letters: HashSet<String> = stage.load.burst_excused(5, LETTERS);
    let from = now();
    let (broker, topic, dead) = (stage.world.broker(), stage.world.txns(), stage.world.dead_letters());
    stage.wait("all letters are there", |_| broker.count(&dead) as usize == LETTERS);
    sql.rows("insert into control.company_config select * from chaos.hidden");
    stage.load.rate(0);
    let mut midway = 0;
    let partition = partition_of(&hidden, PARTITIONS);
    let arguments = ["dlq", "replay", &dead, "--max-retries", "3", "--yes"];
    let reader = broker.reader("never-joined");
    let end = || reader.fetch_watermarks(&topic, partition, Duration::from_secs(5)).map_or(0, |(_, end)| end);
    let group = broker.reader(&format!("{}-replay", stage.world.name));
    for turn in 0..8 {
        let start = (end(), progress(&group, &dead));
        let mut replay = stage.world.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let replay = replay.as_mut().expect("starting the replay");
        let deadline = now() + 10.0;
        let waits = |replay: &mut std::process::Child| {
            now() < deadline && replay.try_wait().is_ok_and(|ended| ended.is_none())
        };
        if turn % 2 == 0 {
            // Killed as soon as its progress is committed: what it says is done must be done.
            while progress(&group, &dead) == start.1 && waits(replay) {}
        } else {
            // Killed as soon as its first records are out.
            while end() == start.0 && waits(replay) {}
            std::thread::sleep(Duration::from_micros(rng.u64(0..3_000)));
        }
        let alive = replay.try_wait().is_ok_and(|ended| ended.is_none());
        let _ = (replay.kill(), replay.wait());
        stage.report.times += 1;
        midway += usize::from(alive && (end() > start.0 || progress(&group, &dead) != start.1));
    }
    // The last run ends by itself.
    stage.world.kylo(&arguments);
    let again = stage.world.kylo(&arguments);
    stage.report.check(Promise::Twice, again.contains("nothing to send back"), || {
        format!("a finished replay sends again: {again}")
    });
    let sent_back =
        broker.fetch(&topic).into_iter().filter(|record| record.header("__kylo.replay.count") == "1");
    let (mut distinct, mut again): (HashSet<String>, Vec<String>) = (HashSet::new(), Vec::new());
    for record in sent_back {
        if !distinct.insert(record.header("__kylo.id")) {
            again.push(batch_of(&record));
        }
    }
    let doubled = again.len();
    stage.report.check(Promise::Lost, distinct.len() == LETTERS, || {
        format!("{} of {LETTERS} letters were sent back", distinct.len())
    });
    stage.report.check(Promise::Repeats, doubled <= midway * 200, || {
        format!("{doubled} letters were sent back more than once")
    });
    stage.excuses.extend(again.into_iter().map(Excuse::SentAgain));
    stage.report.bit = format!("{midway} killed midway, {doubled} sent twice");
    stage.report.check(Promise::Bit, midway > 0, || "no replay was killed midway".into());
    stage.unordered = [5].into();
    stage.dead_letters = Some(LETTERS);
    // What came back lies behind commits of its own.
    stage.settle_all();
    stage.load.forgive(&letters);
    stage.faults.push(Fault::mended(from, 5.0));
    stage.finish()
}

/// The name of the batch in a record's value.
fn batch_of(record: &Fetched) -> String {
    let value = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default());
    let (_, rest) = value.split_once("\"batch_id\":\"").expect("a batch");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// What a replay has committed: offset and metadata of each partition of the dead letters.
fn progress(group: &impl Consumer, dead: &str) -> Vec<(i64, String)> {
    let mut list = TopicPartitionList::new();
    for partition in 0..3 {
        list.add_partition(dead, partition);
    }
    let committed = group.committed_offsets(list, Duration::from_secs(5));
    let elements = committed.iter().flat_map(TopicPartitionList::elements);
    elements.map(|at| (at.offset().to_raw().unwrap_or(0).max(0), at.metadata().to_owned())).collect()
}

/// Strange records go to the dead letters and back byte for byte, seen without any client library.
pub fn bytes(context: &Context) -> Report {
    let mut world = World::simple(context, 2);
    // Read without a codec. Not by the topic's own setting: a broker that compresses anew spoils header names that
    // are not UTF-8.
    let plain = ["-X", "compression.type=none"];
    world.worker_args = plain.map(str::to_owned).into();
    world.compression = "none";
    let mut stage = Stage::new(context, world, 1, 5);
    let (topic, dead, brokers) =
        (stage.world.txns(), stage.world.dead_letters(), stage.world.brokers.clone());
    let strange = strange();
    for (at, record) in strange.iter().enumerate() {
        wire::produce(&brokers, &topic, at as i32 % PARTITIONS, record);
    }
    stage.report.times = strange.len();
    let broker = stage.world.broker();
    let (count, many) = (|| broker.count(&dead) as usize, strange.len());
    stage.wait("the strange records are dead-lettered", |_| count() == many);
    let all = |topic: &str, partitions: i32| -> Vec<Raw> {
        (0..partitions).flat_map(|partition| wire::fetch(&brokers, topic, partition)).collect()
    };
    let letters = all(&dead, 3);
    let mut problems = Vec::new();
    let mut compare = |what: &str, found: &[Raw]| {
        for record in &strange {
            let mut same = found.iter().filter(|other| {
                let headers = other.headers.get(..record.headers.len());
                other.key == record.key
                    && other.value == record.value
                    && headers == Some(&record.headers[..])
                    && other.header("__kylo.user-headers") == record.headers.len().to_string()
            });
            if same.next().is_none() {
                problems.push(format!("{what}: the bytes of {record:?} are not there"));
            }
        }
    };
    compare("dead-lettered", &letters);
    let (code, said) =
        stage.world.kylo_ends(&["dlq", "replay", &dead, "--max-retries", "1", "--yes", plain[0], plain[1]]);
    compare("sent back", &all(&topic, PARTITIONS));
    stage.report.check(Promise::Ends, code == Some(0), || format!("the replay ended with {code:?}: {said}"));
    stage.wait("the strange records come back", |_| count() == 2 * many);
    let again: Vec<Raw> =
        all(&dead, 3).into_iter().filter(|letter| letter.header("__kylo.replay.count") == "1").collect();
    compare("dead-lettered again", &again);
    problems.into_iter().for_each(|problem| stage.report.broke(Promise::Letters, problem));
    stage.report.bit = format!("{many} records, three times compared");
    stage.dead_letters = Some(2 * many);
    stage.finish()
}

fn strange() -> Vec<Raw> {
    let header = |name: &[u8], value: Option<&[u8]>| (name.to_vec(), value.map(<[u8]>::to_vec));
    let raw = |key: Option<&[u8]>, value: Option<&[u8]>, headers: Vec<(Vec<u8>, Option<Vec<u8>>)>| Raw {
        key: key.map(<[u8]>::to_vec),
        value: value.map(<[u8]>::to_vec),
        headers,
    };
    vec![
        raw(None, None, vec![]),
        raw(Some(b""), Some(b""), vec![]),
        raw(
            None,
            Some(b"\xff\xfe\x00 not text"),
            vec![header(b"a", None), header(b"a", Some(b"")), header(b"a", Some(b"1"))],
        ),
        raw(
            Some(b"700"),
            Some(b"one"),
            vec![header(b"\xff\xfe", Some(b"\x00\xff")), header("é".as_bytes(), None)],
        ),
        raw(Some(b"\xff\x00"), None, vec![header(b"", Some(b"no name")), header(b"b", Some(&[7; 3000]))]),
        // A producer's own headers may look like ours.
        raw(
            Some(b"701"),
            Some(b"two"),
            vec![header(b"__kylo.v", Some(b"1")), header(b"__kylo.user-headers", Some(b"9"))],
        ),
        raw(
            Some(b"701"),
            Some(b"three"),
            vec![header(b"__kylo.id", Some(b"x")), header(b"z", None), header(b"a", None)],
        ),
    ]
}
