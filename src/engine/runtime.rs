//! The loop of one consumer: events of the source in, commands out, runs to the workers, their ends back.
//!
//! Size: one loop and what each of its events leads to; what can be decided without it lives in
//! `scheduler.rs`, `partition.rs` and `tracker.rs`, its start in `consumer.rs`, its end in `ending.rs`.

use super::drains::Flush;
use super::ending::Ending;
use super::isolation::Quarantine;
use super::partition::Fetching;
use super::quarantine::{MarkStore, Marks, Suspects};
use super::rebalance::{Gap, Revoking, starting_point};
use super::report::{Abandoned, Event, PartitionSnapshot, Reporter, RunError, Snapshot};
use super::run_queue::RunQueue;
use super::runner::RunEnd;
use super::scheduler::{MOST_PER_RUN, Scheduler};
use super::timing::Sampler;
use super::{DrainState, SourceCommand, SourceEvent};
use crate::model::clock::SharedClock;
use crate::shutdown::{Shutdown, Stage};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Time between looks at breakers, pauses and the commit clock.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// Time between snapshots.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);
/// Time between probes of an open breaker.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// Least time between two commits.
const COMMIT_PAUSE: Duration = Duration::from_millis(100);
/// Spare runs for each worker while handlers end at once. While they wait for something, one for each handler
/// that may run: the next begins without the loop.
const AHEAD: usize = 512;
/// Bytes read ahead while handlers end at once: what more is read waits longer and leaves the processor's caches
/// meanwhile. Measured with 4 MiB, 16 MiB and 64 MiB: 0.15, 0.25 and 0.26 CPU seconds a million records.
const READ_AHEAD: usize = 4 << 20;

/// A commit that was sent and not answered.
pub(super) struct InFlight {
    pub(super) id: u64,
    pub(super) since: Instant,
}

pub(super) struct Runtime {
    pub(super) scheduler: Scheduler,
    pub(super) commands: mpsc::UnboundedSender<SourceCommand>,
    pub(super) reporter: Arc<dyn Reporter>,
    pub(super) revoking: Vec<Revoking>,
    pub(super) clock: SharedClock,
    pub(super) runs: Arc<RunQueue>,
    /// Handlers end without waiting: hand out more ahead.
    pub(super) fast: bool,
    /// Most records of a run while handlers wait for something and more lanes are ready than may run: they take
    /// turns, so that none holds a handler for all that waits in it, and each end is told when it is there.
    pub(super) batch: usize,
    pub(super) memory: Option<super::MemoryGauge>,
    /// At the last tick half of the memory was taken, and whoever held more than his share was paused.
    half_full: bool,
    pub(super) in_flight: Option<InFlight>,
    pub(super) next_commit: u64,
    pub(super) last_commit: Instant,
    pub(super) finished_since: usize,
    pub(super) commit_failed: bool,
    /// Since when no commit has succeeded, after one that failed.
    pub(super) failing_since: Option<Instant>,
    pub(super) sampler: Sampler,
    /// The group has given us our share, which may be nothing, and has not put us out since.
    pub(super) assigned: bool,
    /// Partitions that are ours and cannot be read yet.
    unread: usize,
    pub(super) last_progress: Instant,
    pub(super) next_probe: Instant,
    pub(super) next_snapshot: Instant,
    pub(super) open: Vec<super::Dependency>,
    pub(super) ending: Option<Ending>,
    pub(super) error: Option<RunError>,
    pub(super) flushes: Vec<Flush>,
    pub(super) flushing: Vec<oneshot::Receiver<()>>,
    pub(super) drain_states: Vec<Arc<Mutex<DrainState>>>,
    pub(super) abandoned: Vec<Abandoned>,
    pub(super) totals: Snapshot,
    pub(super) marks: Option<Marks>,
    pub(super) quarantine: Quarantine,
    next_compaction: Instant,
    /// Steps of all drains when they were last looked at.
    drain_steps: u64,
}

impl Runtime {
    /// A consumer at its start; whoever starts its workers gives them its runs, and adds its drains.
    pub(super) fn new(
        policy: super::Policy,
        commands: mpsc::UnboundedSender<SourceCommand>,
        reporter: Arc<dyn Reporter>,
        clock: SharedClock,
        marks: Option<Arc<dyn MarkStore>>,
    ) -> Self {
        let now = Instant::now();
        let runs = Arc::new(policy.run_queue());
        let mut scheduler = Scheduler::new(policy);
        scheduler.marking = marks.is_some();
        Runtime {
            scheduler,
            commands,
            reporter,
            revoking: Vec::new(),
            clock,
            runs,
            fast: false,
            batch: MOST_PER_RUN,
            memory: None,
            half_full: false,
            in_flight: None,
            next_commit: 0,
            last_commit: now,
            finished_since: 0,
            commit_failed: false,
            failing_since: None,
            sampler: Sampler::default(),
            assigned: false,
            unread: 0,
            last_progress: now,
            next_probe: now,
            next_snapshot: now + SNAPSHOT_EVERY,
            open: Vec::new(),
            ending: None,
            error: None,
            flushes: Vec::new(),
            flushing: Vec::new(),
            drain_states: Vec::new(),
            abandoned: Vec::new(),
            totals: Snapshot::default(),
            marks: marks.map(Marks::new),
            quarantine: Quarantine::None,
            next_compaction: now,
            drain_steps: 0,
        }
    }

    /// The loop. Returns true when a second signal ended it.
    pub(super) async fn run(
        &mut self,
        events: &mut mpsc::UnboundedReceiver<SourceEvent>,
        ends: &mut mpsc::UnboundedReceiver<Vec<RunEnd>>,
        shutdown: &Shutdown,
    ) -> bool {
        let mut asked = Box::pin(shutdown.requested());
        let mut stopping = Box::pin(shutdown.reached(Stage::Stopping));
        let mut new_events = Vec::new();
        let mut new_ends = Vec::new();
        let mut next_tick = Instant::now() + TICK;
        loop {
            let wake = self.scheduler.next_wake().map_or(next_tick, |at| at.min(next_tick));
            tokio::select! {
                biased;
                () = &mut stopping => return true,
                () = &mut asked, if self.ending.is_none() => self.end(Instant::now()),
                count = ends.recv_many(&mut new_ends, 64) => {
                    debug_assert!(count > 0, "workers outlive the loop");
                    for end in new_ends.drain(..).flatten() {
                        self.finished(end);
                    }
                }
                count = events.recv_many(&mut new_events, 16) => {
                    if count == 0 && !matches!(self.ending, Some(Ending::Leaving { .. })) {
                        self.fail(RunError::Source("its thread ended".to_owned()));
                    } else if count == 0 {
                        self.ending = Some(Ending::Over);
                    }
                    for event in new_events.drain(..) {
                        self.source_event(event);
                    }
                }
                () = tokio::time::sleep_until(wake) => {}
            }
            let now = Instant::now();
            self.scheduler.wake_due(now);
            if now >= next_tick {
                next_tick = now + TICK;
                self.tick(now);
            }
            if self.step(now, events.is_empty()) {
                return false;
            }
        }
    }

    /// What follows whatever happened: revocations, runs, commits and the end move on. `all_taken`: no batch waits
    /// to be taken in. True once the end is reached.
    pub(super) fn step(&mut self, now: Instant, all_taken: bool) -> bool {
        self.advance_revocations(now);
        if self.ending.is_none() {
            self.dispatch(now, all_taken);
        }
        self.commit_if_due(now);
        self.advance_ending(now)
    }

    pub(super) fn source_event(&mut self, event: SourceEvent) {
        let now = Instant::now();
        match event {
            SourceEvent::Batch(batch) => {
                let taken = self.scheduler.intake(&batch, now);
                self.totals.taken += taken as u64;
                self.last_progress = now;
            }
            SourceEvent::Assigned(assigned) => {
                self.assigned = true;
                self.totals.rebalances += 1;
                self.assign(assigned);
            }
            SourceEvent::Revoked { partitions } => {
                self.totals.rebalances += 1;
                for (partition, epoch) in &partitions {
                    self.scheduler.partitions.drain(partition, *epoch);
                }
                self.take_back();
                let drain = self.scheduler.policy.revoke_drain;
                self.revoking.push(Revoking::new(partitions, now + drain));
            }
            SourceEvent::Lost { partitions } => {
                self.totals.rebalances += 1;
                self.assigned = false;
                for (partition, epoch) in &partitions {
                    self.scheduler.drop_partition(partition, *epoch);
                    self.reporter.event(Event::Revoked(partition.clone()));
                }
                self.take_back();
                self.revoking.iter_mut().for_each(|revoking| revoking.forget(&partitions));
                self.revoking.retain(|revoking| !revoking.is_empty());
            }
            SourceEvent::End { partition, epoch, position } => {
                if let Some(id) = self.scheduler.partitions.find(&partition, epoch) {
                    let partition = self.scheduler.partitions.get_mut(id);
                    partition.tracker.reach(position);
                    partition.forget_suspects();
                    partition.end_seen = Some(position);
                    partition.log_end = partition.log_end.max(position);
                }
            }
            SourceEvent::Overtaken { partition, epoch, offsets } => self.overtaken(partition, epoch, offsets),
            SourceEvent::Unread(partitions) => self.unread = partitions,
            SourceEvent::LogEnds(ends) => {
                for (partition, epoch, end) in ends {
                    if let Some(id) = self.scheduler.partitions.find(&partition, epoch) {
                        self.scheduler.partitions.get_mut(id).newest_end = end;
                    }
                }
            }
            SourceEvent::Committed(report) => {
                let sent = self.in_flight.take_if(|commit| commit.id == report.id);
                self.commit_failed = false;
                for (position, result) in &report.results {
                    if let Err(reason) = result {
                        self.commit_failed = true;
                        self.scheduler.partitions.not_committed(position);
                        let partition = position.partition.clone();
                        self.reporter.event(Event::CommitFailed { partition, reason: reason.clone() });
                    }
                }
                if self.commit_failed {
                    self.totals.failed_commits += 1;
                    self.failing_since.get_or_insert(sent.map_or(now, |commit| commit.since));
                } else if !report.results.is_empty() {
                    self.totals.commits += 1;
                    self.failing_since = None;
                }
                self.revoking.iter_mut().for_each(|revoking| revoking.committed(&report));
            }
            SourceEvent::Trouble(text) => self.reporter.event(Event::Trouble(text)),
            // What was handled so far is committed if the client still can: the error may be about one partition.
            SourceEvent::Fatal(text) => self.fail_after_commit(RunError::Source(text)),
            SourceEvent::Left => self.ending = Some(Ending::Over),
        }
    }

    fn assign(&mut self, assigned: Vec<super::Assigned>) {
        let mut starts = Vec::new();
        let (mut lost, mut ahead) = (Vec::new(), Vec::new());
        for assigned in assigned {
            let point = starting_point(&assigned);
            match point.gap.clone() {
                Some(Gap::Lost(offsets)) => lost.push(self.note_lost(&assigned.partition, offsets)),
                Some(Gap::Ahead(offsets)) => ahead.push(self.note_ahead(&assigned.partition, offsets)),
                None => {}
            }
            self.reporter.event(Event::Assigned {
                partition: assigned.partition.clone(),
                start: point.start,
                fresh: assigned.committed.is_none(),
            });
            starts.push((assigned.partition.clone(), assigned.epoch, point.start));
            let suspects = match &self.marks {
                Some(marks) => marks.suspects(&assigned.partition),
                None => Suspects::default(),
            };
            self.scheduler.partitions.insert(assigned, point, suspects);
        }
        let gaps = match (lost.is_empty(), ahead.is_empty()) {
            (true, true) => None,
            (true, false) => Some(RunError::Ahead(ahead)),
            (false, _) => Some(RunError::Lost(lost)),
        };
        if let Some(gaps) = gaps.filter(|_| self.scheduler.policy.on_lost == super::OnLost::Stop) {
            for (partition, epoch, _) in &starts {
                self.scheduler.drop_partition(partition, *epoch);
            }
            self.fail_after_commit(gaps);
            return;
        }
        if self.ending.is_none() {
            self.send(SourceCommand::Start(starts));
        }
    }

    pub(super) fn finished(&mut self, end: RunEnd) {
        let now = Instant::now();
        if end.ended > 0 || end.failure.is_some() {
            // Of those that began.
            self.fast = end.inline;
        }
        self.totals.handled += end.handled as u64;
        self.totals.rejected += end.rejected as u64;
        self.totals.dead_lettered += end.dead_letters.len() as u64;
        self.finished_since += end.ended;
        if end.ended > 0 {
            self.last_progress = now;
        }
        if let Some(timing) = &end.timing {
            let weight = u64::from(timing.weight);
            self.totals.handler_seconds.observe(timing.handled.as_secs_f64(), weight);
            if let Some(queued) = timing.queued {
                self.totals.queue_seconds.observe(queued.as_secs_f64(), weight);
            }
        }
        for letter in &end.dead_letters {
            *self.totals.dead_letters.entry((letter.class, letter.kind)).or_default() += 1;
            self.reporter.event(Event::DeadLettered(letter.clone()));
        }
        let failed = end.failure.is_some();
        let dead_letters = end.dead_letters.len();
        let lane = end.lane;
        // Asked before `finish` acquits the last suspect.
        let alone = self.marks.is_some() && self.quarantine == Quarantine::Alone;
        let of = end.items.records().first().filter(|_| alone);
        let of = of.map(|record| (record.partition().clone(), record.epoch()));
        let jitter = fastrand::f64();
        let wait = self.scheduler.finish(end, now, self.clock.now(), jitter);
        if let Some((partition, epoch)) = of {
            // What came back is innocent from here on: a kill that hits the next one must not count for it.
            self.write_mark(&partition, epoch);
        }
        if dead_letters > 0 {
            // They may have been one too many.
            self.take_back();
        }
        if failed {
            self.totals.retries += 1;
            if let Some(lane) = self.scheduler.describe(lane) {
                self.reporter.event(Event::Retrying { lane, wait });
            }
        }
    }

    /// Hands ready lanes out. `all_taken`: no batch waits to be taken in.
    fn dispatch(&mut self, now: Instant, all_taken: bool) {
        let mut new = Vec::new();
        let full = self.memory.as_ref().is_some_and(super::MemoryGauge::is_full);
        let quarantine = self.scheduler.quarantine(now, full);
        if quarantine != self.quarantine {
            self.quarantine = quarantine;
            self.write_suspects();
        }
        let concurrency = self.scheduler.policy.concurrency;
        if quarantine == Quarantine::Alone {
            new.extend(self.scheduler.next_alone());
        } else {
            let spare = if self.fast { AHEAD * self.runs.workers() } else { concurrency };
            while self.scheduler.running < concurrency + spare {
                let turns = !self.fast && self.scheduler.ready.len() > concurrency;
                let many = if turns { self.batch } else { MOST_PER_RUN };
                let Some(mut run) = self.scheduler.next_run(many) else { break };
                run.sample = self.sampler.next();
                new.push(run);
            }
        }
        if let Some(memory) = &self.memory {
            // With a free hand and nothing to give it, more is wanted whatever else waits in lanes.
            let free = self.scheduler.running < concurrency;
            let hungry = free && all_taken && !self.scheduler.has_ready();
            let enough = self.fast && quarantine == Quarantine::None && !hungry;
            // The second half only after a look at who holds the first.
            let most = if self.half_full { usize::MAX } else { self.scheduler.policy.budget_bytes / 2 };
            memory.read_ahead(if enough { READ_AHEAD } else { most });
        }
        if !new.is_empty() {
            self.write_marks(&new);
            self.runs.put(new);
        }
    }

    /// Puts runs back into their lanes that have not begun and must not: all of them at the end, else those of
    /// partitions that are given up or flooded with dead letters.
    pub(super) fn take_back(&mut self) {
        let over = self.ending.is_some();
        for run in self.runs.take_back(|run| over || !self.scheduler.may_begin(run.lane)) {
            self.finished(RunEnd::new(run.lane, run.items));
        }
    }

    fn tick(&mut self, now: Instant) {
        self.sampler.tick();
        if self
            .memory
            .as_ref()
            .is_some_and(|memory| memory.is_full() && memory.held() > self.scheduler.footprint() / 4 * 5)
            && now >= self.next_compaction
        {
            // Few records keep many batches alive: those that wait are copied out, the batches go.
            self.next_compaction = now + SNAPSHOT_EVERY;
            self.scheduler.compact();
        }
        if now >= self.next_probe {
            self.next_probe = now + PROBE_EVERY;
            self.scheduler.probe_breakers();
        }
        let open = self.scheduler.open_breakers();
        for (dependency, lanes) in &open {
            if !self.open.contains(dependency) {
                let dependency = dependency.clone();
                self.reporter.event(Event::BreakerOpened { dependency, lanes: *lanes });
            }
        }
        for dependency in self.open.drain(..) {
            if !open.iter().any(|(still, _)| *still == dependency) {
                self.reporter.event(Event::BreakerClosed(dependency));
            }
        }
        self.open = open.into_iter().map(|(dependency, _)| dependency).collect();
        self.half_full = self.memory.as_ref().is_some_and(super::MemoryGauge::is_half_full);
        for (partition, epoch, change) in self.scheduler.balance(now, self.half_full) {
            match change {
                Fetching::Pause(reason) => {
                    self.send(SourceCommand::Pause(partition.clone(), epoch));
                    self.reporter.event(Event::Paused { partition, reason });
                }
                Fetching::Resume(reason) => {
                    self.send(SourceCommand::Resume(partition.clone(), epoch));
                    self.reporter.event(Event::Resumed { partition, reason });
                }
            }
        }
        if now >= self.next_snapshot {
            self.next_snapshot = now + SNAPSHOT_EVERY;
            let snapshot = self.snapshot(now);
            self.reporter.snapshot(&snapshot);
        }
        if self.ending.is_none() {
            self.check_flood();
            self.check_idle(now);
        }
    }

    fn check_flood(&mut self) {
        let partitions = &self.scheduler.partitions;
        if partitions.len() > 0 && partitions.iter().all(|partition| partition.flooded) {
            self.fail_after_commit(RunError::Flooded(self.scheduler.policy.flood_run));
        }
    }

    fn check_idle(&mut self, now: Instant) {
        if !self.scheduler.policy.exit_when_idle {
            return;
        }
        let idle = self.assigned
            && self.unread == 0
            && self.revoking.is_empty()
            && self.scheduler.running == 0
            && self.scheduler.partitions.iter().all(|partition| partition.is_idle() || partition.flooded);
        if !idle {
            self.flushing.clear();
        } else if self.flushing.is_empty() && !self.flushes.is_empty() {
            self.flushing = self.flushes.iter().map(Flush::ask).collect();
        } else {
            // A closed channel is a drain that ended: nothing to wait for.
            let pending = |answer: &mut oneshot::Receiver<()>| {
                matches!(answer.try_recv(), Err(oneshot::error::TryRecvError::Empty))
            };
            self.flushing.retain_mut(pending);
            if self.flushing.is_empty() {
                self.flushes.clear();
                if self.scheduler.partitions.iter().any(|partition| partition.flooded) {
                    self.fail_after_commit(RunError::Flooded(self.scheduler.policy.flood_run));
                } else {
                    self.end(now);
                }
                return;
            }
        }
        let steps =
            self.drain_states.iter().filter_map(|state| state.lock().ok().map(|state| state.steps)).sum();
        if steps != std::mem::replace(&mut self.drain_steps, steps) {
            self.last_progress = now;
        }
        let waited = now.duration_since(self.last_progress);
        if self.scheduler.policy.idle_timeout.is_some_and(|limit| waited >= limit) {
            let blocked = self.scheduler.blocked(10);
            self.fail_after_commit(RunError::Stalled { waited, blocked });
        }
    }

    pub(super) fn send(&self, command: SourceCommand) {
        // A source whose thread ended says so by closing its events; that ends the loop.
        let _ = self.commands.send(command);
    }

    /// Sends what moved to the broker, if none is under way. Returns the commit's number.
    pub(super) fn commit(&mut self, now: Instant) -> Option<u64> {
        if self.in_flight.is_some() {
            return None;
        }
        self.last_commit = now;
        self.finished_since = 0;
        let positions = self.scheduler.positions();
        if positions.is_empty() {
            // What failed was given away meanwhile.
            self.commit_failed = false;
            self.failing_since = None;
            return None;
        }
        self.next_commit += 1;
        let id = self.next_commit;
        self.in_flight = Some(InFlight { id, since: now });
        self.commit_failed = false;
        self.send(SourceCommand::Commit { id, positions });
        Some(id)
    }
    /// True while a commit is not answered.
    pub(super) fn is_committing(&self) -> bool {
        self.in_flight.is_some()
    }

    pub(super) fn commit_if_due(&mut self, now: Instant) {
        let limit = Duration::from_secs(60);
        if let Some(lost) = self.in_flight.take_if(|commit| now.duration_since(commit.since) > limit) {
            // Never seen; better a second commit than none for ever.
            self.failing_since.get_or_insert(lost.since);
            self.scheduler.partitions.nothing_is_committed();
            self.reporter.event(Event::Trouble("a commit was not answered for a minute".to_owned()));
        }
        let waited = now.duration_since(self.last_commit);
        let policy = &self.scheduler.policy;
        let due = waited >= policy.commit_every
            || (self.finished_since >= policy.commit_records && waited >= COMMIT_PAUSE);
        if due && self.ending.is_none() {
            self.commit(now);
        }
    }

    pub(super) fn snapshot(&self, now: Instant) -> Snapshot {
        let mut snapshot = self.totals.clone();
        snapshot.in_flight = self.scheduler.records;
        snapshot.in_flight_bytes = self.scheduler.bytes;
        snapshot.blocked = self.scheduler.blocked_by();
        snapshot.blocked_lanes = snapshot.blocked.iter().map(|blocked| blocked.lanes).sum();
        snapshot.assigned = self.assigned;
        let waiting = self.in_flight.as_ref().map(|commit| commit.since);
        let since = self.failing_since.or(waiting);
        snapshot.uncommitted_for = since.map(|since| now.saturating_duration_since(since));
        snapshot.partitions = self
            .scheduler
            .partitions
            .iter()
            .map(|partition| PartitionSnapshot {
                partition: partition.partition.clone(),
                low_water: partition.tracker.low_water(),
                end: partition.tracker.end(),
                committed: partition.committed(),
                log_end: partition.log_end.max(partition.tracker.end()).max(partition.newest_end),
                in_flight: partition.tracker.unfinished(),
                span: partition.tracker.span(),
                oldest: partition.stuck_for(now),
                paused: partition.paused(),
            })
            .collect();
        snapshot.partitions.sort_by(|a, b| a.partition.cmp(&b.partition));
        snapshot.breakers = self.scheduler.breaker_states();
        let states =
            self.drain_states.iter().filter_map(|state| state.lock().ok().map(|state| state.clone()));
        snapshot.drains = states.collect();
        snapshot
    }
}
