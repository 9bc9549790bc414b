//! What every command is given: settings, clock, output, the stop signal, and clients opened when first asked.

use crate::consent::ConsentFlags;
use crate::model::clock::{Clock, SharedClock};
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::ui::Ui;
use std::sync::Arc;

/// Built once at the start and passed by reference.
pub struct App {
    /// Output.
    pub ui: Ui,
    /// Settings, resolved.
    pub settings: Settings,
    /// The time of day.
    pub clock: SharedClock,
    /// The stop signal.
    pub shutdown: Shutdown,
    /// What was said about consent.
    pub consent: ConsentFlags,
}

/// The system's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

/// The system's clock, shared.
pub fn system_clock() -> SharedClock {
    Arc::new(SystemClock)
}
