//! A log that no longer holds what the group has not read, or has read.

use super::*;

#[tokio::test(start_paused = true)]
async fn lost_records_stop_it_unless_told_to_go_on() {
    let mut bench = Bench::new(1);
    for _ in 0..10 {
        bench.put("a", "ok");
    }
    bench.broker.commit("in", 0, 2, "");
    bench.broker.trim("in", 0, 6);
    let error = bench.run().await.unwrap_err();
    assert_eq!(error.to_string(), "records were deleted before they were read: in[0]@2..6 (4 offsets)");
    assert_eq!(bench.committed(0), 2, "nothing was skipped silently");
    bench.policy.on_lost = OnLost::Continue;
    let summary = bench.run().await.unwrap();
    assert_eq!((summary.totals.lost, summary.totals.handled, bench.committed(0)), (4, 4, 10));
    assert!(bench.events.any("RecordsLost"));

    // A log that was made anew has lost nothing the group had not read.
    bench.broker.commit("in", 0, 50, "");
    bench.policy.on_lost = OnLost::Stop;
    let error = bench.run().await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the group has committed offsets that the log does not hold: in[0]@10..50 (40 offsets)"
    );
    bench.policy.on_lost = OnLost::Continue;
    let summary = bench.run().await.unwrap();
    assert_eq!((summary.totals.lost, summary.totals.handled, bench.committed(0)), (0, 4, 10));
}

#[tokio::test(start_paused = true)]
async fn a_log_start_that_overtakes_a_paused_partition_stops_it_unless_told_to_go_on() {
    let mut bench = Bench::new(1);
    (bench.policy.budget_records, bench.policy.exit_when_idle) = (20, false);
    bench.script.set_down(&["d"]);
    bench.put("a", "away:d");
    for _ in 0..200 {
        bench.put("a", "ok");
    }
    let overtake = async |bench: &Bench| {
        let (trigger, running) = bench.start();
        while !bench.events.any("Paused") {
            sleep(Duration::from_millis(100)).await;
        }
        for _ in 0..200 {
            bench.put("a", "ok");
        }
        let end = bench.put("a", "ok") + 1;
        bench.broker.trim("in", 0, end - 5);
        bench.script.set_down(&[]);
        (trigger, running, end)
    };
    let (_trigger, running, end) = overtake(&bench).await;
    let error = running.await.unwrap().unwrap_err().to_string();
    assert!(error.contains(&format!("in[0]@201..{} ", end - 5)), "{error}");
    assert!(bench.committed(0) <= 201, "nothing is skipped silently");

    let mut bench = Bench { script: Script::default(), ..bench };
    bench.policy.on_lost = OnLost::Continue;
    bench.events = Events::default();
    bench.broker.commit("in", 0, end - 1, "");
    bench.script.set_down(&["d"]);
    bench.put("a", "away:d");
    for _ in 0..200 {
        bench.put("a", "ok");
    }
    let (trigger, running, end) = overtake(&bench).await;
    while bench.committed(0) < end {
        sleep(Duration::from_millis(100)).await;
    }
    trigger.advance();
    let totals = running.await.unwrap().unwrap().totals;
    assert!(totals.lost > 0 && bench.events.any("RecordsLost"));
}
