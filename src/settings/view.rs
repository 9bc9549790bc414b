//! `-X dump`: every setting with its origin, secrets masked.

use super::registry::{self, CLIENT_TABLE, Key, Kind};
use super::{Deferred, Origin, Settings, mask};
use serde::Serialize;

/// One setting as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingView {
    /// The key, or `kafka.client.` and the property's name.
    pub key: String,
    /// The value; secrets masked, absent when not set.
    pub value: Option<String>,
    /// Where it came from; absent when not set.
    pub origin: Option<String>,
    /// What it means.
    pub help: String,
}

impl Settings {
    /// Every setting, in the registry's order, then the client's properties.
    pub fn dump(&self) -> Vec<SettingView> {
        let keys = registry::keys();
        let mut views: Vec<SettingView> = keys.iter().map(|key| self.view(key)).collect();
        let mut properties: Vec<SettingView> = self
            .client
            .iter()
            .map(|(name, found)| SettingView {
                key: format!("{CLIENT_TABLE}.{name}"),
                value: Some(if registry::is_secret_property(name) {
                    "***".to_owned()
                } else {
                    found.value.clone()
                }),
                origin: Some(found.origin.to_string()),
                help: "property of librdkafka".to_owned(),
            })
            .collect();
        let deferred = self.deferred.iter().filter(|(key, _)| key.starts_with(CLIENT_TABLE));
        properties.extend(deferred.map(|(key, (from, origin))| SettingView {
            key: key.clone(),
            value: Some(shown(from)),
            origin: Some(origin.to_string()),
            help: "property of librdkafka".to_owned(),
        }));
        properties.sort_by(|one, other| one.key.cmp(&other.key));
        views.extend(properties);
        views
    }

    fn view(&self, key: &Key) -> SettingView {
        let (value, origin): (Option<String>, Option<&Origin>) =
            match (self.values.get(key.name), self.deferred.get(key.name)) {
                (Some(found), _) if key.kind == Kind::Dsn => {
                    (Some(mask::dsn(&found.value)), Some(&found.origin))
                }
                (Some(found), _) => (Some(found.value.clone()), Some(&found.origin)),
                (None, Some((from, origin))) => (Some(shown(from)), Some(origin)),
                (None, None) => (None, None),
            };
        SettingView {
            key: key.name.to_owned(),
            value,
            origin: origin.map(Origin::to_string),
            help: key.help.clone(),
        }
    }
}

/// Neither the file nor the command is read for a dump.
fn shown(deferred: &Deferred) -> String {
    match deferred {
        Deferred::File(path) => format!("*** (file {path})"),
        Deferred::Command(_) => "*** (command)".to_owned(),
    }
}
