//! What the demo shows at its end: the tabs, what was kept, what to do next.

use super::parts::Kept;
use crate::app::App;
use crate::error::{Error, Result};
use crate::model::company::CompanyConfig;
use crate::model::posting::TabKind;
use crate::postgres;
use crate::sheets::Tab;
use crate::ui::OutputFormat;

/// Columns of the Active tab that are shown; its notes and the time of entry would make the table too wide.
const ACTIVE_SHOWN: usize = 6;
/// Companies whose tabs are shown; the others come from `--transactions`.
const SHOWN: [&str; 3] = ["710", "711", "712"];

/// A tab's rows without its header; `None` when there is no such tab.
pub async fn tab(app: &App, config: &CompanyConfig, kind: TabKind) -> Result<Option<Vec<Vec<String>>>> {
    let name = match kind {
        TabKind::Pending => &config.tab_pending,
        TabKind::Active => &config.tab_active,
    };
    let tab = Tab { spreadsheet_id: config.spreadsheet_id.clone(), name: name.clone(), kind };
    let rows = app.settings.sheets()?.open().read(&tab).await;
    let rows = rows.map_err(|error| Error::failed(format!("reading tab {name:?}")).source(&error))?;
    Ok(rows.map(|rows| rows.into_iter().skip(1).collect()))
}

/// Prints the small companies' tabs, those of one kind in one table.
pub async fn tabs(app: &App) -> Result<()> {
    if app.ui.options().format != OutputFormat::Table {
        return Ok(());
    }
    let configs = postgres::company::all(&mut app.pools().get(&app.control_dsn()?).await?).await?;
    for (kind, columns) in
        [(TabKind::Pending, TabKind::Pending.header().len()), (TabKind::Active, ACTIVE_SHOWN)]
    {
        let mut rows = Vec::new();
        for config in configs.iter().filter(|config| SHOWN.contains(&config.company_id.as_str())) {
            let name = match kind {
                TabKind::Pending => &config.tab_pending,
                TabKind::Active => &config.tab_active,
            };
            for row in tab(app, config, kind).await?.unwrap_or_default() {
                let mut cells = vec![name.clone()];
                cells.extend(row.into_iter().take(columns));
                rows.push(cells);
            }
        }
        let headings: Vec<&str> =
            std::iter::once("Tab").chain(kind.header()[..columns].iter().copied()).collect();
        app.ui.status("");
        app.ui.frame(&headings, &rows)?;
    }
    app.ui.status("");
    Ok(())
}

/// Says how to look at what was kept.
pub fn kept(app: &App, kept: Option<&Kept>) {
    let Some(kept) = kept else { return };
    if app.ui.options().quiet {
        // Nobody could find it again.
        return app.ui.warn(&format!("kept; to be rid of it: {}", kept.remove.join("; ")));
    }
    let mut lines = Vec::new();
    if let Some((start, _)) = &kept.server {
        lines.push(("start the database", start.clone()));
    }
    lines.push(("look at it", kept.database.clone()));
    lines.push(("the tabs", format!("ls {}/*/", kept.tabs.display())));
    lines.extend(kept.remove.iter().map(|line| ("be rid of it", line.clone())));
    app.ui.status("Kept");
    for (what, line) in lines {
        app.ui.status(&format!("  {what:<20}{line}"));
    }
    app.ui.status("");
}

/// Says what to do next.
pub fn next(app: &App, kept: bool) {
    app.ui.status("What to do next");
    let lines = [
        ("kylo demo --transactions 50000", "the same under load, with the rate"),
        ("kylo demo --keep", "keep database and tabs, to look at them"),
        ("kylo init", "settings and companies to start from"),
        ("kylo help exit-codes", "what a script can go by"),
    ];
    for (command, what) in lines.iter().filter(|(command, _)| !(kept && command.ends_with("--keep"))) {
        app.ui.status(&format!("  {command:<32}{what}"));
    }
}
