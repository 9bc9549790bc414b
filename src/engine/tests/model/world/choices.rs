//! What can happen next in a world.

use super::{Kind, Member, Rules, Sent, Step, World, all, bit};

impl Rules {
    /// What can be read.
    fn reads(&self, member: &Member) -> impl Iterator<Item = Step> {
        let log = &self.machine.log;
        let held = if member.letters.is_empty() { member.holds & !member.asked } else { 0 };
        all(held).filter_map(|at| {
            let next = member.next[usize::from(at)];
            let record = log.records.iter().position(|(other, offset, _)| *other == at && *offset >= next);
            match record {
                _ if next < 0 => None,
                Some(record) => Some(Step::Read(record as u8)),
                None => (next < log.ends[usize::from(at)]).then_some(Step::ReachEnd(at)),
            }
        })
    }

    /// All that can happen in `world` to member `who`.
    pub fn steps(&self, world: &World, who: usize) -> Vec<(Step, Kind)> {
        let member = &world.members[who];
        let view = self.machine.view(member.state);
        let first = |member: &Member| match member.sent {
            // Nothing of it was live: the source answers at once.
            Some(Sent { commits: [0, 0], .. }) if member.letters.is_empty() => {
                Some(Step::Answer { applied: 0, accepted: 0 })
            }
            _ if self.eager => self.reads(member).next(),
            _ => None,
        };
        if let Some(at) = world.members.iter().position(|member| first(member).is_some()) {
            return if at == who { vec![(first(member).unwrap(), Kind::Calm)] } else { Vec::new() };
        }
        let mut steps = Vec::new();
        let under_way = member.sent.is_some_and(|sent| !sent.dead);
        if member.leaving {
            for applied in [false, true].into_iter().take(1 + usize::from(under_way)) {
                steps.extend(
                    (0..1 << view.out.len()).map(|landed| (Step::Leave { applied, landed }, Kind::Calm)),
                );
            }
            return steps;
        }
        let room = member.letters.len() < 3;
        let taken =
            |partition: u8| world.members.iter().any(|one| one.counted && one.holds & bit(partition) != 0);
        if member.counted && room {
            steps.extend((0..2).filter(|at| !taken(*at)).map(|at| (Step::Assign(at), Kind::Calm)));
        }
        if !member.letters.is_empty() {
            steps.push((Step::Hear, Kind::Calm));
        } else {
            steps.extend(self.reads(member).map(|step| (step, Kind::Calm)));
            if let Some(sent) = member.sent {
                let of = |at: u8| if sent.commits[usize::from(at)] == 0 { 0 } else { bit(at) };
                let asked = of(0) | of(1);
                let answer = |applied, accepted| Step::Answer { applied, accepted };
                match (sent.dead, sent.applied) {
                    (true, false) => steps.push((answer(0, 0), Kind::Calm)),
                    (true, true) => {
                        steps.extend([(answer(0, 0), Kind::Calm), (answer(0, asked), Kind::Calm)])
                    }
                    (false, _) => {
                        steps.push((answer(asked, asked), Kind::Calm));
                        if asked != 0 {
                            steps.extend([(answer(0, 0), Kind::Fault), (answer(asked, 0), Kind::Fault)]);
                        }
                        if asked == 3 {
                            steps.extend([(answer(1, 1), Kind::Fault), (answer(2, 2), Kind::Fault)]);
                        }
                    }
                }
            }
        }
        for (run, out) in (0..).zip(&view.out) {
            let most = out.records.len() as u8;
            // A run that is not told to end goes through; one that is, stops after the batch in hand.
            let least = if out.cancelled {
                0
            } else if out.ending {
                1
            } else {
                most
            };
            for ended in least..=most {
                steps.push((Step::Back { run, ended, failed: false }, Kind::Calm));
            }
            if self.failing {
                steps.extend((0..most).map(|ended| (Step::Back { run, ended, failed: true }, Kind::Idle)));
            }
        }
        let calm = if member.counted { Kind::Calm } else { Kind::Idle };
        if view.waits {
            steps.push((Step::Wake, Kind::Calm));
        }
        if view.ending {
            steps.push((Step::Tick, calm));
        }
        if view.retry {
            steps.push((Step::TryAgain, calm));
        }
        if !view.committing && !view.ending {
            steps.push((Step::CommitDue, calm));
        }
        if !member.counted {
            if room {
                steps.push((Step::Learn, Kind::Calm));
            }
        } else if member.holds != 0 {
            for applied in [false, true].into_iter().take(1 + usize::from(under_way)) {
                steps.push((Step::PutOut { applied }, Kind::Fault));
            }
            if room {
                let back = [1, 2, 3].into_iter().filter(|back| member.holds & !member.asked & back == *back);
                steps.extend(back.map(|back| (Step::Revoke(back), Kind::Fault)));
            }
        }
        if view.timed {
            steps.push((Step::TimeUp, Kind::Fault));
        }
        if member.state != 0 {
            if !view.ending {
                steps.push((Step::Stop, Kind::Fault));
            }
            for applied in [false, true].into_iter().take(1 + usize::from(under_way)) {
                steps.extend(
                    (0..1 << view.out.len()).map(|landed| (Step::Crash { applied, landed }, Kind::Fault)),
                );
            }
        }
        if world.faults == 0 {
            steps.retain(|(_, kind)| *kind != Kind::Fault);
        }
        steps
    }
}
