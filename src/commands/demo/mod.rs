//! `kylo demo`: plays the whole ledger flow on services of its own, and checks what came of it.

mod load;
mod parts;
mod play;
mod show;
mod steps;

use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, ErrorKind, Result};
use crate::ui::Check;
use parts::Parts;
use std::time::Duration;
use tokio::time::Instant;

/// play the whole ledger flow on services of its own, with checks
///
/// Starts a broker in this process and a private PostgreSQL, walks through the runbook (topics, migrations,
/// companies, shadow, live, the same again, rules, dead letters and their replay), shows the tabs, and ends with
/// a table of checks; exit code 7 when one fails. Nothing is left behind, also after Ctrl-C.
///
/// With --brokers it uses that cluster, with --database-url that server: under names of its own, which it removes
/// at the end. Brokers and databases that are only set in files or in the environment are not touched.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&["kylo demo", "kylo demo --transactions 50000", "kylo demo --keep"]))]
pub struct Args {
    /// Then put N generated transactions of ten companies through it, and tell the rate
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    transactions: Option<u64>,
    /// Keep the database and the tabs, and say how to look at them
    #[arg(long)]
    keep: bool,
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let order = parts::Order::of(app);
    if app.consent.dry_run {
        order.lines().iter().for_each(|line| app.ui.status(line));
        app.ui.status("dry run: nothing was started");
        return Ok(());
    }
    order.refuse_read_only(app)?;
    let began = Instant::now();
    let parts = Parts::start(app, &order).await?;
    let played = on_stage(app, &parts, args.transactions).await;
    let ended = parts.end(app, args.keep).await;
    // What went wrong on the stage is the better story, but what was left there must be said too.
    let (checks, kept) = match (played, ended) {
        (Ok(checks), Ok(kept)) => (checks, kept),
        (Err(error), Ok(kept)) => {
            show::kept(app, kept.as_ref());
            return Err(error);
        }
        (Ok(_), Err(left)) => return Err(left),
        (Err(error), Err(left)) => {
            app.ui.error(&left);
            return Err(error);
        }
    };
    closing(app, &checks, began.elapsed(), kept.as_ref())
}

/// The play, by an `App` whose settings point at the demo's own parts.
async fn on_stage(app: &App, parts: &Parts, transactions: Option<u64>) -> Result<Vec<Check>> {
    let (clock, shutdown) = (app.clock.clone(), app.shutdown.clone());
    let own = App::new(app.ui.clone(), parts.settings.clone(), clock, shutdown, app.consent);
    parts.introduce(&own).await?;
    let mut play = play::Play::new(&own, parts);
    play.runbook().await?;
    if let Some(count) = transactions {
        load::run(&mut play, count).await?;
    }
    play.closing_checks().await?;
    show::tabs(&own).await?;
    own.ui.checks("demo", &play.checks)?;
    Ok(play.checks)
}

fn closing(app: &App, checks: &[Check], took: Duration, kept: Option<&parts::Kept>) -> Result<()> {
    let failed: Vec<&Check> = checks.iter().filter(|check| !check.ok).collect();
    if !failed.is_empty() {
        show::kept(app, kept);
        let error = Error::check(format!("{} of {} checks failed", failed.len(), checks.len()));
        let told =
            |check: &Check| format!("{}: {} expected, {} seen", check.what, check.expected, check.seen);
        return Err(failed.into_iter().fold(error, |error, check| error.cause(told(check))));
    }
    let behind = if kept.is_some() { "database and tabs are kept" } else { "nothing was left behind" };
    app.ui.status(&format!(
        "\nall {} checks are ok, in {:.1} s; {behind}\n",
        checks.len(),
        took.as_secs_f64()
    ));
    show::kept(app, kept);
    show::next(app, kept.is_some());
    Ok(())
}

/// The end after a first signal.
fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted: what the demo had started is gone again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::ConsentFlags;
    use crate::model::clock::FixedClock;
    use crate::settings::Settings;
    use crate::shutdown::Shutdown;
    use crate::ui::{Ui, UiOptions};
    use std::sync::Arc;

    #[test]
    fn a_check_that_fails_is_named_and_ends_with_7() {
        let ui = Ui::captured(UiOptions::default(), Arc::default(), Arc::default());
        let clock = Arc::new(FixedClock(jiff::Timestamp::UNIX_EPOCH));
        let app = App::new(ui, Settings::default(), clock, Shutdown::never(), ConsentFlags::default());
        let good = Check::equal("lag", 0, 0);
        assert_eq!(closing(&app, std::slice::from_ref(&good), Duration::ZERO, None), Ok(()));
        let error = closing(&app, &[good, Check::equal("posts", 1, 2)], Duration::ZERO, None).unwrap_err();
        assert_eq!(error.kind().exit_code(), 7);
        assert_eq!(error.to_string(), "1 of 2 checks failed: posts: 1 expected, 2 seen");
    }
}
