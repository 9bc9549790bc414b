//! The script that users put into their own pipelines, as it stands.

use crate::support::{World, example};

#[test]
fn the_smoke_script_passes() {
    let world = World::new("smoke");
    world.script(&example("examples/ci-smoke.sh")).ok().says("all is well");
}
