//! `kylo demo` on servers that somebody else runs: names of its own, and all of them gone at the end.

use crate::support::World;

#[test]
fn on_given_servers_it_removes_what_it_made() {
    let world = World::new("demo");
    let (brokers, database) = (world.brokers().to_owned(), world.database_url().to_owned());
    let args =
        ["demo", "--brokers", &brokers, "--database-url", &database, "--transactions", "2000", "-o", "json"];
    let run = world.kylo(args).ok();
    let checks = run.json()["items"].as_array().expect("items").clone();
    assert!(checks.len() >= 20 && checks.iter().all(|check| check["ok"] == true), "{run}");
    let databases = "select count(*) from pg_database where datname like 'kylo\\_demo\\_%'";
    assert_eq!(world.sql(databases), [["0"]], "{run}");
    for list in [["topics", "list"], ["groups", "list"]] {
        let listed = world.kylo(list).ok();
        assert!(!listed.stdout.contains("-demo-"), "{listed}");
    }
}
