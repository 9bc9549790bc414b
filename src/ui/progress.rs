//! Progress on stderr: a bar on a terminal, a line every ten seconds elsewhere.

use super::Ui;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What takes less than this shows no bar.
const SHOWN_AFTER: Duration = Duration::from_millis(500);
/// Without a terminal there is one line in this time at most.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The progress of one piece of work. Cheap to clone; gone from the screen when the last clone is.
#[derive(Clone)]
pub struct Progress {
    inner: Arc<Inner>,
}

struct Inner {
    ui: Ui,
    what: String,
    total: AtomicU64,
    done: AtomicU64,
    started: Instant,
    last_line: Mutex<Instant>,
    bar: OnceLock<ProgressBar>,
}

impl Progress {
    pub(super) fn new(ui: Ui, what: &str, total: Option<u64>) -> Self {
        let now = Instant::now();
        let progress = Progress {
            inner: Arc::new(Inner {
                ui,
                what: what.to_owned(),
                total: AtomicU64::new(total.unwrap_or(u64::MAX)),
                done: AtomicU64::new(0),
                started: now,
                last_line: Mutex::new(now),
                bar: OnceLock::new(),
            }),
        };
        // Without a total there may never be a step, so the spinner turns by itself.
        if total.is_none() && progress.on_terminal() {
            progress.bar().enable_steady_tick(Duration::from_millis(100));
        }
        progress
    }
    /// `steps` more are done.
    pub fn inc(&self, steps: u64) {
        self.inner.done.fetch_add(steps, Ordering::Relaxed);
        self.show();
    }
    /// `done` of them are done in all.
    pub fn set(&self, done: u64) {
        self.inner.done.store(done, Ordering::Relaxed);
        self.show();
    }
    /// Shows `text` instead of a count: one quiet line that stays in its place on a terminal, a line every ten
    /// seconds elsewhere.
    pub fn message(&self, text: &str) {
        let inner = &self.inner;
        let line = format!("{}: {text}", inner.what);
        if self.on_terminal() {
            let bar = self.bar();
            bar.set_style(live_style());
            bar.set_message(line);
        } else if self.is_line_due() {
            inner.ui.status(&line);
        }
    }
    /// Takes it off the screen.
    pub fn finish(self) {
        if let Some(bar) = self.inner.bar.get() {
            bar.finish_and_clear();
        }
    }

    fn on_terminal(&self) -> bool {
        let options = self.inner.ui.options();
        options.terminal && !options.quiet
    }
    fn total(&self) -> Option<u64> {
        Some(self.inner.total.load(Ordering::Relaxed)).filter(|total| *total != u64::MAX)
    }
    fn bar(&self) -> &ProgressBar {
        self.inner.bar.get_or_init(|| {
            let bar = match self.total() {
                Some(total) => ProgressBar::new(total).with_style(style(true)),
                None => ProgressBar::new_spinner().with_style(style(false)),
            };
            self.inner
                .ui
                .bars
                .add(bar.with_message(self.inner.what.clone()).with_elapsed(self.inner.started.elapsed()))
        })
    }
    fn is_line_due(&self) -> bool {
        let mut last = self.inner.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.elapsed() >= LINE_EVERY;
        if due {
            *last = Instant::now();
        }
        due
    }
    fn show(&self) {
        let inner = &self.inner;
        let done = inner.done.load(Ordering::Relaxed);
        if self.on_terminal() {
            if inner.started.elapsed() >= SHOWN_AFTER || inner.bar.get().is_some() {
                self.bar().set_position(done);
            }
            return;
        }
        if !self.is_line_due() {
            return;
        }
        inner.ui.status(&match self.total() {
            Some(total) => format!("{}: {done} of {total}", inner.what),
            None => format!("{}: {done}", inner.what),
        });
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

fn style(bar: bool) -> ProgressStyle {
    let template = match bar {
        true => "{msg} {bar:30} {human_pos}/{human_len} {per_sec} eta {eta}",
        false => "{spinner} {msg} {human_pos} {elapsed}",
    };
    // A template that cannot be read would be a fault of ours; the plain bar is good enough then.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn live_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::super::UiOptions;
    use super::*;

    #[test]
    fn without_a_terminal_quick_work_says_nothing() {
        let (out, err) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let ui = Ui::captured(UiOptions::default(), out, err.clone());
        let progress = ui.progress("seeding", Some(3));
        progress.inc(1);
        progress.set(3);
        progress.finish();
        assert!(err.lock().unwrap().is_empty());
    }

    #[test]
    fn without_a_terminal_slow_work_says_one_line() {
        let (out, err) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let ui = Ui::captured(UiOptions::default(), out, err.clone());
        let progress = ui.progress("seeding", Some(3));
        *progress.inner.last_line.lock().unwrap() = Instant::now().checked_sub(LINE_EVERY).unwrap();
        progress.inc(1);
        progress.inc(1);
        assert_eq!(String::from_utf8(err.lock().unwrap().clone()).unwrap(), "seeding: 1 of 3\n");
    }
}
