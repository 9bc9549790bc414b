//! What the operator sees: data to stdout, everything else to stderr.
//!
//! One [`Ui`] is built at the start and passed by reference; print macros are a lint error elsewhere.

mod checks;
mod progress;
mod screen;
mod table;
mod yaml;

pub use checks::Check;
pub use progress::Progress;
pub use table::{Column, OutputFormat, Row, cell};

use crate::error::{Error, Result};
use std::io::Write;
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
    /// Colour on stderr.
    pub color: bool,
    /// Colour on stdout.
    pub color_data: bool,
    /// Stdout is a terminal.
    pub terminal_data: bool,
    /// Stderr is a terminal.
    pub terminal: bool,
    /// Questions can be asked.
    pub interactive: bool,
    /// Columns of the terminal; `None` when there is none, and nothing is folded.
    pub width: Option<usize>,
}

impl Default for UiOptions {
    fn default() -> Self {
        UiOptions {
            format: OutputFormat::Table,
            no_headers: false,
            quiet: false,
            verbose: false,
            color: false,
            color_data: false,
            terminal_data: false,
            terminal: false,
            interactive: false,
            width: None,
        }
    }
}

/// Columns of the terminal this process stands on, if it does.
pub fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(terminal_size::Width(columns), _)| usize::from(columns))
}

/// Columns and rows of the terminal that stderr is.
fn error_size() -> Option<(u16, u16)> {
    let size = terminal_size::terminal_size_of(std::io::stderr());
    size.map(|(terminal_size::Width(columns), terminal_size::Height(rows))| (columns, rows))
}

type Sink = Arc<Mutex<dyn Write + Send>>;

/// Writes to the operator. Cheap to clone.
#[derive(Clone)]
pub struct Ui {
    options: UiOptions,
    out: Sink,
    err: Sink,
    /// The bars on the screen, so that no line is written into the middle of one.
    bars: indicatif::MultiProgress,
}

impl Ui {
    /// A `Ui` on the process's own streams.
    pub fn on_terminal(options: UiOptions) -> Self {
        let err: Sink = Arc::new(Mutex::new(std::io::stderr()));
        let bars = match options.terminal && cfg!(unix) {
            true => {
                let screen = Box::new(screen::Screen::new(err.clone(), error_size));
                let target = indicatif::ProgressDrawTarget::term_like_with_hz(screen, 20);
                indicatif::MultiProgress::with_draw_target(target)
            }
            false => indicatif::MultiProgress::new(),
        };
        Ui { options, out: Arc::new(Mutex::new(std::io::stdout())), err, bars }
    }
    /// A `Ui` that writes into the given buffers, for tests.
    pub fn captured(options: UiOptions, out: Arc<Mutex<Vec<u8>>>, err: Arc<Mutex<Vec<u8>>>) -> Self {
        let bars = indicatif::MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden());
        Ui { options, out, err, bars }
    }
    /// The options it was built with.
    pub fn options(&self) -> &UiOptions {
        &self.options
    }
    /// Prints items in the chosen format: an aligned table, or
    /// `{"kind":"kylo.<kind>","version":1,"items":[...]}`. An empty list prints no table and is no error.
    pub fn list<T: Row>(&self, kind: &'static str, items: &[T]) -> Result<()> {
        self.data(table::render(kind, items, &self.options)?.as_bytes())
    }
    /// Prints items that hold lists, where the chosen format can. False where it has columns: nothing was printed, and
    /// the caller prints rows with [`Ui::list`].
    pub fn nested<T: serde::Serialize>(&self, kind: &'static str, items: &[T]) -> Result<bool> {
        match table::nested(kind, items, self.options.format)? {
            Some(text) => self.data(text.as_bytes()).map(|()| true),
            None => Ok(false),
        }
    }
    /// Writes data to stdout; a closed pipe is the silent error.
    pub fn data(&self, bytes: &[u8]) -> Result<()> {
        let write = || {
            let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            out.write_all(bytes)?;
            out.flush()
        };
        // Bars and data meet only where both are on one screen.
        match self.options.terminal_data {
            true => self.bars.suspend(write)?,
            false => write()?,
        }
        Ok(())
    }
    /// The progress of work with `total` steps; `None` while the total is not known. On stderr: a bar on a terminal
    /// after half a second, one line every ten seconds elsewhere, nothing with `-q`.
    pub fn progress(&self, what: &str, total: Option<u64>) -> Progress {
        Progress::new(self.clone(), what, total)
    }
    /// Where the log goes: stderr, never into the middle of a bar.
    pub fn log_writer(&self) -> LogWriter {
        LogWriter { ui: self.clone(), line: Vec::new() }
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
        self.talk(&format!("{} {line}", self.paint("warning:", "1;33")));
    }
    /// The error that ends the command. A closed pipe says nothing.
    pub fn error(&self, error: &Error) {
        if error.kind() == crate::error::ErrorKind::ClosedPipe {
            return;
        }
        let mut text = format!("{} {}", self.paint("error:", "1;31"), error.message());
        for cause in error.causes() {
            text.push_str(&format!("\n  caused by: {cause}"));
        }
        for hint in error.hints() {
            text.push_str(&format!("\n{} {hint}", self.paint("hint:", "1;36")));
        }
        self.talk(&text);
    }
    /// Asks `question [y/N]` on stderr and waits for a line; an empty line and the end of input are a no. Only when
    /// [`UiOptions::interactive`]. Blocks: from a task use `App::confirm_change`.
    pub fn confirm(&self, question: &str) -> Result<bool> {
        let mut err = self.err.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        write!(err, "{question} [y/N] ").and_then(|()| err.flush())?;
        drop(err);
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
    fn paint(&self, text: &str, style: &str) -> String {
        match self.options.color {
            true => format!("\x1b[{style}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
    fn talk(&self, text: &str) {
        self.say(format!("{text}\n").as_bytes());
    }
    fn say(&self, bytes: &[u8]) {
        let write = || {
            let mut err = self.err.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // Nobody is left to tell when stderr is gone.
            let _ = err.write_all(bytes).and_then(|()| err.flush());
        };
        match self.options.terminal {
            true => self.bars.suspend(write),
            false => write(),
        }
    }
}

/// Collects what the log writes and hands it to stderr when it is dropped, which is after each event.
pub struct LogWriter {
    ui: Ui,
    line: Vec<u8>,
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.ui.say(&self.line);
        }
    }
}
