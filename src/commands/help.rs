//! `kylo help`: shows help on a command, or on a topic that belongs to no command.

use super::examples;
use crate::app::App;
use crate::error::{Error, Result};
use crate::model::suggest;

/// show help on a command or a topic: exit-codes, flags, settings
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&["kylo help topics create", "kylo help exit-codes", "kylo help settings"]))]
pub struct Args {
    /// A command, or exit-codes, flags, settings
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

const EXIT_CODES: &str = "\
CODE  MEANING
0     done (an empty result too)
1     failed, or any item failed or was not found
2     wrong use, or settings that cannot be
3     an error in what was given as data: a payload, a record, a file of companies or rules
4     not authenticated, or not allowed
5     unreachable, or timed out
6     not done: declined, no consent, read-only
7     the check said no: pending migrations, missing topics, drift, a record at its replay limit
130   interrupted (`consume` finishes what it has in hand and exits 0; a second signal stops it)

A closed pipe (`kylo topics list | head -1`) is silent and 0.
";

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["exit-codes"] => app.ui.data(EXIT_CODES.as_bytes()),
        ["flags"] => app.ui.data(crate::cli::global_flags_help().as_bytes()),
        ["settings"] => app.ui.data(settings().as_bytes()),
        words => app.ui.data(of_command(words)?.as_bytes()),
    }
}

fn of_command(words: &[&str]) -> Result<String> {
    let mut tree = crate::cli::command_tree();
    tree.build();
    let mut command = &mut tree;
    for (depth, word) in words.iter().enumerate() {
        let names: Vec<String> = command
            .get_subcommands()
            .flat_map(|inner| inner.get_name_and_visible_aliases())
            .map(str::to_owned)
            .collect();
        command = command.find_subcommand_mut(word).ok_or_else(|| {
            let topics = ["exit-codes", "flags", "settings"].into_iter().filter(|_| depth == 0);
            let near = suggest::nearest(word, names.iter().map(String::as_str).chain(topics));
            let error = Error::usage(format!("there is no help on \"{}\"", words.join(" ")));
            match near {
                Some(near) => error.hint(suggest::did_you_mean(near)),
                None => error.hint("kylo help"),
            }
        })?;
    }
    Ok(command.render_long_help().to_string())
}

fn settings() -> String {
    let mut text = "\
A flag goes before the environment, the environment before .env, .env before kylo.toml (here or in a folder above), kylo.toml
before your profile (-C, KYLO_PROFILE), the profile before the default. `kylo -X dump` shows every value and its origin.

"
    .to_owned();
    for key in crate::settings::keys() {
        let names: Vec<String> = key.names().collect();
        text.push_str(&format!("{}\n    {}\n    environment: {}\n", key.name, key.help, names.join(", ")));
        if let Some(default) = key.default {
            text.push_str(&format!("    default: {default}\n"));
        }
    }
    text + "\
kafka.client.<property>
    any property of librdkafka; also -X <property>=<value>. bootstrap.servers is kafka.brokers
    environment: KYLO_KAFKA_CLIENT_<PROPERTY>, with _ for every dot

Secrets: <key>_file names a file, <key>_cmd a command that prints it (profile, environment and -X only).
"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind::*;

    #[test]
    fn every_exit_code_has_its_line() {
        let kinds = [ClosedPipe, Failed, Usage, Input, Denied, Unreachable, NotDone, Check, Interrupted];
        for kind in kinds {
            let code = format!("{:<6}", kind.exit_code());
            assert!(EXIT_CODES.lines().any(|line| line.starts_with(&code)), "{kind:?}");
        }
    }

    #[test]
    fn every_command_has_help() {
        for words in [&["topics"][..], &["topics", "create"], &["group", "list"], &["help"], &[]] {
            assert!(of_command(words).unwrap().contains("Usage: kylo"), "{words:?}");
        }
        assert_eq!(of_command(&["topics", "creat"]).unwrap_err().hints(), ["did you mean `create`?"]);
        assert_eq!(of_command(&["flag"]).unwrap_err().hints(), ["did you mean `flags`?"]);
        assert_eq!(of_command(&["exit-code"]).unwrap_err().hints(), ["did you mean `exit-codes`?"]);
    }
}
