//! What surrounds the process: environment variables, the working folder, the user's folders.
//!
//! Read once at the start; a test makes its own.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The surroundings of one run.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Environment variables whose names and values are text.
    pub variables: BTreeMap<String, String>,
    /// The working folder, where the search for `kylo.toml` begins.
    pub folder: PathBuf,
    /// The folder of kylo's own configuration, with `config.toml` and its profiles.
    pub user_config: Option<PathBuf>,
    /// The folder for what can be fetched again.
    pub user_cache: Option<PathBuf>,
    /// The folder for what a run leaves for the next one.
    pub user_state: Option<PathBuf>,
}

impl Environment {
    /// The surroundings of this process.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let folders = directories::ProjectDirs::from("", "", "kylo");
        Environment {
            variables: std::env::vars_os().filter_map(text).collect(),
            folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            user_config: folders.as_ref().map(|folders| folders.config_dir().to_owned()),
            user_cache: folders.as_ref().map(|folders| folders.cache_dir().to_owned()),
            user_state: folders
                .as_ref()
                .map(|folders| folders.state_dir().unwrap_or(folders.data_local_dir()).to_owned()),
        }
    }
    /// The value of a variable; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
