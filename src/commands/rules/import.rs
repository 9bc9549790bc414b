//! `kylo rules import`: approves the rules of a CSV file.

use super::view;
use crate::app::App;
use crate::commands::examples;
use crate::error::{Error, Result};
use crate::model::company::CompanyConfig;
use crate::model::count::counted;
use crate::model::ledger::rules::ApprovedRule;
use crate::model::ledger::rules_csv::{self, ImportAction, ImportedRule, KnownRule};
use crate::postgres::{self, Dsn, ledger, migrate};
use crate::ui::{Column, Row};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// approve the rules of a CSV file
///
/// Columns: company_id, source, target_sheet, target_header and, if you like, notes. A row of the file is approved;
/// `kylo send promote` makes it active. Shows the difference first; importing again changes nothing.
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&["kylo rules import rules.csv", "kylo rules import rules.csv --dry-run", "kylo rules import rules.csv --yes"]))]
pub struct Args {
    /// The rules' file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Serialize)]
struct RuleRow {
    company_id: String,
    source: String,
    target_sheet: String,
    target_header: String,
    change: &'static str,
}

impl Row for RuleRow {
    const COLUMNS: &'static [Column] = &[
        Column::text("COMPANY"),
        Column::text("SOURCE"),
        Column::text("TARGET-SHEET"),
        Column::text("TARGET-HEADER"),
        Column::text("CHANGE"),
    ];
    fn cells(&self) -> Vec<String> {
        vec![
            self.company_id.clone(),
            self.source.clone(),
            self.target_sheet.clone(),
            self.target_header.clone(),
            self.change.to_owned(),
        ]
    }
}

/// What the file changes, by company.
struct Plan {
    companies: BTreeMap<String, (Dsn, Vec<ApprovedRule>)>,
    rows: Vec<RuleRow>,
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let refused = |faults: Vec<String>| {
        let error = Error::input(format!("nothing of {} was imported", args.file.display()));
        faults.into_iter().fold(error, Error::cause)
    };
    let text = tokio::fs::read(&args.file).await.map_err(|error| {
        Error::usage(format!("reading {}", args.file.display()))
            .source(&error)
            .hint("kylo rules import examples/rules.csv")
    })?;
    let rules = rules_csv::parse(&text).map_err(refused)?;
    let control = app.control_dsn()?;
    migrate::require_current(app.pools(), &control).await?;
    let configs = postgres::company::all(&mut app.pools().get(&control).await?).await?;
    let unknown: Vec<String> = rules
        .iter()
        .filter(|rule| configs.iter().all(|config| config.company_id != rule.company_id))
        .map(|rule| format!("line {}: company {:?} is not seeded", rule.line, rule.company_id))
        .collect();
    if !unknown.is_empty() {
        return Err(refused(unknown).hint("kylo seed companies.toml"));
    }
    let plan = plan(app, &configs, rules).await?;
    app.ui.list("rules.import", &plan.rows)?;
    let count: usize = plan.companies.values().map(|(_, rules)| rules.len()).sum();
    if count == 0 {
        app.ui.status(&format!(
            "nothing to do: approved just so: {}",
            counted(plan.rows.len(), "rule", "rules")
        ));
        return Ok(());
    }
    for (dsn, _) in plan.companies.values() {
        app.about_database(dsn);
    }
    let question = format!("approve {}?", counted(count, "rule", "rules"));
    if let Some(token) = app.confirm_change(&question).await? {
        for (company_id, (dsn, rules)) in &plan.companies {
            view::approve(app, &token, dsn, company_id, rules).await?;
        }
        let next = match plan.companies.len() {
            1 => plan.companies.keys().map(|id| format!("kylo send promote --company {id}")).collect(),
            _ => "kylo send promote".to_owned(),
        };
        app.ui.status(&format!("approved {count}; `{next}` makes them active"));
    }
    Ok(())
}

async fn plan(app: &App, configs: &[CompanyConfig], rules: Vec<ImportedRule>) -> Result<Plan> {
    let mut plan = Plan { companies: BTreeMap::new(), rows: Vec::with_capacity(rules.len()) };
    for (company_id, rules) in rules_csv::by_company(rules) {
        let Some(config) = configs.iter().find(|config| config.company_id == company_id) else { continue };
        let dsn = Dsn::parse(config.db_dsn_rw.expose())
            .map_err(|error| error.doing(format!("reading db_dsn_rw of company {company_id}")))?;
        let known = ledger::known_rules(&mut app.pools().get(&dsn).await?, &company_id).await?;
        let mut changed = Vec::new();
        for rule in rules {
            let nothing = KnownRule::default();
            let action = rules_csv::decide(&rule, known.get(&rule.source_norm).unwrap_or(&nothing));
            plan.rows.push(RuleRow {
                company_id: company_id.clone(),
                source: rule.source.clone(),
                target_sheet: rule.target_sheet.clone(),
                target_header: rule.target_header.clone(),
                change: action.as_str(),
            });
            if action != ImportAction::Unchanged {
                changed.push(rule);
            }
        }
        if !changed.is_empty() {
            plan.companies.insert(company_id, (dsn, changed));
        }
    }
    Ok(plan)
}
