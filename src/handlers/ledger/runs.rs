//! From a lane's records to runs of one company, and from a run's end to outcomes. Pure.

use crate::engine::{Failure, FailureClass, Outcome, Outcomes};

/// Records that one transaction handles: one company's, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run<T> {
    /// The company.
    pub company_id: String,
    /// Index of each record in the batch.
    pub records: Vec<usize>,
    /// What was read from it.
    pub messages: Vec<T>,
}

/// Groups what could be read into runs by company, in order of appearance; a lane has one key, so that this is
/// nearly always one run.
pub(super) fn runs<T>(messages: Vec<(usize, String, T)>) -> Vec<Run<T>> {
    let mut runs: Vec<Run<T>> = Vec::new();
    for (index, company_id, message) in messages {
        match runs.iter_mut().find(|run| run.company_id == company_id) {
            Some(run) => {
                run.records.push(index);
                run.messages.push(message);
            }
            None => runs.push(Run { company_id, records: vec![index], messages: vec![message] }),
        }
    }
    runs
}

/// Collects the ends of a batch of records.
#[derive(Debug)]
pub(super) struct Ends(Vec<Option<Failure>>);

impl Ends {
    /// All of `count` records done, until something else is said.
    pub fn new(count: usize) -> Self {
        Ends((0..count).map(|_| None).collect())
    }
    /// Record `index` failed alone.
    pub fn failed(&mut self, index: usize, failure: Failure) {
        self.0[index] = Some(failure);
    }
    /// A run failed. `Err` when the whole batch has to be answered with it: a permanent failure of several
    /// records together, which the runtime splits until the bad one stands alone. An unknown company is the
    /// exception: it is every record's own failure.
    pub fn run_failed(&mut self, records: &[usize], failure: Failure) -> Result<(), Failure> {
        let own = failure.kind == "unknown-company" || records.len() == 1;
        if failure.class != FailureClass::Transient && !own {
            return Err(failure);
        }
        for &index in records {
            self.0[index] = Some(failure.clone());
        }
        Ok(())
    }
    /// The answer to the runtime: whole when all records ended alike.
    pub fn into_outcomes(mut self) -> Result<Outcomes, Failure> {
        if self.0.iter().all(Option::is_none) {
            return Ok(Outcomes::AllDone);
        }
        let transient = |end: &Option<Failure>| {
            end.as_ref().is_some_and(|failure| failure.class == FailureClass::Transient)
        };
        if self.0.iter().all(transient)
            && let Some(Some(failure)) = self.0.pop()
        {
            return Err(failure);
        }
        Ok(Outcomes::Each(self.0.into_iter().map(|end| end.map_or(Outcome::Done, Outcome::Failed)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_keep_order_and_places() {
        let grouped =
            runs(vec![(0, "1".to_owned(), 'a'), (2, "2".to_owned(), 'b'), (3, "1".to_owned(), 'c')]);
        assert_eq!(
            grouped,
            [
                Run { company_id: "1".into(), records: vec![0, 3], messages: vec!['a', 'c'] },
                Run { company_id: "2".into(), records: vec![2], messages: vec!['b'] },
            ]
        );
    }

    #[test]
    fn one_bad_message_does_not_poison_the_others() {
        let mut ends = Ends::new(3);
        ends.failed(1, Failure::permanent("bad-json", "x"));
        let Ok(Outcomes::Each(outcomes)) = ends.into_outcomes() else { panic!("one outcome each") };
        assert!(
            matches!(&outcomes[..], [Outcome::Done, Outcome::Failed(f), Outcome::Done] if f.kind == "bad-json")
        );
    }

    #[test]
    fn a_run_that_fails() {
        let ends = |failure: Failure, bad: bool| {
            let mut ends = Ends::new(3);
            if bad {
                ends.failed(2, Failure::permanent("bad-json", "x"));
            }
            let records: &[usize] = if bad { &[0, 1] } else { &[0, 1, 2] };
            ends.run_failed(records, failure).and_then(|()| ends.into_outcomes())
        };
        let kinds = |outcomes: Result<Outcomes, Failure>| -> Result<Vec<&'static str>, &'static str> {
            match outcomes {
                Err(failure) => Err(failure.kind),
                Ok(Outcomes::AllDone) => Ok(vec![]),
                Ok(Outcomes::Each(outcomes)) => Ok(outcomes
                    .into_iter()
                    .map(|outcome| match outcome {
                        Outcome::Failed(failure) => failure.kind,
                        _ => "done",
                    })
                    .collect()),
            }
        };
        let away = || Failure::transient("database-away", "x");
        let data = || Failure::permanent("database-data", "x");
        let unknown = || Failure::permanent("unknown-company", "x");
        assert_eq!(kinds(ends(away(), false)), Err("database-away"));
        assert_eq!(kinds(ends(away(), true)), Ok(vec!["database-away", "database-away", "bad-json"]));
        assert_eq!(kinds(ends(data(), false)), Err("database-data"));
        assert_eq!(kinds(ends(data(), true)), Err("database-data"));
        assert_eq!(kinds(ends(unknown(), false)), Ok(vec!["unknown-company"; 3]));
        let mut alone = Ends::new(1);
        alone.run_failed(&[0], data()).unwrap();
        assert_eq!(kinds(alone.into_outcomes()), Ok(vec!["database-data"]));
    }
}
