//! The root parser, the global flags and the way from arguments to an exit code.

mod dump;
mod globals;
mod signals;

use crate::app::{self, App};
use crate::commands;
use crate::consent::ConsentFlags;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{self, Environment, Flags, Settings};
use crate::shutdown::{self, Shutdown, Stage, Trigger};
use crate::ui::{Ui, UiOptions};
use clap::{CommandFactory, FromArgMatches, Parser};
pub(crate) use globals::help as global_flags_help;
use globals::{ColorChoice, Globals};
use signals::Signals;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

/// One toolkit for the people who run an event bus on Kafka or Redpanda.
#[derive(Debug, Parser)]
#[command(
    name = "kylo",
    about,
    before_help = commands::examples(&[
        "kylo demo",
        "kylo topics create --pipeline ledger",
        "kylo consume txns --shadow",
        "kylo dlq list",
    ]),
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 110
)]
struct Cli {
    #[command(subcommand)]
    command: Option<commands::Command>,
}

/// The whole command tree, as `--help` and the completions show it.
pub(crate) fn command_tree() -> clap::Command {
    globals::declare(Cli::command().version(version()))
}

/// `0.1.0 (commit abc, librdkafka 2.12.1)`
fn version() -> String {
    let librdkafka = crate::kafka::librdkafka_version();
    format!("{} (commit {}, librdkafka {librdkafka})", env!("CARGO_PKG_VERSION"), env!("KYLO_COMMIT"))
}

/// Runs kylo with `args` (program name first).
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = command_tree()
        .try_get_matches_from(args)
        .and_then(|matches| Ok((Globals::collect(&matches), Cli::from_arg_matches(&matches)?)));
    let (globals, cli) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // A closed pipe under --help is nobody's error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let environment = Environment::of_process();
    let ui = Ui::on_terminal(ui_options(&globals, &environment));
    match run(&ui, environment, globals, cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui.error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn run(ui: &Ui, environment: Environment, globals: Globals, cli: Cli) -> Result<()> {
    if globals.yes && globals.dry_run {
        return Err(Error::usage("--yes and --dry-run exclude each other")
            .hint("--dry-run shows the plan, --yes carries it out"));
    }
    let loaded = settings::load(environment, &flags(&globals))?;
    for warning in &loaded.warnings {
        ui.warn(warning);
    }
    if globals.client.iter().any(|typed| typed == "dump") {
        return ui.list("settings.dump", &loaded.settings.dump());
    }
    let Some(command) = cli.command else {
        return Err(Error::usage("no command was given").hint("kylo --help"));
    };
    start_log(ui, &loaded.settings)?;
    let interactive = ui.options().interactive;
    let (trigger, shutdown) = shutdown::channel();
    let app = App::new(
        ui.clone(),
        loaded.settings,
        app::system_clock(),
        shutdown.clone(),
        ConsentFlags { yes: globals.yes, dry_run: globals.dry_run, interactive },
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let drains = command.drains();
    let result = runtime.block_on(async {
        // Listened to before the command begins, so that none is missed.
        tokio::spawn(forward_signals(Signals::listen()?, trigger, ui.clone(), drains));
        tokio::select! {
            result = commands::run(&app, command) => result,
            () = interrupted(&shutdown, drains) => Err(Error::new(ErrorKind::Interrupted, "interrupted")),
        }
    });
    // What still runs on a blocking thread (a client closing, a question nobody answers) may not hold the end up.
    runtime.shutdown_timeout(Duration::from_millis(500));
    result
}

/// Returns when the command has to be dropped as it stands: at the first signal, or the second when it drains.
async fn interrupted(shutdown: &Shutdown, drains: bool) {
    shutdown.reached(if drains { Stage::Stopping } else { Stage::Draining }).await;
}

async fn forward_signals(mut signals: Signals, trigger: Trigger, ui: Ui, drains: bool) {
    while signals.next().await {
        if trigger.advance() == Stage::Draining && drains {
            ui.status("stopping: finishing what is in hand; once more to stop at once");
        }
    }
}

fn flags(globals: &Globals) -> Flags {
    let text = |key, flag, value: &Option<String>| value.clone().map(|value| (key, flag, value));
    let span = |key, flag, value: Option<Duration>| {
        value.map(|value| (key, flag, format!("{}ms", value.as_millis())))
    };
    Flags {
        profile: globals.profile.clone(),
        properties: globals.client.clone(),
        values: [
            text("kafka.brokers", "--brokers", &globals.brokers),
            text("database.url", "--database-url", &globals.database_url),
            span("kafka.timeout", "--timeout", globals.timeout),
            text("log.level", "--log-level", &globals.log_level),
            text("log.format", "--log-format", &globals.log_format),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

fn ui_options(globals: &Globals, environment: &Environment) -> UiOptions {
    let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
    let plain = environment.get("NO_COLOR").is_some() || environment.get("TERM") == Some("dumb");
    let color = |terminal: bool| match globals.color.unwrap_or_default() {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => terminal && !plain,
    };
    UiOptions {
        format: globals.output.unwrap_or_default(),
        no_headers: globals.no_headers,
        quiet: globals.quiet,
        verbose: globals.verbose,
        color: color(err),
        color_data: color(out),
        terminal_data: out,
        terminal: err,
        interactive: std::io::stdin().is_terminal() && err && !globals.no_input,
        width: crate::ui::terminal_width().filter(|_| out || err),
    }
}

fn start_log(ui: &Ui, settings: &Settings) -> Result<()> {
    let level = settings.get("log.level").map_or("warn", |found| &found.value);
    // The log's own parser takes any other word for the name of a module.
    if let Some(word) = level.split(',').find(|word| !is_log_directive(word)) {
        return Err(Error::usage(format!("the log level \"{word}\" does not exist"))
            .cause("the levels are off, error, warn, info, debug and trace")
            .hint("--log-level debug, or of one module: --log-level kylo=debug"));
    }
    let filter = tracing_subscriber::EnvFilter::builder().parse(level).map_err(|error| {
        Error::usage(format!("the log level \"{level}\" cannot be read"))
            .source(&error)
            .hint("--log-level debug")
    })?;
    let json = settings.get("log.format").is_some_and(|found| found.value == "json");
    let ui = ui.clone();
    let color = ui.options().color;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(color && !json)
        .with_writer(move || ui.log_writer())
        .log_internal_errors(false);
    // A second start in one process (a test) keeps the first log.
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
    Ok(())
}

/// True for a level, and for `module=level`, whose level is the log's to judge.
fn is_log_directive(word: &str) -> bool {
    let word = word.trim();
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    word.contains(['=', '[']) || levels.iter().any(|level| word.eq_ignore_ascii_case(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_level_is_a_word_of_the_list() {
        for good in ["warn", "DEBUG", "off", " info", "kylo=debug", "kylo[span]=info"] {
            assert!(is_log_directive(good), "{good}");
        }
        for bad in ["", "blah", "kylo", "debugg"] {
            assert!(!is_log_directive(bad), "{bad}");
        }
    }

    #[test]
    fn the_tree_is_sound() {
        command_tree().debug_assert();
    }

    fn helps(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        let path = format!("{path} {}", command.get_name());
        found.push((path.clone(), command.clone().render_long_help().to_string()));
        for inner in command.get_subcommands() {
            helps(inner, &path, found);
        }
    }

    #[test]
    fn the_help_of_every_command_begins_with_examples_and_names_the_rare_flags_in_one_line() {
        let mut found = Vec::new();
        helps(&command_tree(), "", &mut found);
        assert!(found.len() > 20, "{found:?}");
        for (path, help) in &found {
            assert!(help.contains("--dry-run") && help.contains("kylo help flags"), "{path}: {help}");
            assert!(!help.contains("--log-format"), "{path}: {help}");
        }
        let without: Vec<&str> = found
            .iter()
            .filter(|(path, help)| {
                let examples = help.strip_prefix("Examples:\n").and_then(|rest| rest.split_once("\n\n"));
                !examples.is_some_and(|(examples, _)| examples.contains(path.trim()))
            })
            .map(|(path, _)| path.as_str())
            .collect();
        assert_eq!(without, Vec::<&str>::new());
    }
}
