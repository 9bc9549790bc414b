//! What one partition may take from the others: memory, and the end of the process.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_lane_that_hangs_does_not_take_the_memory_of_the_others() {
    let mut bench = Bench::new(2);
    bench.policy.budget_bytes = 200_000;
    bench.policy.handler_timeout = Duration::from_secs(3_600);
    for n in 0..5_000 {
        bench.put("hung", if n == 0 { "sleep:600000" } else { "ok" });
    }
    let (_trigger, running) = bench.start();
    // It takes five seconds until a partition counts as blocked.
    sleep(Duration::from_secs(1)).await;
    for _ in 0..100 {
        bench.broker.produce("in", 1, Some("other"), "ok");
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.script.done_of("other").len(), 100);
    assert!(bench.events.any("Paused"));
    assert!(bench.script.done_of("hung").is_empty());
    assert_eq!(running.await.unwrap().unwrap().totals.handled, 5_100);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_was_stopped_gives_its_memory_back() {
    let mut bench = Bench::new(2);
    bench.policy.budget_bytes = 2_000_000;
    bench.policy.flood_run = 20;
    bench.policy.exit_when_idle = false;
    let key = "b".repeat(1_000);
    for _ in 0..5_000 {
        bench.put(&key, "bad");
    }
    let (trigger, shutdown) = shutdown::channel();
    let snapshots = Arc::new(metrics::Snapshots::default());
    let running = tokio::spawn(Consumer { reporter: snapshots.clone(), ..bench.consumer() }.run(shutdown));
    sleep(Duration::from_secs(2)).await;
    let last = snapshots.0.lock().unwrap().last().unwrap().clone();
    assert_eq!((last.in_flight, last.in_flight_bytes), (0, 0));
    for _ in 0..5_000 {
        bench.broker.produce("in", 1, Some("good"), "ok");
    }
    sleep(Duration::from_secs(10)).await;
    assert_eq!(bench.script.done_of("good").len(), 5_000);
    trigger.advance();
    running.await.unwrap().unwrap();
    assert_eq!(bench.committed(1), 5_000);
    let letters = bench.broker.records("in.dlq").len();
    assert_eq!(bench.committed(0), letters as i64, "what was read and not handled is not committed");
}

#[tokio::test(start_paused = true)]
async fn lost_records_of_one_partition_cost_the_others_nothing() {
    let bench = Bench::new(2);
    bench.put("a", "sleep:5000");
    bench.put("b", "ok");
    let (_trigger, running) = bench.start();
    sleep(Duration::from_secs(1)).await;
    bench.broker.revoke("in", &[1]);
    sleep(Duration::from_secs(1)).await;
    for _ in 0..10 {
        bench.broker.produce("in", 1, Some("c"), "ok");
    }
    bench.broker.commit("in", 1, 2, "");
    bench.broker.trim("in", 1, 5);
    bench.broker.assign("in", &[1]);
    let error = running.await.unwrap().unwrap_err();
    assert!(matches!(error, RunError::Lost(_)), "{error}");
    assert_eq!(bench.committed(0), 2, "what ran may end, and is committed");
    assert_eq!(bench.broker.committed("in", 1).unwrap().offset, 2);
}
