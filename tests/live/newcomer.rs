//! The first session of a new user, as the README tells it: shadow, live, the same again, a rule.

use crate::support::{COMPANIES, THREE, World, example};

/// Company, status, number of rows.
const PENDING: &str = "select company_id, status, count(*) from app.pending_txns group by 1, 2 order by 1, 2";
const POSTS: &str =
    "select company_id, tab_name, state, row_count from control.sheet_posts order by 1, 2, id";

fn texts(rows: &[[&str; 4]]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
}

#[test]
fn shadow_then_live_then_the_same_again() {
    let world = World::new("newcomer");
    world.kylo(["topics", "create", "--pipeline", "ledger", "--yes"]).ok();
    world.kylo(["db", "migrate", "--yes"]).ok();
    world.kylo(["seed", &example(COMPANIES), "--yes"]).ok();
    world.kylo(["send", "txns", &example(THREE)]).ok();

    // Shadow: everything but the outside.
    world
        .kylo(["consume", "txns", "--shadow", "--exit-when-idle"])
        .ok()
        .says("710 Pending")
        .says("711 Pending");
    assert_eq!(world.sql(PENDING), [["710", "open", "2"], ["711", "open", "1"]]);
    assert_eq!(world.number("select count(*) from control.sheet_posts"), 0, "shadow posts nothing");
    assert!(!world.any_sheet(), "shadow writes no tab");
    assert_eq!(world.number("select count(*) from app.transactions"), 3);

    // Live, after the same payload was sent again: both tabs, one post each.
    world.kylo(["send", "txns", &example(THREE)]).ok();
    world.kylo(["consume", "txns", "--live", "--exit-when-idle"]).ok();
    assert_eq!(world.tab("ledger-710", "710 Pending").len(), 2);
    assert_eq!(world.tab("ledger-711", "711 Pending").len(), 1);
    let posted = texts(&[["710", "710 Pending", "posted", "2"], ["711", "711 Pending", "posted", "1"]]);
    assert_eq!(world.sql(POSTS), posted);
    assert_eq!(world.number("select count(*) from app.transactions"), 3, "a transaction is stored once");
    let row = &world.tab("ledger-711", "711 Pending")[0];
    assert_eq!((row.len(), row[2].as_str()), (7, "711"), "{row:?}");

    // A third time: nothing changes anywhere, not even a time stamp.
    let before = (world.ledger_rows(), files(&world));
    world.kylo(["send", "txns", &example(THREE)]).ok();
    world.kylo(["consume", "txns", "--live", "--exit-when-idle"]).ok();
    assert_eq!((world.ledger_rows(), files(&world)), before);
    assert_eq!(world.lag(&world.group(), &world.txns()), 0, "all is committed");
}

fn files(world: &World) -> Vec<Vec<u8>> {
    [("ledger-710", "710 Pending"), ("ledger-711", "711 Pending")]
        .iter()
        .map(|(workbook, tab)| std::fs::read(world.tab_file(workbook, tab)).expect("the tab's file"))
        .collect()
}

#[test]
fn what_shadow_left_is_posted_when_somebody_goes_live() {
    let world = World::seeded("left");
    world.kylo(["send", "txns", &example(THREE)]).ok();
    world.kylo(["consume", "txns", "--shadow", "--exit-when-idle"]).ok();
    world.kylo(["consume", "txns", "--live", "--exit-when-idle"]).ok();
    assert_eq!(world.tab("ledger-710", "710 Pending").len(), 2);
    assert_eq!(world.number("select count(*) from control.sheet_posts where state = 'posted'"), 2);
}

#[test]
fn a_promoted_rule_resolves_what_waited_and_shows_on_the_active_tab() {
    let world = World::seeded("promote");
    world.kylo(["send", "txns", &example(THREE)]).ok();
    world.kylo(["consume", "txns", "--live", "--exit-when-idle"]).ok();
    let source = &world
        .sql("select description from app.transactions where company_id = '710' order by source_id")[0][0];
    let rules = format!(
        "company_id,source,target_sheet,target_header,notes\n710,\"{source}\",NUGZ EXPENSES,Coffee,\n"
    );
    let rules = world.file("rules.csv", rules);

    world.kylo(["rules", "import", &rules, "--yes"]).ok();
    world.kylo(["send", "promote", "--company", "710"]).ok();
    world.kylo(["consume", "promote", "--live", "--exit-when-idle"]).ok();

    let active = world.tab("ledger-710", "710 Active");
    assert_eq!(active.len(), 1, "{active:?}");
    assert!(
        active[0].contains(&"NUGZ EXPENSES".to_owned()) && active[0].contains(&"Coffee".to_owned()),
        "{active:?}"
    );
    let resolved = world.sql(PENDING);
    assert_eq!(resolved, [["710", "open", "1"], ["710", "resolved", "1"], ["711", "open", "1"]]);
    assert_eq!(world.number("select count(*) from app.transactions where target_header = 'Coffee'"), 1);
    let posts = texts(&[
        ["710", "710 Active", "posted", "1"],
        ["710", "710 Pending", "posted", "2"],
        ["711", "711 Pending", "posted", "1"],
    ]);
    assert_eq!(world.sql(POSTS), posts, "one more post, of the Active tab");
}
