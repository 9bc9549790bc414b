//! The example of a consumer of one's own does what it says.

use crate::support::{Outgoing, World};
use std::process::Command;

#[test]
fn a_consumer_of_ones_own_handles_commits_and_dead_letters() {
    let world = World::new("own");
    let topic = format!("{}.orders", world.group());
    for name in [topic.clone(), format!("{topic}.dlq")] {
        world.create_topic(&name, 2);
    }
    let order = |key: &'static str, value: &'static str| Outgoing {
        key: Some(key.as_bytes()),
        value: value.as_bytes(),
        headers: &[],
    };
    world.produce(&topic, [order("ann", "1"), order("ann", "none"), order("bob", "3"), order("ann", "2")]);

    // `cargo test` builds the examples too, into a folder beside the program; `--test live` alone does not.
    let binary =
        std::path::Path::new(env!("CARGO_BIN_EXE_kylo")).with_file_name("examples").join("own_consumer");
    let output = Command::new(binary)
        .args([world.brokers(), &topic, &world.group()])
        .output()
        .expect("running the example (after --test live alone: cargo build --examples)");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let of_ann: Vec<&str> = printed.lines().filter(|line| line.starts_with("ann")).collect();
    assert_eq!(of_ann, ["ann: 1", "ann: 2"], "in order");
    assert!(printed.contains("bob: 3"));
    let dead = world.fetch(&format!("{topic}.dlq"));
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].value.as_deref(), Some(b"none".as_slice()));
    assert_eq!(dead[0].header("__kylo.errors.kind"), "no-number");
    assert_eq!(world.lag(&world.group(), &topic), 0);
}
