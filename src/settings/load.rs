//! Putting the layers together: flag > environment > `.env` > project file > profile > default.

use super::environment::Environment;
use super::files;
use super::registry::{self, CLIENT_TABLE, CLIENT_VARIABLE, Key, Kind};
use super::{Deferred, Origin, Settings, Sourced, mask, parse_bool, parse_duration};
use crate::error::{Error, Result};
use crate::model::suggest;
use std::collections::BTreeMap;

/// What the command line says about settings.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--profile`
    pub profile: Option<String>,
    /// Key, flag and value of each flag that is a setting.
    pub values: Vec<(&'static str, &'static str, String)>,
    /// `-X key=value`, as typed, in order.
    pub properties: Vec<String>,
}

/// What came of loading: the settings, and what the operator should be told.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Warnings, one line each.
    pub warnings: Vec<String>,
}

/// One layer of named values, weakest first in the list of layers.
struct Layer {
    origin: Box<dyn Fn(&str) -> Origin>,
    values: BTreeMap<String, String>,
    /// A project's file may come with a cloned repository: it must not make kylo run anything.
    may_run: bool,
}

/// Resolves every setting.
pub fn load(environment: Environment, flags: &Flags) -> Result<Loaded> {
    let keys = registry::keys();
    let mut warnings = Vec::new();
    let project = files::project_file(&environment);
    let dot_env = match files::dot_env_file(&environment, project.as_deref()) {
        Some(path) => Some((path.display().to_string(), files::read_dot_env(&path)?)),
        None => None,
    };
    let mut layers = Vec::new();
    let wanted = flags.profile.clone().or_else(|| environment.get("KYLO_PROFILE").map(str::to_owned));
    if let Some(profile) = files::read_profile(&environment, wanted.as_deref())? {
        let name = profile.name;
        unknown_keys(&keys, profile.values.keys(), &format!("profile \"{name}\""), &mut warnings);
        layers.push(Layer {
            origin: Box::new(move |_| Origin::Profile(name.clone())),
            values: profile.values,
            may_run: true,
        });
    }
    if let Some(path) = &project {
        let shown = path.display().to_string();
        let values = files::read_toml(path)?;
        unknown_keys(&keys, values.keys(), &shown, &mut warnings);
        layers.push(Layer { origin: Box::new(move |_| Origin::File(shown.clone())), values, may_run: false });
    }
    let mut dot_env_variables = BTreeMap::new();
    if let Some((path, variables)) = dot_env {
        layers.push(Layer {
            values: from_variables(&keys, &variables, &mut warnings),
            origin: Box::new(move |variable| Origin::DotEnv(format!("{path}: {variable}"))),
            may_run: false,
        });
        dot_env_variables = variables;
    }
    layers.push(Layer {
        values: from_variables(&keys, &environment.variables, &mut warnings),
        origin: Box::new(|variable| Origin::Env(variable.to_owned())),
        may_run: true,
    });

    let mut settings = Settings { environment, dot_env: dot_env_variables, ..Settings::default() };
    for key in &keys {
        if let Some(default) = key.default {
            let value = Sourced { value: default.to_owned(), origin: Origin::Default };
            settings.values.insert(key.name, value);
        }
    }
    for layer in layers {
        apply(&mut settings, &keys, layer, &mut warnings)?;
    }
    apply_flags(&mut settings, &keys, flags, &mut warnings)?;
    for key in &keys {
        if let Some(found) = settings.values.get(key.name) {
            check(key, found)?;
        }
    }
    Ok(Loaded { settings, warnings })
}

/// Values of a layer are stored as `key`, or `key@variable` where the origin is a variable.
fn apply(settings: &mut Settings, keys: &[Key], layer: Layer, warnings: &mut Vec<String>) -> Result<()> {
    for (stored, value) in layer.values {
        let (name, variable) = stored.split_once('@').unwrap_or((&stored, ""));
        let origin = (layer.origin)(variable);
        if let Some(property) = name.strip_prefix(CLIENT_TABLE).and_then(|rest| rest.strip_prefix('.')) {
            if !layer.may_run && registry::loads_code(property) {
                return Err(Error::usage(format!("{property} may not be set in a project's file"))
                    .cause(format!("it is set in {origin} and loads code"))
                    .hint(format!("-X {property}=PATH, or a profile")));
            }
            let found = Sourced { value, origin };
            if crate::kafka::names_brokers(property) {
                set_brokers(settings, property, found, warnings);
            } else {
                set_property(settings, property, found, layer.may_run)?;
            }
        } else {
            set_key(settings, keys, name, Sourced { value, origin }, layer.may_run)?;
        }
    }
    Ok(())
}

fn apply_flags(
    settings: &mut Settings,
    keys: &[Key],
    flags: &Flags,
    warnings: &mut Vec<String>,
) -> Result<()> {
    for typed in &flags.properties {
        if typed == "dump" {
            continue;
        }
        let (name, value) = typed.split_once('=').ok_or_else(|| {
            Error::usage(format!("-X {typed} has no value"))
                .hint("-X key=value, or -X dump to see all settings")
        })?;
        let sourced = Sourced { value: value.to_owned(), origin: Origin::Flag("-X") };
        // As a file and a dump write it.
        let name = name.strip_prefix(CLIENT_TABLE).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name);
        let own = name.strip_suffix("_file").or(name.strip_suffix("_cmd")).unwrap_or(name);
        // Only a secret can come from a file or a command.
        let is_ours = |key: &Key| key.name == name || (key.name == own && key.kind == Kind::Dsn);
        if keys.iter().any(is_ours) {
            set_key(settings, keys, name, sourced, true)?;
        } else if crate::kafka::names_brokers(name) {
            set_brokers(settings, name, sourced, warnings);
        } else {
            refuse_unknown(keys, name)?;
            if registry::is_secret_property(name) && own == name {
                warnings.push(format!(
                    "-X {name}=... can be read by others on this machine: use -X {name}_file=PATH or {}",
                    registry::own_variable(&format!("{CLIENT_TABLE}.{name}"))
                ));
            }
            set_property(settings, name, sourced, true)?;
        }
    }
    for (name, flag, value) in &flags.values {
        if *flag == "--database-url" && mask::holds_password(value) {
            warnings.push(
                "the password in --database-url can be read by others on this machine: use KYLO_DATABASE_URL"
                    .to_owned(),
            );
        }
        set_key(settings, keys, name, Sourced { value: value.clone(), origin: Origin::Flag(flag) }, true)?;
    }
    Ok(())
}

fn set_key(
    settings: &mut Settings,
    keys: &[Key],
    name: &str,
    found: Sourced<String>,
    may_run: bool,
) -> Result<()> {
    if let Some(key) = keys.iter().find(|key| key.name == name) {
        settings.deferred.remove(key.name);
        settings.values.insert(key.name, found);
        return Ok(());
    }
    // Only a secret can come from elsewhere; an unknown key was warned about already.
    let secret = |base: &str| keys.iter().find(|key| key.name == base && key.kind == Kind::Dsn);
    if let Some(key) = name.strip_suffix("_file").and_then(secret) {
        settings.values.remove(key.name);
        settings.deferred.insert(key.name.to_owned(), (Deferred::File(found.value), found.origin));
    } else if let Some(key) = name.strip_suffix("_cmd").and_then(secret) {
        settings.values.remove(key.name);
        refuse_command(name, &found.origin, may_run)?;
        settings.deferred.insert(key.name.to_owned(), (Deferred::Command(found.value), found.origin));
    }
    Ok(())
}

/// librdkafka's names of the brokers are the key `kafka.brokers`: what is dialled is what is shown.
fn set_brokers(settings: &mut Settings, property: &str, found: Sourced<String>, warnings: &mut Vec<String>) {
    let same_layer =
        |one: &Origin, other: &Origin| std::mem::discriminant(one) == std::mem::discriminant(other);
    if let Some(before) = settings.values.insert("kafka.brokers", found.clone())
        && same_layer(&before.origin, &found.origin)
        && before.value != found.value
    {
        warnings.push(format!("kafka.brokers is given twice: {property} of {} is used", found.origin));
    }
}

/// Refuses what looks like a key of kylo's and is none; the client has three properties that begin so.
fn refuse_unknown(keys: &[Key], name: &str) -> Result<()> {
    let clients = ["log.queue", "log.thread.name", "log.connection.close"];
    let ours = name.split_once('.').is_some_and(|(group, _)| {
        keys.iter().any(|key| key.name.split_once('.').is_some_and(|(of_key, _)| of_key == group))
    });
    if !ours || clients.contains(&name) {
        return Ok(());
    }
    let error = Error::usage(format!("-X {name}=... is no setting"));
    Err(match suggest::nearest(name, keys.iter().map(|key| key.name)) {
        Some(near) => error.hint(suggest::did_you_mean(near)),
        None => error.hint("kylo help settings"),
    })
}

fn set_property(settings: &mut Settings, name: &str, found: Sourced<String>, may_run: bool) -> Result<()> {
    let base = name.strip_suffix("_file").or(name.strip_suffix("_cmd")).unwrap_or(name);
    if crate::kafka::names_brokers(base) {
        return Err(Error::usage(format!("{name} cannot be used"))
            .cause("the brokers are no secret")
            .hint("kafka.brokers in a file, KAFKA_BROKERS in the environment, or -b HOST:PORT"));
    }
    settings.client.retain(|(other, _)| other != base);
    settings.deferred.remove(&format!("{CLIENT_TABLE}.{base}"));
    if name.ends_with("_file") {
        settings
            .deferred
            .insert(format!("{CLIENT_TABLE}.{base}"), (Deferred::File(found.value), found.origin));
    } else if name.ends_with("_cmd") {
        refuse_command(name, &found.origin, may_run)?;
        settings
            .deferred
            .insert(format!("{CLIENT_TABLE}.{base}"), (Deferred::Command(found.value), found.origin));
    } else {
        settings.client.push((name.to_owned(), found));
    }
    Ok(())
}

fn refuse_command(name: &str, origin: &Origin, may_run: bool) -> Result<()> {
    if may_run {
        return Ok(());
    }
    Err(Error::usage(format!("{name} may not be set in a project's file"))
        .cause(format!("it is set in {origin}, and a cloned project must not make kylo run a command"))
        .hint(format!("set {name} in a profile or in the environment")))
}

/// What `variables` say, by key (`key@variable`); names that disagree are told.
fn from_variables(
    keys: &[Key],
    variables: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let get = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let mut values = BTreeMap::new();
    for key in keys {
        let mut taken: Option<(String, &String)> = None;
        for name in key.names() {
            let Some(value) = get(&name) else { continue };
            match &taken {
                None => taken = Some((name, value)),
                Some((first, other)) if *other != value => {
                    warnings.push(format!("{first} and {name} disagree about {}: {first} is used", key.name));
                }
                Some(_) => {}
            }
        }
        if let Some((name, value)) = &taken {
            values.insert(format!("{}@{name}", key.name), (*value).clone());
        }
        if key.kind != Kind::Dsn {
            continue;
        }
        for suffix in ["_file", "_cmd"] {
            let own = format!("{}{}", registry::own_variable(key.name), suffix.to_uppercase());
            if let Some(value) = get(&own).filter(|_| taken.is_none()) {
                values.insert(format!("{}{suffix}@{own}", key.name), value.clone());
            }
        }
        libpq(key.name, get, taken.as_ref(), &mut values, warnings);
    }
    for (name, value) in variables {
        let Some(property) = name.strip_prefix(CLIENT_VARIABLE).filter(|rest| !rest.is_empty()) else {
            continue;
        };
        let property = property.to_lowercase();
        // `_file` and `_cmd` stay as suffixes, every other underscore is a dot.
        let (base, suffix) = ["_file", "_cmd"]
            .iter()
            .find_map(|suffix| Some((property.strip_suffix(suffix)?, *suffix)))
            .unwrap_or((property.as_str(), ""));
        values.insert(format!("{CLIENT_TABLE}.{}{suffix}@{name}", base.replace('_', ".")), value.clone());
    }
    values
}

/// PGHOST and its like, put together when no connection string is given.
fn libpq<'a>(
    key: &str,
    get: impl Fn(&str) -> Option<&'a String>,
    taken: Option<&(String, &String)>,
    values: &mut BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) {
    let told: Vec<(&str, &str, &String)> = [
        ("PGHOST", "host"),
        ("PGPORT", "port"),
        ("PGUSER", "user"),
        ("PGPASSWORD", "password"),
        ("PGDATABASE", "dbname"),
        ("PGSSLMODE", "sslmode"),
    ]
    .into_iter()
    .filter_map(|(variable, name)| Some((variable, name, get(variable)?)))
    .collect();
    // A password alone says nothing about where the database is.
    if !told.iter().any(|(_, name, _)| matches!(*name, "host" | "dbname")) {
        return;
    }
    if let Some((first, url)) = taken {
        let other =
            told.iter().find(|(_, name, value)| matches!(*name, "host" | "dbname") && !url.contains(*value));
        if let Some((variable, ..)) = other {
            warnings.push(format!("{first} and {variable} disagree about {key}: {first} is used"));
        }
        return;
    }
    let quoted: Vec<String> = told
        .iter()
        .map(|(_, name, value)| format!("{name}='{}'", value.replace('\\', "\\\\").replace('\'', "\\'")))
        .collect();
    values.insert(format!("{key}@PG*"), quoted.join(" "));
}

fn unknown_keys<'a>(
    keys: &[Key],
    given: impl Iterator<Item = &'a String>,
    place: &str,
    warnings: &mut Vec<String>,
) {
    for name in given {
        let base = name.strip_suffix("_file").or(name.strip_suffix("_cmd")).unwrap_or(name);
        let known = keys.iter().any(|key| key.name == name || (key.name == base && key.kind == Kind::Dsn));
        if known || name.starts_with(&format!("{CLIENT_TABLE}.")) {
            continue;
        }
        let near = suggest::nearest(name, keys.iter().map(|key| key.name));
        let hint = near.map_or_else(String::new, |near| format!(", {}", suggest::did_you_mean(near)));
        warnings.push(format!("unknown key {name} in {place}{hint}"));
    }
}

fn check(key: &Key, found: &Sourced<String>) -> Result<()> {
    let wrong = |must: &str| {
        Err(Error::usage(format!("{} must be {must}, not \"{}\"", key.name, found.value))
            .cause(format!("it is set by {}", found.origin)))
    };
    match key.kind {
        Kind::Bool if parse_bool(&found.value).is_none() => wrong("true or false"),
        Kind::Duration if parse_duration(&found.value).is_err() => wrong("a duration such as 10s or 500ms"),
        Kind::OneOf(words) if !words.contains(&found.value.as_str()) => wrong(&words.join(" or ")),
        _ => Ok(()),
    }
}
