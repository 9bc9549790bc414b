//! `-X dump` as a table.

use crate::settings::SettingView;
use crate::ui::{Column, Row, cell};

impl Row for SettingView {
    const COLUMNS: &'static [Column] = &[
        Column::text("KEY"),
        Column::text("VALUE"),
        Column::text("ORIGIN"),
        Column::text("HELP").only_wide(),
    ];
    fn cells(&self) -> Vec<String> {
        vec![self.key.clone(), cell(&self.value), cell(&self.origin), self.help.clone()]
    }
}
