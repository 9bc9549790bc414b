//! `kylo init`: writes kylo.toml, .env and companies.toml to start from.

use super::examples;
use crate::app::App;
use crate::consent::WriteToken;
use crate::error::{Error, Result};
use crate::model::count::counted;
use crate::ui::{Column, Row};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// write kylo.toml, .env and companies.toml to start from
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&["kylo init", "kylo init ledger", "kylo init --overwrite"]))]
pub struct Args {
    /// The folder to write into
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Write over files that differ; asks before it does
    #[arg(long)]
    overwrite: bool,
}

const FILES: [(&str, &str); 3] = [
    ("kylo.toml", include_str!("../../examples/kylo.toml")),
    (".env", include_str!("../../examples/env.example")),
    ("companies.toml", include_str!("../../examples/companies.toml")),
];

/// What happens to one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Create,
    Unchanged,
    Keep,
    Overwrite,
}

#[derive(Debug, Serialize)]
struct Step {
    file: &'static str,
    action: Action,
    #[serde(skip)]
    text: &'static str,
}

impl Row for Step {
    const COLUMNS: &'static [Column] = &[Column::text("FILE"), Column::text("ACTION")];
    fn cells(&self) -> Vec<String> {
        let word = match self.action {
            Action::Create => "create",
            Action::Unchanged => "unchanged",
            Action::Keep => "keep (it differs; --overwrite replaces it)",
            Action::Overwrite => "overwrite",
        };
        vec![self.file.to_owned(), word.to_owned()]
    }
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let folder = app.settings.working_folder().join(&args.folder);
    let mut plan = Vec::new();
    for (file, text) in FILES {
        let present = read(&folder.join(file))?;
        plan.push(Step { file, action: decide(present.as_deref(), text, args.overwrite), text });
    }
    app.ui.list("init", &plan)?;
    let count = |action| plan.iter().filter(|step| step.action == action).count();
    let token = match count(Action::Overwrite) {
        0 if app.consent.dry_run => None,
        // Writing what is not there yet is what the command was called for.
        0 => Some(app.own_consent("init")?),
        files => app.confirm_change(&format!("overwrite {}?", counted(files, "file", "files"))).await?,
    };
    let Some(token) = token else { return Ok(()) };
    for step in plan.iter().filter(|step| matches!(step.action, Action::Create | Action::Overwrite)) {
        write(&token, &folder.join(step.file), step.text, step.action == Action::Overwrite)?;
    }
    if count(Action::Create) > 0 {
        app.ui.status("next: edit .env and companies.toml; `kylo -X dump` shows what is set. Then:");
        app.ui.status("  kylo topics create --pipeline ledger");
        app.ui.status("  kylo db migrate");
        app.ui.status("  kylo seed companies.toml");
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::failed(format!("reading {}", path.display())).source(&error)),
    }
}

fn decide(present: Option<&[u8]>, wanted: &str, overwrite: bool) -> Action {
    match present {
        None => Action::Create,
        Some(bytes) if bytes == wanted.as_bytes() => Action::Unchanged,
        Some(_) if overwrite => Action::Overwrite,
        Some(_) => Action::Keep,
    }
}

fn write(_token: &WriteToken, path: &Path, text: &str, overwrite: bool) -> Result<()> {
    let failed = |error: &std::io::Error| Error::failed(format!("writing {}", path.display())).source(error);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    let mut options = std::fs::OpenOptions::new();
    // A file that appeared since the plan was shown is not written over.
    options.write(true).create_new(!overwrite).truncate(overwrite);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let secret = path.file_name().is_some_and(|name| name == ".env");
        options.mode(if secret { 0o600 } else { 0o644 });
    }
    let mut file = options.open(path).map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes()).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_over_without_being_asked_for() {
        let table = [
            (None, false, Action::Create),
            (None, true, Action::Create),
            (Some("same"), false, Action::Unchanged),
            (Some("same"), true, Action::Unchanged),
            (Some("other"), false, Action::Keep),
            (Some("other"), true, Action::Overwrite),
        ];
        for (present, overwrite, expected) in table {
            assert_eq!(
                decide(present.map(str::as_bytes), "same", overwrite),
                expected,
                "{present:?} {overwrite}"
            );
        }
    }

    #[test]
    fn the_files_to_start_from_are_read_without_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let token = WriteToken::by_command("test");
        for (file, text) in FILES {
            write(&token, &folder.path().join(file), text, false).unwrap();
            assert!(write(&token, &folder.path().join(file), text, false).is_err());
        }
        let environment =
            crate::settings::Environment { folder: folder.path().to_owned(), ..Default::default() };
        let loaded = crate::settings::load(environment, &crate::settings::Flags::default()).unwrap();
        assert_eq!(loaded.warnings, Vec::<String>::new());
        assert!(loaded.settings.database_url().is_ok());
    }
}
