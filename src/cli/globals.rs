//! The global flags: the same on every command, before or after its name.
//!
//! They are declared on each command of the tree instead of being propagated by clap, because a command may keep a
//! short name for itself (`-o` is the offset where records are read): there the global flag loses its short name
//! and keeps its long one.

use crate::ui::OutputFormat;
use clap::{Arg, ArgMatches, Args, Command};
use std::time::Duration;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// In a pipe too.
    Always,
    /// Not at all.
    Never,
}

/// The global flags as given, all levels of the command line together.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "Global flags")]
pub struct Globals {
    /// Profile of your configuration to use
    #[arg(id = "global-profile", short = 'C', long = "profile", value_name = "NAME")]
    pub profile: Option<String>,
    /// Kafka brokers, comma separated
    #[arg(
        id = "global-brokers",
        short = 'b',
        long = "brokers",
        visible_alias = "bootstrap-server",
        value_name = "HOST:PORT"
    )]
    pub brokers: Option<String>,
    /// Control database (better in KYLO_DATABASE_URL: a command line can be read by others)
    #[arg(id = "global-database-url", long = "database-url", value_name = "DSN")]
    pub database_url: Option<String>,
    /// A setting: a librdkafka property or one of kylo's keys; `-X dump` shows each with its origin
    #[arg(id = "global-client", short = 'X', value_name = "KEY=VALUE")]
    pub client: Vec<String>,
    /// Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]
    #[arg(
        id = "global-output",
        short = 'o',
        long = "output",
        value_enum,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub output: Option<OutputFormat>,
    /// Leave out the headings of a table
    #[arg(id = "global-no-headers", long = "no-headers", hide_short_help = true)]
    pub no_headers: bool,
    /// Hide status lines and progress
    #[arg(id = "global-quiet", short = 'q', long = "quiet")]
    pub quiet: bool,
    /// Show details
    #[arg(id = "global-verbose", short = 'v', long = "verbose")]
    pub verbose: bool,
    /// Use colour [default: auto]
    #[arg(id = "global-color", long = "color", value_enum, value_name = "WHEN", hide_short_help = true)]
    pub color: Option<ColorChoice>,
    /// Never ask a question
    #[arg(id = "global-no-input", long = "no-input", hide_short_help = true)]
    pub no_input: bool,
    /// Do it without asking
    #[arg(id = "global-yes", short = 'y', long = "yes", visible_alias = "execute")]
    pub yes: bool,
    /// Show the plan and stop
    #[arg(id = "global-dry-run", long = "dry-run")]
    pub dry_run: bool,
    /// How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]
    #[arg(
        id = "global-timeout",
        long = "timeout",
        value_name = "DURATION",
        value_parser = crate::settings::parse_duration,
        hide_short_help = true
    )]
    pub timeout: Option<Duration>,
    /// What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]
    #[arg(id = "global-log-level", long = "log-level", value_name = "LEVEL", hide_short_help = true)]
    pub log_level: Option<String>,
    /// Shape of the log [default: text]
    #[arg(
        id = "global-log-format",
        long = "log-format",
        value_name = "FORMAT",
        value_parser = ["text", "json"],
        hide_short_help = true
    )]
    pub log_format: Option<String>,
}

impl Globals {
    /// Collects the flags from every level of the command line: the one nearest to the leaf wins, `-X` adds up.
    pub fn collect(root: &ArgMatches) -> Globals {
        let mut all = Globals::default();
        let mut level = Some(root);
        while let Some(matches) = level {
            all.take(matches);
            level = matches.subcommand().map(|(_, inner)| inner);
        }
        all
    }

    fn take(&mut self, matches: &ArgMatches) {
        fn one<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, id: &str, slot: &mut Option<T>) {
            // Unknown here: the command has a flag of its own in this one's place.
            if let Ok(Some(value)) = matches.try_get_one::<T>(id) {
                *slot = Some(value.clone());
            }
        }
        fn flag(matches: &ArgMatches, id: &str, slot: &mut bool) {
            *slot |= matches.try_get_one::<bool>(id).is_ok_and(|value| value.is_some_and(|value| *value));
        }
        one(matches, "global-profile", &mut self.profile);
        one(matches, "global-brokers", &mut self.brokers);
        one(matches, "global-database-url", &mut self.database_url);
        if let Ok(Some(values)) = matches.try_get_many::<String>("global-client") {
            self.client.extend(values.cloned());
        }
        one(matches, "global-output", &mut self.output);
        flag(matches, "global-no-headers", &mut self.no_headers);
        flag(matches, "global-quiet", &mut self.quiet);
        flag(matches, "global-verbose", &mut self.verbose);
        one(matches, "global-color", &mut self.color);
        flag(matches, "global-no-input", &mut self.no_input);
        flag(matches, "global-yes", &mut self.yes);
        flag(matches, "global-dry-run", &mut self.dry_run);
        one(matches, "global-timeout", &mut self.timeout);
        one(matches, "global-log-level", &mut self.log_level);
        one(matches, "global-log-format", &mut self.log_format);
    }
}

/// All global flags, as `kylo help flags` shows them.
pub fn help() -> String {
    let all = Globals::augment_args(Command::new("kylo").disable_help_flag(true).max_term_width(110));
    all.mut_args(|flag| flag.hide_short_help(false)).help_template("{all-args}").render_help().to_string()
        + "\n"
}

/// Declares the global flags on `command` and on everything below it. Those that `-h` leaves out `--help` leaves out
/// too: it is about the command.
pub fn declare(command: Command) -> Command {
    let template = Globals::augment_args(Command::new("globals"));
    let rare = |flag: &Arg| flag.clone().hide_long_help(flag.is_hide_short_help_set());
    let flags: Vec<Arg> = template.get_arguments().map(rare).collect();
    declare_below(command, &flags)
}

fn declare_below(command: Command, flags: &[Arg]) -> Command {
    let own: Vec<Arg> = command.get_arguments().cloned().collect();
    let taken_short = |short: char| {
        own.iter().any(|arg| arg.get_short_and_visible_aliases().is_some_and(|all| all.contains(&short)))
    };
    let taken_long = |long: &str| {
        own.iter().any(|arg| arg.get_long_and_visible_aliases().is_some_and(|all| all.contains(&long)))
    };
    let mut command = command;
    for flag in flags {
        if flag.get_long().is_some_and(taken_long) {
            continue;
        }
        match flag.get_short() {
            Some(short) if taken_short(short) && flag.get_long().is_none() => {}
            Some(short) if taken_short(short) => command = command.arg(flag.clone().short(None)),
            _ => command = command.arg(flag.clone()),
        }
    }
    command
        .after_long_help("More global flags: kylo help flags")
        .mut_subcommands(|inner| declare_below(inner, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Command {
        declare(
            Command::new("kylo").subcommand(
                Command::new("topics")
                    .subcommand(Command::new("list"))
                    .subcommand(Command::new("consume").arg(Arg::new("offset").short('o').long("offset"))),
            ),
        )
    }

    #[test]
    fn flags_are_taken_before_and_after_the_command() {
        let lines = [
            "kylo -o json -b b:1 -X a=1 topics list -X c=d -y",
            "kylo topics -o json list --bootstrap-server b:1 -X a=1 -X c=d --execute",
            "kylo topics list -o json -b b:1 -X a=1 -X c=d --yes",
        ];
        for line in lines {
            let matches = tree().try_get_matches_from(line.split(' ')).unwrap();
            let globals = Globals::collect(&matches);
            assert_eq!(globals.output, Some(OutputFormat::Json), "{line}");
            assert_eq!(globals.brokers.as_deref(), Some("b:1"), "{line}");
            assert_eq!(globals.client, ["a=1", "c=d"], "{line}");
            assert!(globals.yes, "{line}");
        }
    }

    #[test]
    fn the_flag_nearest_to_the_leaf_wins() {
        let matches = tree().try_get_matches_from("kylo -o json topics list -o yaml".split(' ')).unwrap();
        assert_eq!(Globals::collect(&matches).output, Some(OutputFormat::Yaml));
    }

    #[test]
    fn a_command_keeps_its_own_short_flag() {
        let line = "kylo topics consume -o end-5 --output json";
        let matches = tree().try_get_matches_from(line.split(' ')).unwrap();
        assert_eq!(Globals::collect(&matches).output, Some(OutputFormat::Json));
        let leaf = matches.subcommand().unwrap().1.subcommand().unwrap().1;
        assert_eq!(leaf.get_one::<String>("offset").unwrap(), "end-5");
    }
}
