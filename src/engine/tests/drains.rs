//! Drains beside a consumer.

use super::*;

/// Work per key in a table, with a key that fails for a while.
#[derive(Clone, Default)]
struct Table {
    rows: Arc<Mutex<BTreeMap<String, u32>>>,
    broken: Arc<Mutex<Option<String>>>,
    steps: Arc<Mutex<Vec<String>>>,
}

impl Drain for Table {
    fn name(&self) -> &'static str {
        "table"
    }
    fn sweep(&self) -> DrainFuture<'_, Vec<String>> {
        Box::pin(async move { Ok(self.rows.lock().unwrap().keys().cloned().collect()) })
    }
    fn step<'a>(&'a self, key: &'a str) -> DrainFuture<'a, Drained> {
        Box::pin(async move {
            sleep(Duration::from_millis(100)).await;
            assert_ne!(key, "panic", "as the key asks");
            if self.broken.lock().unwrap().as_deref() == Some(key) {
                return Err(Failure::transient("broken", "as asked").on(Dependency(key.into())));
            }
            let mut rows = self.rows.lock().unwrap();
            let Some(left) = rows.get_mut(key) else { return Ok(Drained::Empty) };
            self.steps.lock().unwrap().push(key.to_owned());
            *left -= 1;
            if *left == 0 {
                rows.remove(key);
                return Ok(Drained::Empty);
            }
            Ok(Drained::More)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_emptied_before_the_end_and_one_broken_key_holds_no_other() {
    let bench = Bench::new(1);
    bench.put("a", "ok");
    let table = Table::default();
    table.rows.lock().unwrap().extend([("x".to_owned(), 3), ("y".to_owned(), 2)]);
    *table.broken.lock().unwrap() = Some("y".to_owned());
    let (_hints, hints) = Hints::channel();
    let mut consumer = bench.consumer();
    consumer.drains.push(DrainPart { drain: Arc::new(table.clone()), hints });
    let running = tokio::spawn(consumer.run(Shutdown::never()));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(*table.steps.lock().unwrap(), ["x", "x", "x"]);
    assert_eq!(bench.committed(0), 1, "the drain's trouble never becomes lag");
    assert!(!running.is_finished());
    assert!(bench.events.any("DrainFailed"));
    *table.broken.lock().unwrap() = None;
    running.await.unwrap().unwrap();
    assert!(table.rows.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hint_wakes_a_drain_before_the_sweep() {
    let mut bench = Bench::new(1);
    bench.policy.exit_when_idle = false;
    let table = Table::default();
    let (hints, receiver) = Hints::channel();
    let mut consumer = bench.consumer();
    consumer.drains.push(DrainPart { drain: Arc::new(table.clone()), hints: receiver });
    let (trigger, shutdown) = shutdown::channel();
    let running = tokio::spawn(consumer.run(shutdown));
    sleep(Duration::from_secs(1)).await;
    table.rows.lock().unwrap().insert("z".to_owned(), 1);
    hints.wake("z");
    sleep(Duration::from_millis(500)).await;
    assert!(table.rows.lock().unwrap().is_empty());
    trigger.advance();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_step_panics_holds_no_other() {
    let mut bench = Bench::new(1);
    bench.policy.exit_when_idle = false;
    let table = Table::default();
    table.rows.lock().unwrap().extend([("panic".to_owned(), 1), ("x".to_owned(), 1)]);
    let (hints, receiver) = Hints::channel();
    let mut consumer = bench.consumer();
    consumer.drains.push(DrainPart { drain: Arc::new(table.clone()), hints: receiver });
    let (trigger, shutdown) = shutdown::channel();
    let running = tokio::spawn(consumer.run(shutdown));
    sleep(Duration::from_secs(30)).await;
    table.rows.lock().unwrap().insert("z".to_owned(), 1);
    hints.wake("z");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(*table.steps.lock().unwrap(), ["x", "z"]);
    assert!(bench.events.0.lock().unwrap().iter().any(|event| event.contains("the step panicked")));
    trigger.advance();
    running.await.unwrap().unwrap();
}
