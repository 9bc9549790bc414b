//! The root parser, the global flags and the way from arguments to an exit code.

use crate::app::{self, App};
use crate::commands;
use crate::consent::ConsentFlags;
use crate::settings::Settings;
use crate::shutdown;
use crate::ui::{Ui, UiOptions};
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// One toolkit for the people who run an event bus on Kafka or Redpanda.
#[derive(Debug, Parser)]
#[command(name = "kylo", version, about)]
struct Cli {
    #[command(subcommand)]
    command: commands::Command,
}

/// Runs kylo with `args` (program name first).
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe under --help is nobody's error.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let ui = Ui::on_terminal(UiOptions::default());
    let (_trigger, shutdown) = shutdown::channel();
    let app = App {
        ui: ui.clone(),
        settings: Settings::default(),
        clock: app::system_clock(),
        shutdown,
        consent: ConsentFlags::default(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.error(&crate::error::Error::from(error));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(&app, cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui.error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}
