//! One breaker a dependency: when most lanes that use it fail, the others need not find out by trying; pure.
//!
//! A handler names its dependency only when it fails, so a lane is known to use one from its first failure on.
//! The breaker opens when at least [`MIN_LANES`] lanes fail now and they are at least half of those known. While
//! it is open the tries of its lanes are not counted and their clocks stand still; one lane at a time probes,
//! in turn. The first success of any lane that uses it closes it.

use super::Dependency;
use hashbrown::{HashMap, HashSet};
use std::collections::VecDeque;

/// Fewest failing lanes that can open a breaker: one lane's own trouble never does.
pub const MIN_LANES: usize = 3;

/// A lane, as the scheduler numbers them.
pub type LaneId = u32;

#[derive(Debug, Default)]
struct Breaker {
    known: HashSet<LaneId>,
    failing: HashSet<LaneId>,
    /// Lanes held back, in the order in which they may probe. Empty while closed.
    held: VecDeque<LaneId>,
    open: bool,
    probing: Option<LaneId>,
}

/// What a lane does after its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Back off by itself; the try counts.
    Retry,
    /// Wait until the breaker lets it probe or closes; the try is given back.
    Held,
    /// The same, and the tries of all that [fail](Breakers::failing) on this dependency are given back: the breaker
    /// opened with this failure.
    Opened,
}

/// All breakers of one consumer.
#[derive(Debug, Default)]
pub struct Breakers {
    by_dependency: HashMap<Dependency, Breaker>,
    uses: HashMap<LaneId, Dependency>,
}

impl Breakers {
    /// `lane` failed on `dependency`.
    pub fn failed(&mut self, lane: LaneId, dependency: &Dependency) -> Verdict {
        if self.uses.get(&lane).is_some_and(|known| known != dependency) {
            self.forget(lane);
        }
        self.uses.insert(lane, dependency.clone());
        let breaker = self.by_dependency.entry(dependency.clone()).or_default();
        breaker.known.insert(lane);
        breaker.failing.insert(lane);
        if breaker.probing == Some(lane) {
            breaker.probing = None;
        }
        let opens = breaker.failing.len() >= MIN_LANES && breaker.failing.len() * 2 >= breaker.known.len();
        let opened = opens && !breaker.open;
        breaker.open |= opens;
        if !breaker.open {
            return Verdict::Retry;
        }
        if !breaker.held.contains(&lane) {
            breaker.held.push_back(lane);
        }
        if opened { Verdict::Opened } else { Verdict::Held }
    }

    /// `lane` succeeded. When that closes its breaker, the lanes that were held back are returned.
    pub fn succeeded(&mut self, lane: LaneId) -> Vec<LaneId> {
        // Nearly all lanes never failed.
        if self.uses.is_empty() {
            return Vec::new();
        }
        let Some(dependency) = self.uses.get(&lane) else { return Vec::new() };
        let Some(breaker) = self.by_dependency.get_mut(dependency) else { return Vec::new() };
        breaker.failing.remove(&lane);
        breaker.probing = breaker.probing.filter(|probing| *probing != lane);
        if !breaker.open {
            return Vec::new();
        }
        breaker.open = false;
        breaker.probing = None;
        let held: Vec<LaneId> = breaker.held.drain(..).collect();
        // They have not failed since it works again.
        breaker.failing.clear();
        held
    }

    /// The lanes that may probe now: one for each open breaker without a probe under way.
    pub fn probes(&mut self) -> Vec<LaneId> {
        let mut lanes = Vec::new();
        for breaker in
            self.by_dependency.values_mut().filter(|breaker| breaker.open && breaker.probing.is_none())
        {
            if let Some(lane) = breaker.held.pop_front() {
                breaker.probing = Some(lane);
                lanes.push(lane);
            }
        }
        lanes
    }

    /// `lane` is gone (its partition was taken away, or it is empty and was dropped).
    pub fn forget(&mut self, lane: LaneId) {
        let Some(dependency) = self.uses.remove(&lane) else { return };
        let Some(breaker) = self.by_dependency.get_mut(&dependency) else { return };
        breaker.known.remove(&lane);
        breaker.failing.remove(&lane);
        breaker.held.retain(|held| *held != lane);
        breaker.probing = breaker.probing.filter(|probing| *probing != lane);
        if breaker.known.is_empty() {
            self.by_dependency.remove(&dependency);
        } else if breaker.held.is_empty() && breaker.probing.is_none() {
            // Nobody is left to find out; the next failure opens it again.
            breaker.open = false;
        }
    }

    /// The lanes that fail on what `lane` failed on.
    pub fn failing(&self, lane: LaneId) -> impl Iterator<Item = LaneId> {
        let breaker = self.uses.get(&lane).and_then(|dependency| self.by_dependency.get(dependency));
        breaker.into_iter().flat_map(|breaker| breaker.failing.iter().copied())
    }
    /// The dependencies whose breaker is open, with the number of lanes held back.
    pub fn open(&self) -> impl Iterator<Item = (&Dependency, usize)> {
        let open = self.by_dependency.iter().filter(|(_, breaker)| breaker.open);
        open.map(|(dependency, breaker)| {
            (dependency, breaker.held.len() + usize::from(breaker.probing.is_some()))
        })
    }
    /// Every dependency that ever failed here, and whether its breaker is open.
    pub fn states(&self) -> impl Iterator<Item = (&Dependency, bool)> {
        self.by_dependency.iter().map(|(dependency, breaker)| (dependency, breaker.open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str) -> Dependency {
        Dependency(name.into())
    }

    #[test]
    fn one_lane_never_opens_it() {
        let mut breakers = Breakers::default();
        for _ in 0..100 {
            assert_eq!(breakers.failed(1, &dependency("db")), Verdict::Retry);
        }
        assert_eq!(breakers.open().count(), 0);
    }

    #[test]
    fn most_lanes_open_it_one_probes_and_success_frees_all() {
        let mut breakers = Breakers::default();
        let db = dependency("db");
        assert_eq!(breakers.failed(1, &db), Verdict::Retry);
        assert_eq!(breakers.failed(2, &db), Verdict::Retry);
        assert_eq!(breakers.failed(3, &db), Verdict::Opened);
        // Lanes 1 and 2 come back from their own backoff and are held too.
        assert_eq!(breakers.failed(1, &db), Verdict::Held);
        assert_eq!(breakers.probes(), [3]);
        assert!(breakers.probes().is_empty(), "one probe at a time");
        assert_eq!(breakers.failed(3, &db), Verdict::Held);
        assert_eq!(breakers.probes(), [1], "in turn");
        assert_eq!(breakers.succeeded(1), [3]);
        assert_eq!(breakers.open().count(), 0);
    }

    #[test]
    fn another_dependency_is_untouched() {
        let mut breakers = Breakers::default();
        for lane in 0..5 {
            breakers.failed(lane, &dependency("a"));
        }
        assert_eq!(breakers.failed(9, &dependency("b")), Verdict::Retry);
        let open: Vec<_> = breakers.open().map(|(dependency, _)| dependency.to_string()).collect();
        assert_eq!(open, ["a"]);
    }

    #[test]
    fn few_of_many_known_lanes_do_not_open_it() {
        let mut breakers = Breakers::default();
        let db = dependency("db");
        for lane in 0..20 {
            breakers.failed(lane, &db);
            breakers.succeeded(lane);
        }
        assert_eq!(breakers.failed(1, &db), Verdict::Retry);
        assert_eq!(breakers.failed(2, &db), Verdict::Retry);
        assert_eq!(breakers.failed(3, &db), Verdict::Retry);
    }

    #[test]
    fn a_probe_that_is_taken_away_does_not_leave_it_open_for_ever() {
        let mut breakers = Breakers::default();
        let db = dependency("db");
        for lane in 1..=3 {
            breakers.failed(lane, &db);
        }
        assert_eq!(breakers.probes(), [3]);
        breakers.forget(3);
        assert_eq!(breakers.open().count(), 0);
    }
}
