//! Config files: `kylo.toml` of the project, the profiles of the user, `.env`.

use super::environment::Environment;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The project's file.
pub const PROJECT_FILE: &str = "kylo.toml";

/// The nearest `kylo.toml`, from the working folder upward.
pub fn project_file(environment: &Environment) -> Option<PathBuf> {
    environment.folder.ancestors().map(|folder| folder.join(PROJECT_FILE)).find(|path| path.is_file())
}

/// The `.env` file: in the working folder, else beside the project's file.
pub fn dot_env_file(environment: &Environment, project: Option<&Path>) -> Option<PathBuf> {
    let beside = project.and_then(Path::parent).map(|folder| folder.join(".env"));
    std::iter::once(environment.folder.join(".env")).chain(beside).find(|path| path.is_file())
}

/// The variables of a `.env` file.
pub fn read_dot_env(path: &Path) -> Result<BTreeMap<String, String>> {
    let unreadable = || Error::usage(format!("reading {}", path.display()));
    let entries = dotenvy::from_path_iter(path).map_err(|error| unreadable().source(&error))?;
    let mut variables = BTreeMap::new();
    for entry in entries {
        let (name, value) = entry.map_err(|error| match error {
            // The line may hold a password, so only its place is told.
            dotenvy::Error::LineParse(_, at) => {
                unreadable().cause(format!("a line cannot be read, at character {at}"))
            }
            other => unreadable().source(&other),
        })?;
        variables.insert(name, value);
    }
    Ok(variables)
}

/// Reads a TOML file into dotted keys.
pub fn read_toml(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("reading {}", path.display())).source(&error))?;
    parse_toml(&text).map_err(|error| error.context(format!("reading {}", path.display())))
}

/// A profile: its table in the user's `config.toml`, flattened, and the file's path. Without a name the file's own
/// `profile = "name"` decides; no file and no name is no profile.
pub fn read_profile(environment: &Environment, wanted: Option<&str>) -> Result<Option<Profile>> {
    let path = environment.user_config.as_ref().map(|folder| folder.join("config.toml"));
    let Some(path) = path.filter(|path| path.is_file()) else {
        return match wanted {
            None => Ok(None),
            Some(name) => Err(no_profile(name, environment)),
        };
    };
    let all = read_toml(&path)?;
    let Some(name) = wanted.or(all.get("profile").map(String::as_str)) else { return Ok(None) };
    let prefix = format!("profiles.{name}.");
    let values: BTreeMap<String, String> = all
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone())))
        .collect();
    if values.is_empty() {
        let names = all.keys().filter_map(|key| key.strip_prefix("profiles.")?.split('.').next());
        let error = no_profile(name, environment);
        return Err(match crate::model::suggest::nearest(name, names) {
            Some(near) => error.hint(crate::model::suggest::did_you_mean(near)),
            None => error,
        });
    }
    Ok(Some(Profile { name: name.to_owned(), values }))
}

/// A profile that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its settings, by key.
    pub values: BTreeMap<String, String>,
}

fn no_profile(name: &str, environment: &Environment) -> Error {
    let place = environment.user_config.as_ref().map_or_else(
        || "your configuration folder".to_owned(),
        |folder| folder.join("config.toml").display().to_string(),
    );
    Error::usage(format!("there is no profile \"{name}\""))
        .hint(format!("write [profiles.{name}] in {place}"))
}

fn parse_toml(text: &str) -> Result<BTreeMap<String, String>> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // The message alone: the error's Display quotes the line, which may hold a password.
        let line =
            error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        Error::usage(format!("line {line} is not TOML")).cause(error.message().to_owned())
    })?;
    let mut flat = BTreeMap::new();
    flatten("", &table, &mut flat)?;
    Ok(flat)
}

fn flatten(prefix: &str, table: &toml::Table, flat: &mut BTreeMap<String, String>) -> Result<()> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let text = match value {
            toml::Value::Table(inner) => {
                flatten(&key, inner, flat)?;
                continue;
            }
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => value.to_string(),
            toml::Value::Array(items) => {
                let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
                texts.ok_or_else(|| Error::usage(format!("{key} must be a list of texts")))?.join(",")
            }
            toml::Value::Datetime(_) => return Err(Error::usage(format!("{key} cannot be a date"))),
        };
        flat.insert(key, text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_become_dotted_keys() {
        let text = "read_only = true\n[kafka]\nbrokers = ['a:1', 'b:2']\n[kafka.client]\nsecurity.protocol = 'SSL'\n\"sasl.mechanism\" = 'PLAIN'\n";
        let flat = parse_toml(text).unwrap();
        let expected = [
            ("kafka.brokers", "a:1,b:2"),
            ("kafka.client.sasl.mechanism", "PLAIN"),
            ("kafka.client.security.protocol", "SSL"),
            ("read_only", "true"),
        ];
        assert_eq!(flat, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }

    #[test]
    fn a_broken_file_names_its_line_and_shows_no_value() {
        let error = parse_toml("[database]\nurl = \"postgres://u:hidden@h/d\n").unwrap_err();
        assert!(error.message().contains("line 2"), "{error}");
        assert!(!error.to_string().contains("hidden"), "{error}");
    }
}
