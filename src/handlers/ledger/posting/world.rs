//! Books and workbooks in memory, with faults before and after the effect of any call.

use super::*;
use crate::model::clock::FixedClock;
use crate::model::ledger::rules::ActiveRule;
use crate::model::posting::{Cell, PendingRow};
use crate::sheets::Error;
use jiff::{Timestamp, civil::date};
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::sync::MutexGuard;
use uuid::Uuid;

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It fails and has no effect.
    Before,
    /// It has its effect, and the answer is lost.
    After,
    /// A post fails, and has its effect so many workbook calls later. Elsewhere as `Before`.
    Late(u32),
    /// A workbook refuses us. Elsewhere as `Before`.
    Forbidden,
}

pub fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        6 => Just(Fault::None),
        1 => Just(Fault::Before),
        1 => Just(Fault::After),
        1 => (0..8_u32).prop_map(Fault::Late),
    ]
}

/// What handlers and people do meanwhile.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// So many rows arrive.
    Rows(usize),
    /// All open rows are resolved.
    ResolveAll,
    /// The rules are now one rule of this source.
    Rules(&'static str),
    /// The company's database is set back to before its stamps.
    Unstamp,
}

pub fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (0..4_usize).prop_map(Change::Rows),
        1 => Just(Change::ResolveAll),
        3 => proptest::sample::select(vec!["a", "b", "c"]).prop_map(Change::Rules),
    ]
}

pub struct Row {
    pub row: PendingRow,
    pub open: bool,
    pub stamp: Option<String>,
}

#[derive(Debug)]
pub struct PostRow {
    pub claim: Claim,
    pub posted: Option<i64>,
    pub open: bool,
}

#[derive(Default)]
pub struct FakeTab {
    pub rows: Vec<Vec<Cell>>,
    pub markers: Vec<Marker>,
}

pub struct LatePost {
    pub left: u32,
    pub tab: Tab,
    pub marker: Marker,
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Default)]
pub struct State {
    pub rows: Vec<Row>,
    pub versions: Vec<&'static str>,
    pub posts: Vec<PostRow>,
    pub tabs: BTreeMap<String, FakeTab>,
    pub faults: VecDeque<Fault>,
    pub sheet_faults: VecDeque<Fault>,
    pub late: Vec<LatePost>,
    pub elsewhere: bool,
    pub sheet_calls: usize,
    pub refused: usize,
    pub tick: i64,
}

/// Company 710, its databases and its workbook. Clones are the same world.
#[derive(Clone, Default)]
pub struct World(Arc<Mutex<State>>);

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        write!(
            f,
            "posts {:?}, stamps {:?}",
            state.posts,
            state.rows.iter().map(|r| &r.stamp).collect::<Vec<_>>()
        )
    }
}

pub fn rule(source: &str, version: usize) -> ActiveRule {
    ActiveRule {
        rule_id: Uuid::nil(),
        source: source.to_owned(),
        source_norm: source.to_owned(),
        target_sheet: "S".to_owned(),
        target_header: "H".to_owned(),
        notes: None,
        created_at: Timestamp::UNIX_EPOCH,
        applied_at: Timestamp::UNIX_EPOCH,
        version: version as i64,
    }
}

impl World {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
    pub fn posting(&self) -> Posting {
        let clock = Arc::new(FixedClock(Timestamp::from_second(10_000_000).unwrap()));
        let (store, sheets) = (Arc::new(self.clone()), Arc::new(self.clone()));
        Posting::new(store, sheets, clock, WriteToken::by_command("test"))
    }
    pub fn change(&self, change: Change) {
        let mut state = self.lock();
        match change {
            Change::Rows(count) => {
                for _ in 0..count {
                    let number = state.rows.len();
                    let row = PendingRow {
                        txn_uid: Uuid::from_u128(number as u128),
                        occurred_at: date(2025, 1, 1),
                        description_norm: format!("t{number}"),
                        amount_cents: 1,
                    };
                    state.rows.push(Row { row, open: true, stamp: None });
                }
            }
            Change::ResolveAll => state.rows.iter_mut().for_each(|row| row.open = false),
            Change::Rules(source) => state.versions.push(source),
            Change::Unstamp => state.rows.iter_mut().for_each(|row| row.stamp = None),
        }
    }
    /// Faults of the next calls, of the databases and of the workbook alike.
    pub fn fail_all(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().faults = faults.into_iter().collect();
    }
    /// Faults of the next calls of the workbook.
    pub fn fail_sheets(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().sheet_faults = faults.into_iter().collect();
    }
    pub fn heal(&self) {
        self.fail_all([]);
        self.fail_sheets([]);
    }
    pub fn lead_elsewhere(&self) {
        self.lock().elsewhere = true;
    }
    pub fn deliver_late(&self) {
        self.lock().deliver(u32::MAX);
    }
    pub fn mark(&self, tab: &str, id: i32, value: &str) {
        let marker = Marker { id, value: value.to_owned() };
        self.lock().tabs.entry(tab.to_owned()).or_default().markers.push(marker);
    }

    pub fn row_ids(&self) -> Vec<Uuid> {
        self.lock().rows.iter().map(|row| row.row.txn_uid).collect()
    }
    pub fn tabs(&self) -> Vec<String> {
        self.lock().tabs.keys().cloned().collect()
    }
    /// The Source column.
    pub fn shown(&self, tab: &str) -> Vec<String> {
        let column = if tab.ends_with("Active") { 3 } else { 1 };
        let state = self.lock();
        state.tabs.get(tab).map_or(Vec::new(), |tab| tab.rows.iter().map(|row| row[column].shown()).collect())
    }
    pub fn posts(&self, tab: &str) -> usize {
        self.lock().posts.iter().filter(|post| post.claim.tab == tab).count()
    }
    pub fn ordinals(&self, tab: &str) -> Vec<i32> {
        let state = self.lock();
        state.posts.iter().filter(|post| post.claim.tab == tab).map(|post| post.claim.ordinal).collect()
    }
    pub fn all_posted(&self) -> bool {
        self.lock().posts.iter().all(|post| !post.open)
    }
    pub fn sheet_calls(&self) -> usize {
        self.lock().sheet_calls
    }
    pub fn refused(&self) -> usize {
        self.lock().refused
    }

    /// The promise.
    pub fn check(&self) {
        assert!(self.all_posted(), "{self:?}");
        let shown = self.shown("710 Pending");
        let mut unique = shown.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), shown.len(), "a row is on the tab twice: {shown:?} {self:?}");
        let state = self.lock();
        for row in &state.rows {
            let on_tab = shown.contains(&row.row.description_norm);
            assert!(on_tab || !row.open, "{} is missing: {shown:?}", row.row.description_norm);
            assert_eq!(on_tab, row.stamp.is_some(), "{}", row.row.description_norm);
        }
        let rules: Vec<&str> = state.versions.last().copied().into_iter().collect();
        drop(state);
        assert_eq!(self.shown("710 Active"), rules, "{self:?}");
    }

    pub fn call<T>(&self, effect: impl FnOnce(&mut State) -> T) -> Result<T, Failure> {
        let mut state = self.lock();
        let fault = state.faults.pop_front().unwrap_or(Fault::None);
        let away = || Failure::transient("away", "away");
        match fault {
            Fault::None => Ok(effect(&mut state)),
            Fault::After => {
                effect(&mut state);
                Err(away())
            }
            Fault::Before | Fault::Late(_) | Fault::Forbidden => Err(away()),
        }
    }

    pub fn sheet_call<T>(
        &self,
        tab: &Tab,
        late: Option<Post<'_>>,
        effect: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut state = self.lock();
        state.sheet_calls += 1;
        state.deliver(1);
        let fault = state.sheet_faults.pop_front().or_else(|| state.faults.pop_front());
        let error = |kind| Error::new(kind, "sheets:fake", "posting to", tab, "fault");
        match fault.unwrap_or(Fault::None) {
            Fault::None => effect(&mut state),
            Fault::After => effect(&mut state).and(Err(error(ErrorKind::Away))),
            Fault::Before => Err(error(ErrorKind::Away)),
            Fault::Forbidden => Err(error(ErrorKind::Forbidden)),
            Fault::Late(left) => {
                state.late.extend(late.map(|post| LatePost {
                    left,
                    tab: tab.clone(),
                    marker: post.marker.clone(),
                    rows: post.rows.to_vec(),
                }));
                Err(error(ErrorKind::Away))
            }
        }
    }
}

impl State {
    pub fn deliver(&mut self, calls: u32) {
        let (due, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.late).into_iter().partition(|late| late.left < calls);
        self.late = left;
        self.late.iter_mut().for_each(|late| late.left -= calls);
        for late in due {
            // Nobody waits for this answer any more.
            let _ = self.apply(&late.tab, &late.marker, late.rows);
        }
    }
    pub fn apply(&mut self, tab: &Tab, marker: &Marker, rows: Vec<Vec<Cell>>) -> Result<(), Error> {
        let found = self.tabs.get_mut(&tab.name).expect("tabs are made before they are posted to");
        if found.markers.iter().any(|known| known.id == marker.id) {
            self.refused += 1;
            return Err(Error::new(ErrorKind::Rejected, "sheets:fake", "posting to", tab, "id exists"));
        }
        found.markers.push(marker.clone());
        match tab.kind {
            TabKind::Pending => found.rows.extend(rows),
            TabKind::Active => found.rows = rows,
        }
        Ok(())
    }
}
