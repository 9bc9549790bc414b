//! Batches of which some records end and others must wait: each record has a retry budget of its own.

use super::*;

/// Fails each record as often as its value says, for a time, and ends the others of the same batch.
#[derive(Default)]
struct Moody {
    tries: Mutex<BTreeMap<i64, u32>>,
}

impl Handler for Moody {
    fn batch_limit(&self) -> usize {
        2
    }
    fn handle<'a>(&'a self, records: &'a [Record]) -> HandlerFuture<'a> {
        let outcome = |record: &Record| {
            let times: u32 = std::str::from_utf8(record.value().unwrap()).unwrap().parse().unwrap();
            let mut tries = self.tries.lock().unwrap();
            let tries = tries.entry(record.offset()).or_default();
            *tries += 1;
            match *tries > times {
                true => Outcome::Done,
                false => Outcome::Failed(Failure::transient("mood", "not now")),
            }
        };
        let outcomes = records.iter().map(outcome).collect();
        Box::pin(async { Ok(Outcomes::Each(outcomes)) })
    }
}

async fn run(values: &[u32], refused: usize) -> (Summary, BTreeMap<i64, u32>, Vec<i64>) {
    let mut bench = Bench::new(1);
    bench.policy.retry.when_spent =
        WhenSpent::DeadLetter { attempts: 4, wall_time: Duration::from_secs(3_600) };
    for value in values {
        bench.put("k", &value.to_string());
    }
    bench.broker.refuse_publishes(refused);
    let moody = Arc::new(Moody::default());
    let consumer = Consumer { handler: moody.clone(), ..bench.consumer() };
    let summary = consumer.run(Shutdown::never()).await.unwrap();
    let letters = bench.broker.records("in.dlq");
    let letters = letters.iter().map(|letter| Envelope::of(letter).unwrap().origin.offset).collect();
    (summary, moody.tries.lock().unwrap().clone(), letters)
}

#[tokio::test(start_paused = true)]
async fn what_ends_behind_a_waiting_head_does_not_renew_its_budget() {
    let (summary, tries, letters) = run(&[99, 0, 0, 0, 0, 0, 0, 0], 0).await;
    assert_eq!((summary.totals.handled, letters), (7, vec![0]));
    assert_eq!(tries[&0], 4);
}

#[tokio::test(start_paused = true)]
async fn the_last_try_of_a_head_is_not_that_of_the_record_behind_it() {
    let (summary, tries, letters) = run(&[3, 4], 0).await;
    assert_eq!((summary.totals.handled, letters), (2, vec![]));
    assert_eq!((tries[&0], tries[&1]), (4, 5));
}

#[tokio::test(start_paused = true)]
async fn a_refused_dead_letter_is_not_the_last_try_of_the_record_behind_it() {
    let (summary, tries, letters) = run(&[99, 5], 1).await;
    assert_eq!((summary.totals.handled, letters), (1, vec![0]));
    assert_eq!(tries[&1], 6);
}
