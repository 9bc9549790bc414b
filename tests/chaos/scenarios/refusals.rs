//! Databases that are there and say no: SQLSTATEs that a sound record must survive.

use super::{Context, RECONNECT, Stage};
use crate::load::now;
use crate::report::{Promise, Report};
use crate::sql::{Sql, with_user};
use crate::verify::Fault;
use crate::world::{Plan, World};
use std::time::{Duration, Instant};

/// How a database comes to say it.
enum How {
    /// A trigger says so for every so many rows, because the real thing cannot be had on demand.
    Raised { every: u32 },
    /// Really: this is done to it, and this undone.
    Real { begin: &'static str, end: &'static str },
}

const REFUSALS: [(&str, How); 5] = [
    ("40001", How::Raised { every: 5 }),
    ("40P01", How::Raised { every: 5 }),
    // A full disk.
    ("53100", How::Raised { every: 1 }),
    // No connection is left for the role.
    (
        "53300",
        How::Real { begin: "alter role ROLE connection limit 0", end: "alter role ROLE connection limit -1" },
    ),
    // Read-only, as after a fail-over to the wrong node.
    (
        "25006",
        How::Real {
            begin: "alter database BASE set default_transaction_read_only = on",
            end: "alter database BASE reset default_transaction_read_only",
        },
    ),
];

/// What the database says first lasts so long.
const EACH: Duration = Duration::from_secs(4);

/// Half of the companies' database refuses, for one reason after the other: nothing is given up, the other companies
/// do not notice.
pub fn sqlstates(context: &Context) -> Report {
    let mut rng = context.rng();
    let control = context.database("control");
    let direct = context.database("refuses");
    let base = direct.rsplit('/').next().expect("a name").to_owned();
    // Limits do not hold for superusers.
    let role = context.role("role");
    let mut admin = Sql::new(&control);
    admin.rows(&format!("alter database \"{base}\" owner to \"{role}\""));
    let refuses = with_user(&direct, &role, "chaos");
    let companies = (0..8).map(|at| (at % 2 == 1).then(|| (refuses.clone(), direct.clone()))).collect();
    let plan = Plan { brokers: context.brokers(), control: (control.clone(), control), companies };
    let world = World::new(context, plan);
    let mut sql = Sql::new(&direct);
    sql.rows(
        "create table chaos.refusal (code text, every int);
         create sequence chaos.turns;
         create function chaos.refuse() returns trigger language plpgsql security definer as $$
         declare said record; begin
             select * into said from chaos.refusal;
             if found and nextval('chaos.turns') % said.every = 0 then
                 raise exception 'refused by the scenario' using errcode = said.code; end if;
             return new; end $$;
         create trigger refuse before insert on app.transactions for each row execute function chaos.refuse()",
    );
    let mut stage = Stage::new(context, world, 2, 40);
    let mut worst: f64 = 0.0;
    let mut bit = Vec::new();
    let cut = |stage: &mut Stage, admin: &mut Sql| {
        let from = now();
        admin.rows(&format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{role}'"
        ));
        stage.cut(vec![1, 3, 5, 7], from);
    };
    for (code, how) in &REFUSALS {
        let named =
            |line: &str| line.replace("ROLE", &format!("\"{role}\"")).replace("BASE", &format!("\"{base}\""));
        let from = now();
        match how {
            How::Raised { every } => {
                drop(sql.rows(&format!("insert into chaos.refusal values ('{code}', {every})")))
            }
            How::Real { begin, .. } => {
                admin.rows(&named(begin));
                cut(&mut stage, &mut admin);
            }
        }
        stage.load.burst(rng.usize(100..200));
        let until = Instant::now() + EACH;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(300));
            worst = worst.max(stage.oldest(|sent| sent.company % 2 == 0));
        }
        match how {
            How::Raised { .. } => drop(sql.rows("delete from chaos.refusal")),
            How::Real { end, .. } => {
                admin.rows(&named(end));
                // Whoever got in meanwhile is read-only for as long as it stays.
                cut(&mut stage, &mut admin);
            }
        }
        let told = stage.world.told(&format!("SQLSTATE {code}"));
        stage.report.check(Promise::Bit, told > 0, || format!("nobody was told {code}"));
        bit.push(format!("{code} {told}"));
        stage.faults.push(Fault::mended(from, RECONNECT));
        stage.report.times += 1;
        stage.settle_all();
    }
    stage.report.bit = format!("told: {}; oldest of the others {worst:.1} s", bit.join(", "));
    stage.report.check(Promise::Neighbours, worst < 5.0, || {
        format!("a company with a sound database waited {worst:.1} s")
    });
    stage.finish()
}
