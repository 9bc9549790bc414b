//! What the operator sees: data to stdout, everything else to stderr.
//!
//! One [`Ui`] is built at the start and passed by reference; print macros are a lint error elsewhere.

mod table;

pub use table::{Column, OutputFormat, Row};

use crate::error::{Error, Result};
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};

/// How to print, decided once from the flags and the terminal.
#[derive(Clone, Copy, Debug)]
pub struct UiOptions {
    /// Shape of data on stdout.
    pub format: OutputFormat,
    /// Leave out the headings of a table.
    pub no_headers: bool,
    /// Hide status lines and progress.
    pub quiet: bool,
    /// Show details.
    pub verbose: bool,
    /// Colour on stderr and in tables.
    pub color: bool,
    /// Questions can be asked.
    pub interactive: bool,
}

impl Default for UiOptions {
    fn default() -> Self {
        UiOptions {
            format: OutputFormat::Table,
            no_headers: false,
            quiet: false,
            verbose: false,
            color: false,
            interactive: false,
        }
    }
}

type Sink = Arc<Mutex<dyn Write + Send>>;

/// Writes to the operator. Cheap to clone.
#[derive(Clone)]
pub struct Ui {
    options: UiOptions,
    out: Sink,
    err: Sink,
}

impl Ui {
    /// A `Ui` on the process's own streams.
    pub fn on_terminal(options: UiOptions) -> Self {
        Ui {
            options,
            out: Arc::new(Mutex::new(std::io::stdout())),
            err: Arc::new(Mutex::new(std::io::stderr())),
        }
    }
    /// A `Ui` that writes into the given buffers, for tests.
    pub fn captured(options: UiOptions, out: Arc<Mutex<Vec<u8>>>, err: Arc<Mutex<Vec<u8>>>) -> Self {
        Ui { options, out, err }
    }
    /// The options it was built with.
    pub fn options(&self) -> &UiOptions {
        &self.options
    }
    /// True when stdout is a terminal.
    pub fn stdout_is_terminal(&self) -> bool {
        std::io::stdout().is_terminal()
    }
    /// Prints items in the chosen format: an aligned table, or
    /// `{"kind":"kylo.<kind>","version":1,"items":[...]}`. An empty list prints no table and is no error.
    pub fn list<T: Row>(&self, kind: &'static str, items: &[T]) -> Result<()> {
        self.data(table::render(kind, items, &self.options)?.as_bytes())
    }
    /// Writes data to stdout; a closed pipe is the silent error.
    pub fn data(&self, bytes: &[u8]) -> Result<()> {
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        out.write_all(bytes)?;
        out.flush()?;
        Ok(())
    }
    /// One line of data.
    pub fn line(&self, line: &str) -> Result<()> {
        self.data(format!("{line}\n").as_bytes())
    }
    /// A status line; hidden by `-q`.
    pub fn status(&self, line: &str) {
        if !self.options.quiet {
            self.talk(line);
        }
    }
    /// A detail; shown by `-v`.
    pub fn detail(&self, line: &str) {
        if self.options.verbose {
            self.talk(line);
        }
    }
    /// A warning.
    pub fn warn(&self, line: &str) {
        self.talk(&format!("warning: {line}"));
    }
    /// The error that ends the command. A closed pipe says nothing.
    pub fn error(&self, error: &Error) {
        if error.kind() == crate::error::ErrorKind::ClosedPipe {
            return;
        }
        let mut text = format!("error: {}", error.message());
        for cause in error.causes() {
            text.push_str(&format!("\n  caused by: {cause}"));
        }
        for hint in error.hints() {
            text.push_str(&format!("\nhint: {hint}"));
        }
        self.talk(&text);
    }
    /// Asks `question [y/N]`; only when [`UiOptions::interactive`].
    pub fn confirm(&self, question: &str) -> Result<bool> {
        dialoguer::Confirm::new()
            .with_prompt(question)
            .default(false)
            .interact()
            .map_err(|error| Error::not_done("the question was not answered").source(&error))
    }
    fn talk(&self, text: &str) {
        let mut err = self.err.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Nobody is left to tell when stderr is gone.
        let _ = writeln!(err, "{text}");
    }
}
