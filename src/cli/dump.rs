//! `-X dump` as a table.

use crate::settings::SettingView;
use crate::ui::{Column, Row};

impl Row for SettingView {
    const COLUMNS: &'static [Column] = &[
        Column::text("KEY"),
        Column::text("VALUE"),
        Column::text("ORIGIN"),
        Column::text("HELP").only_wide(),
    ];
    fn cells(&self) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        vec![self.key.clone(), text(&self.value), text(&self.origin), self.help.clone()]
    }
}
