//! How long handlers and queues take, measured on samples: the hot path reads no clock for the other runs.

use std::time::Duration;
use tokio::time::Instant;

/// Samples aimed at between two ticks of the runtime.
const PER_TICK: u32 = 100;
/// Runs that one sample stands for at most.
const LONGEST_STRIDE: u32 = 4096;

/// Chooses the runs that are timed: all of them while there are few, one in many when there are many. Each stands
/// for the runs since the last one, so that counts and sums stay those of all runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampler {
    stride: u32,
    /// Runs since the last sample.
    since: u32,
    /// Runs since the last tick.
    seen: u32,
}

impl Default for Sampler {
    fn default() -> Self {
        Sampler { stride: 1, since: 0, seen: 0 }
    }
}

impl Sampler {
    /// For the next run: how many runs its time stands for; 0 = it is not timed.
    pub fn next(&mut self) -> u32 {
        self.seen = self.seen.saturating_add(1);
        self.since += 1;
        if self.since < self.stride {
            return 0;
        }
        std::mem::take(&mut self.since)
    }
    /// A tick has passed: the stride follows the rate.
    pub fn tick(&mut self) {
        self.stride = (self.seen / PER_TICK).clamp(1, LONGEST_STRIDE);
        self.seen = 0;
    }
}

/// The times of one sampled run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timing {
    /// Runs it stands for.
    pub weight: u32,
    /// From the moment its first record was read to the handler's start; `None` for a record that was tried
    /// before: its wait is a back-off.
    pub queued: Option<Duration>,
    /// The handler's first call.
    pub handled: Duration,
}

/// A sampled run whose handler has not been called yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch {
    pub weight: u32,
    /// When its first record was read, unless it was tried before.
    pub read: Option<Instant>,
}

impl Stopwatch {
    /// The handler's call began at `began` and has just ended.
    pub fn stop(self, began: Instant) -> Timing {
        Timing {
            weight: self.weight,
            queued: self.read.map(|read| began.saturating_duration_since(read)),
            handled: began.elapsed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_runs_are_all_timed_and_of_many_a_bounded_number() {
        let mut sampler = Sampler::default();
        assert!((0..100).all(|_| sampler.next() == 1));
        sampler.tick();
        assert_eq!(sampler.next(), 1, "a hundred a tick are few");
        let mut samples = 0;
        for _ in 0..10 {
            samples = (0..100_000).filter(|_| sampler.next() > 0).count();
            sampler.tick();
        }
        assert!((99..=101).contains(&samples), "{samples}");
        sampler.tick();
        assert!(sampler.next() > 0, "it is quiet again");
        assert_eq!(sampler.next(), 1);
    }

    #[test]
    fn the_samples_stand_for_all_runs() {
        let mut sampler = Sampler::default();
        let (mut runs, mut counted) = (0, 0);
        for burst in [5, 40_000, 7, 123_456, 3, 900] {
            for _ in 0..burst {
                counted += sampler.next();
                runs += 1;
            }
            assert!(counted <= runs && runs - counted < sampler.stride, "{counted} of {runs}");
            sampler.tick();
        }
    }
}
