//! The drain over books and workbooks in memory, with a fault at any call.

use super::world::{self, Change, Fault, World};
use super::*;
use crate::model::posting::{ACTIVE_HEADER, PENDING_HEADER, marker_id};
use proptest::prelude::*;

async fn step(world: &World) -> Result<Drained, Failure> {
    // A new process each time: the drain must not need its memory.
    world.posting().step("710").await
}

/// Runs without faults until nothing is left; the drain says so within the steps a bounded backlog takes.
async fn drain(world: &World) {
    world.heal();
    for _ in 0..500 {
        if step(world).await.unwrap() == Drained::Empty {
            assert!(world.posting().sweep().await.unwrap().is_empty(), "{world:?}");
            return;
        }
    }
    panic!("the drain never came to rest: {world:?}");
}

#[tokio::test]
async fn rows_are_posted_once_in_order_of_arrival() {
    let world = World::default();
    world.change(Change::Rows(3));
    assert_eq!(world.posting().sweep().await.unwrap(), ["710"]);
    drain(&world).await;
    world.change(Change::Rows(2));
    drain(&world).await;
    assert_eq!(world.shown("710 Pending"), ["t0", "t1", "t2", "t3", "t4"]);
    assert_eq!(world.posts("710 Pending"), 2);
    drain(&world).await;
    assert_eq!(world.posts("710 Pending"), 2);
}

#[tokio::test]
async fn nothing_waiting_makes_no_call() {
    let world = World::default();
    drain(&world).await;
    assert!(world.tabs().is_empty());
    world.change(Change::Rows(1));
    world.change(Change::ResolveAll);
    drain(&world).await;
    assert!(world.tabs().is_empty());
}

#[tokio::test]
async fn a_backlog_is_posted_in_parts_each_with_its_claim() {
    let world = World::default();
    world.change(Change::Rows(7));
    let posting = Posting { post_bytes: 3 * 400, ..world.posting() };
    for _ in 0..3 {
        assert_eq!(posting.step("710").await.unwrap(), Drained::More);
    }
    assert_eq!(posting.step("710").await.unwrap(), Drained::Empty);
    assert_eq!(world.shown("710 Pending").len(), 7);
    assert_eq!(world.posts("710 Pending"), 3);
}

#[tokio::test]
async fn rules_a_b_a_show_a() {
    let world = World::default();
    for (rules, want_posts) in [("a", 1), ("b", 2), ("a", 2)] {
        world.change(Change::Rules(rules));
        drain(&world).await;
        assert_eq!(world.shown("710 Active"), [rules]);
        assert_eq!(world.posts("710 Active"), want_posts);
    }
    assert_eq!(world.ordinals("710 Active"), [1, 0]);
}

#[tokio::test]
async fn a_version_that_looks_the_same_posts_nothing() {
    let world = World::default();
    world.change(Change::Rules("a"));
    drain(&world).await;
    let calls = world.sheet_calls();
    world.change(Change::Rules("a"));
    assert_eq!(world.posting().sweep().await.unwrap(), ["710"]);
    drain(&world).await;
    assert_eq!(world.sheet_calls(), calls);
}

#[tokio::test]
async fn an_older_active_claim_uses_up_its_id_before_a_newer_one() {
    let world = World::default();
    world.change(Change::Rules("a"));
    // The request of A is on its way when the process dies, and arrives after B was posted.
    world.fail_sheets([Fault::None, Fault::None, Fault::Late(4)]);
    step(&world).await.unwrap_err();
    world.change(Change::Rules("b"));
    drain(&world).await;
    world.deliver_late();
    assert_eq!(world.shown("710 Active"), ["b"]);
    assert_eq!(world.refused(), 1);
}

#[tokio::test]
async fn a_late_pending_request_is_fenced_off() {
    let world = World::default();
    world.change(Change::Rows(2));
    world.fail_sheets([Fault::None, Fault::None, Fault::Late(9)]);
    step(&world).await.unwrap_err();
    // More rows come: the claim still posts its own two under its own signature.
    world.change(Change::Rows(1));
    drain(&world).await;
    world.deliver_late();
    assert_eq!(world.shown("710 Pending"), ["t0", "t1", "t2"]);
    assert_eq!(world.refused(), 1);
}

#[tokio::test]
async fn a_marker_of_somebody_else_makes_the_next_ordinal() {
    let world = World::default();
    world.change(Change::Rows(1));
    let signature = pending_signature("710", "710 Pending", world.row_ids());
    for ordinal in 0..2 {
        world.mark("710 Pending", marker_id(&signature, ordinal), "somebody else's");
    }
    drain(&world).await;
    assert_eq!(world.shown("710 Pending"), ["t0"]);
    assert_eq!(world.ordinals("710 Pending"), [2]);
}

#[tokio::test]
async fn a_database_set_back_is_stamped_not_posted_again() {
    let world = World::default();
    world.change(Change::Rows(2));
    drain(&world).await;
    world.change(Change::Unstamp);
    drain(&world).await;
    assert_eq!(world.shown("710 Pending"), ["t0", "t1"]);
}

#[tokio::test]
async fn who_does_not_lead_does_nothing() {
    let world = World::default();
    world.change(Change::Rows(1));
    world.lead_elsewhere();
    assert_eq!(step(&world).await.unwrap(), Drained::NotLeader);
    assert_eq!(world.posting().step("999").await.unwrap(), Drained::Empty);
    assert!(world.tabs().is_empty());
}

#[tokio::test]
async fn a_failing_workbook_names_itself_and_keeps_the_claim() {
    let world = World::default();
    world.change(Change::Rows(1));
    world.fail_sheets([Fault::Forbidden]);
    let failure = step(&world).await.unwrap_err();
    assert_eq!(failure.kind, "sheet-forbidden");
    assert_eq!(failure.dependency.unwrap().to_string(), "workbook:book");
    assert_eq!(world.posting().sweep().await.unwrap(), ["710"]);
    drain(&world).await;
    assert_eq!(world.shown("710 Pending"), ["t0"]);
}

/// Every single call of a run failed once, before and after its effect.
#[tokio::test]
async fn a_crash_at_any_call_posts_each_row_once() {
    for fault in [Fault::Before, Fault::After, Fault::Late(2)] {
        for at in 0.. {
            let world = World::default();
            world.change(Change::Rows(2));
            world.change(Change::Rules("a"));
            world.fail_all(std::iter::repeat_n(Fault::None, at).chain([fault]));
            let mut failed = false;
            for _ in 0..20 {
                match step(&world).await {
                    Ok(Drained::Empty) => break,
                    Ok(_) => {}
                    Err(_) => failed = true,
                }
            }
            drain(&world).await;
            world.deliver_late();
            assert_eq!(world.shown("710 Pending"), ["t0", "t1"], "{fault:?} at call {at}");
            assert_eq!(world.shown("710 Active"), ["a"], "{fault:?} at call {at}");
            assert!(world.all_posted(), "{fault:?} at call {at}");
            if !failed {
                assert!(at > 20, "the faults did not bite: {at}");
                break;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_schedule_of_faults_posts_each_row_once(
        rounds in proptest::collection::vec(
            (world::any_change(), proptest::collection::vec(world::any_fault(), 0..30), 0..5_usize),
            1..12,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World::default();
            for (change, faults, steps) in rounds {
                world.change(change);
                world.fail_all(faults);
                for _ in 0..steps {
                    // A fault here is what is being tested.
                    let _ = step(&world).await;
                }
            }
            drain(&world).await;
            world.deliver_late();
            world.check();
        });
    }
}

#[test]
fn headers_are_the_tabs_own() {
    assert_eq!(TabKind::Pending.header(), PENDING_HEADER);
    assert_eq!(TabKind::Active.header(), ACTIVE_HEADER);
}
