//! Where bars and live lines are drawn: stderr, with the cursor kept behind the last text.
//!
//! The drawing library fills every line with spaces and leaves the cursor at the right edge. The `^C` that a
//! terminal echoes would then begin a new line, and the next redraw leave a stale one behind.

use super::Sink;
use indicatif::TermLike;
use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Clears from the cursor to the end of the line.
const CLEAR_REST: &str = "\x1b[K";

/// A terminal, drawn on with escape sequences.
pub(super) struct Screen {
    sink: Sink,
    size: fn() -> Option<(u16, u16)>,
    frame: Mutex<Frame>,
}

/// What was drawn since the last flush.
#[derive(Default)]
struct Frame {
    text: String,
    /// Spaces at the end that are written only if something follows them.
    spaces: usize,
}

impl Frame {
    fn put(&mut self, text: &str) {
        let words = text.trim_end_matches(' ');
        if !words.is_empty() {
            self.text.extend(std::iter::repeat_n(' ', std::mem::take(&mut self.spaces)));
            self.text.push_str(words);
        }
        self.spaces += text.len() - words.len();
    }
    /// A sequence that moves or clears: spaces before it are nothing to see.
    fn control(&mut self, sequence: &str) {
        self.end();
        self.text.push_str(sequence);
    }
    fn end(&mut self) {
        if std::mem::take(&mut self.spaces) > 0 {
            self.text.push_str(CLEAR_REST);
        }
    }
}

impl Screen {
    /// Draws into `sink`; `size` tells columns and rows as they are now.
    pub(super) fn new(sink: Sink, size: fn() -> Option<(u16, u16)>) -> Self {
        Screen { sink, size, frame: Mutex::default() }
    }
    fn frame(&self) -> MutexGuard<'_, Frame> {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn move_cursor(&self, n: usize, way: char) -> io::Result<()> {
        if n > 0 {
            self.frame().control(&format!("\x1b[{n}{way}"));
        }
        Ok(())
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Screen")
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        (self.size)().map_or(80, |(columns, _)| columns.max(1))
    }
    fn height(&self) -> u16 {
        (self.size)().map_or(24, |(_, rows)| rows.max(1))
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A')
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B')
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C')
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D')
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        let mut frame = self.frame();
        frame.put(text);
        frame.control("\n");
        Ok(())
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.frame().put(text);
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        self.frame().control("\r\x1b[2K");
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        let text = {
            let mut frame = self.frame();
            frame.end();
            std::mem::take(&mut frame.text)
        };
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(text.as_bytes())?;
        sink.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
    use std::sync::Arc;

    #[test]
    fn lines_are_filled_but_for_the_last_whose_end_the_cursor_keeps() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let screen = Screen::new(written.clone(), || Some((10, 5)));
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(screen)));
        for text in ["one", "two"] {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(ProgressStyle::with_template("{wide_msg}").unwrap());
            bar.set_message(text);
            std::mem::forget(bar);
        }
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert!(text.ends_with("one       two\x1b[K"), "{text:?}");
        bars.suspend(|| written.lock().unwrap().clear());
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert!(text.ends_with("one       two\x1b[K"), "drawn again after what was said: {text:?}");
    }
}
