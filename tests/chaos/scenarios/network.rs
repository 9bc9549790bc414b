//! Bad networks: between the workers and the broker, and between the workers and PostgreSQL.

use super::{Context, RECONNECT, Stage};
use crate::load::now;
use crate::proxy::{Mode, Proxy};
use crate::repeats::Window;
use crate::report::{Promise, Report};
use crate::servers::Kafka;
use crate::sql::with_address;
use crate::verify::Fault;
use crate::world::{Plan, World};
use std::time::Duration;

/// What the workers know as half-open only after the client's longest wait for an answer, and the rest of coming back.
const HALF_OPEN: f64 = 20.0;
/// How long a member may take to hear from its group once it can be reached: the client dials again after a second at
/// most, asks who the coordinator is, and sends a heartbeat every few hundred milliseconds.
const HEARS: Duration = Duration::from_secs(2);

/// A bad network between the workers and the broker: latency, resets, half-open connections, a freeze past the
/// session, and a coordinator that is away while data flows.
pub fn broker(context: &Context) -> Report {
    let mut rng = context.rng();
    let kafka = Kafka::start(&context.folder);
    let control = context.database("control");
    let plan =
        Plan { brokers: kafka.address(), control: (control.clone(), control), companies: vec![None; 6] };
    let mut world = World::new(context, plan).short_sessions();
    world.set("KAFKA_BROKERS", &kafka.proxy.address);
    let mut stage = Stage::new(context, world, 2, 30);
    let (mut in_work, mut flowed) = (0, 0);
    for turn in 0..5 {
        std::thread::sleep(Duration::from_millis(rng.u64(500..1_500)));
        let window = Window::open(&stage);
        stage.load.burst(rng.usize(100..250));
        std::thread::sleep(Duration::from_millis(rng.u64(5..100)));
        let (from, cut) = (now(), kafka.proxy.cut());
        let mut recovery = RECONNECT;
        match turn {
            0 => {
                kafka.proxy.set(Mode::Slow(rng.u64(30..100)));
                std::thread::sleep(Duration::from_secs(3));
            }
            1 => kafka.proxy.reset(),
            2 => {
                kafka.proxy.half_open();
                recovery = HALF_OPEN;
            }
            3 => {
                kafka.proxy.set(Mode::Frozen);
                std::thread::sleep(Duration::from_millis(rng.u64(3_000..5_000)));
            }
            _ => {
                let before = stage.handled();
                kafka.proxy.set(Mode::NoCoordinator);
                stage.load.burst(100);
                std::thread::sleep(Duration::from_secs(4));
                flowed = stage.handled() - before;
            }
        }
        in_work += usize::from(window.in_work(&stage));
        kafka.proxy.set(Mode::Pass);
        // Who was put out meanwhile goes on with what flows until it hears so.
        std::thread::sleep(HEARS);
        window.lost_hold(&mut stage);
        let met = !matches!(turn, 1 | 2 | 4) || kafka.proxy.cut() > cut;
        stage.report.check(Promise::Bit, met, || format!("fault {turn} met no connection"));
        stage.faults.push(Fault::mended(from, recovery));
        stage.report.times += 1;
        stage.settle_all();
    }
    let (cut, mib) = (kafka.proxy.cut(), kafka.proxy.passed() >> 20);
    stage.report.bit = format!(
        "{cut} connections cut of {mib} MiB, {in_work} in unfinished work, {flowed} handled without a coordinator"
    );
    stage.report.check(Promise::Bit, in_work > 0, || "no fault hit unfinished work".into());
    stage
        .report
        .check(Promise::Progress, flowed > 0, || "no data flowed while the coordinator was away".into());
    stage.finish()
}

/// A bad network between the workers and one company database: resets, a freeze, slowness, refusals, half-open
/// connections.
pub fn database(context: &Context) -> Report {
    let mut rng = context.rng();
    let control = context.database("control");
    let (proxy, behind) = behind_proxy(&context.database("behind"));
    let companies = (0..8).map(|at| (at % 2 == 1).then(|| behind.clone())).collect();
    let plan = Plan { brokers: context.brokers(), control: (control.clone(), control), companies };
    let mut stage = Stage::new(context, World::new(context, plan), 2, 40);
    for turn in 0..8 {
        stage.load.burst(rng.usize(100..300));
        std::thread::sleep(Duration::from_millis(rng.u64(5..100)));
        let from = now();
        match turn % 4 {
            0 => {
                proxy.reset();
                stage.cut(vec![1, 3, 5, 7], from);
            }
            1 => {
                proxy.set(Mode::Frozen);
                std::thread::sleep(Duration::from_secs(3));
            }
            2 => {
                proxy.set(Mode::Slow(rng.u64(10..60)));
                std::thread::sleep(Duration::from_secs(2));
            }
            _ => {
                proxy.set(Mode::Gone);
                stage.cut(vec![1, 3, 5, 7], from);
                std::thread::sleep(Duration::from_secs(2));
            }
        }
        proxy.set(Mode::Pass);
        stage.faults.push(Fault::mended(from, RECONNECT));
        stage.report.times += 1;
        std::thread::sleep(Duration::from_millis(rng.u64(500..1_500)));
    }
    let cut = proxy.cut();
    stage.report.bit = format!("{cut} connections cut");
    stage.report.check(Promise::Bit, cut > 0, || "no connection was cut".into());
    stage.finish()
}

/// The longest a handler may run, and the rest of coming back.
const NOTICED: f64 = 75.0;

/// Every connection to one company database is left half-open: nobody is told, and new ones are sound. The handlers'
/// time-out finds it out, once, however many connections wait in the pools.
pub fn database_half_open(context: &Context) -> Report {
    let control = context.database("control");
    let (proxy, behind) = behind_proxy(&context.database("behind"));
    let companies = (0..8).map(|at| (at % 2 == 1).then(|| behind.clone())).collect();
    let plan = Plan { brokers: context.brokers(), control: (control.clone(), control), companies };
    let mut stage = Stage::new(context, World::new(context, plan), 2, 20);
    // While a rebalance waits for a handler, the client pauses all partitions of its process: the group is at rest first.
    stage.wait_for_shares();
    stage.settle_all();
    // Every pool is full.
    stage.load.burst(300);
    stage.settle_all();
    stage.load.burst(100);
    let at = now();
    proxy.half_open();
    // What a half-open connection did nobody was told.
    stage.cut(vec![1, 3, 5, 7], at);
    let (mut others, mut own): (f64, f64) = (0.0, 0.0);
    let until = at + NOTICED;
    while now() < until {
        std::thread::sleep(Duration::from_millis(500));
        others = others.max(stage.oldest(|sent| sent.company % 2 == 0));
        own = stage.oldest(|sent| sent.company % 2 == 1);
        if now() - at > 10.0 && own < 2.0 {
            break;
        }
    }
    let took = now() - at;
    stage.report.times = 1;
    stage.faults.push(Fault { from: at, mended: at, to: at + NOTICED });
    let cut = proxy.cut();
    stage.report.bit =
        format!("{cut} connections half-open, noticed after {took:.0} s; oldest of the others {others:.1} s");
    stage.report.check(Promise::Bit, cut > 0 && took > 15.0, || {
        format!("nobody waited: {cut} connections, {took:.0} s")
    });
    stage.report.check(Promise::Progress, own < 2.0, || {
        format!("after {took:.0} s a batch still waits, since {own:.0} s")
    });
    stage.report.check(Promise::Neighbours, others < 5.0, || {
        format!("a company with a sound database waited {others:.1} s")
    });
    stage.finish()
}

/// A proxy before the server of the database `direct`, and the database as seen through it and directly.
pub fn behind_proxy(direct: &str) -> (Proxy, (String, String)) {
    let server = direct.rsplit('@').next().and_then(|rest| rest.split('/').next()).expect("an address");
    let proxy = Proxy::start(server);
    let behind = with_address(direct, &proxy.address);
    (proxy, (behind, direct.to_owned()))
}
