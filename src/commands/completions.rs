//! `kylo completions`: prints a completion script for a shell.

use super::examples;
use crate::app::App;
use crate::error::Result;

/// print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(before_help = examples(&[
    "kylo completions bash > ~/.local/share/bash-completion/completions/kylo",
    "kylo completions zsh > ~/.zfunc/_kylo",
    "kylo completions fish > ~/.config/fish/completions/kylo.fish",
    "kylo completions powershell >> $PROFILE",
]))]
pub struct Args {
    /// The shell to write for
    shell: Shell,
}

/// A shell there is a script for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}

/// Runs the command.
pub async fn run(app: &App, args: Args) -> Result<()> {
    app.ui.data(&script(args.shell, crate::cli::command_tree()))
}

/// The script for one shell.
pub fn script(shell: Shell, mut tree: clap::Command) -> Vec<u8> {
    use clap_complete::Shell as Writer;
    let writer = match shell {
        Shell::Bash => Writer::Bash,
        Shell::Zsh => Writer::Zsh,
        Shell::Fish => Writer::Fish,
        Shell::Powershell => Writer::PowerShell,
    };
    let mut bytes = Vec::new();
    clap_complete::generate(writer, &mut tree, "kylo", &mut bytes);
    bytes
}
