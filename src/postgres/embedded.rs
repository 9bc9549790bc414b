//! A PostgreSQL of our own, for `kylo demo` and for tests: private, on loopback, gone when we are.
//!
//! The server's life hangs on a pipe: a small shell process (the keeper) waits for its end of file, which comes
//! also when this process is killed, and then stops the server and deletes its folder.

mod binaries;

use super::connect::{self, Purpose};
use super::{Dsn, Error};
use std::fmt;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// Where to look for a PostgreSQL, and how it shall run.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// Folders in which programs are looked for (`PATH`).
    pub search_path: Vec<PathBuf>,
    /// Where a fetched PostgreSQL is kept.
    pub cache_folder: PathBuf,
    /// Sync to disk, as a real one does; off, it is faster and a power cut loses what nobody wants to keep.
    pub sync: bool,
}

/// What starting is at, for a progress line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbeddedStep {
    /// No PostgreSQL is installed: this version is fetched, about 15 MB.
    Fetching(String),
    /// Found, or fetched: the folder of its programs.
    Using(PathBuf),
    /// The data folder is being made.
    Preparing,
    /// The server is starting.
    Starting,
}

impl fmt::Display for EmbeddedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EmbeddedStep::Fetching(version) => write!(f, "fetching PostgreSQL {version} (15 MB, once)"),
            EmbeddedStep::Using(folder) => write!(f, "using PostgreSQL of {}", folder.display()),
            EmbeddedStep::Preparing => f.write_str("preparing a database folder"),
            EmbeddedStep::Starting => f.write_str("starting PostgreSQL"),
        }
    }
}

/// How long the server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(30);
/// A free port can be taken by somebody else before the server listens.
const ATTEMPTS: usize = 3;

/// $1 the server's pid, $2 the folder that goes with it. "keep" stops it in order and leaves the
/// folder; anything else, and our end, stops it at once.
const KEEPER: &str = r#"
trap '' INT TERM HUP
signal=QUIT
read -r word && [ "$word" = keep ] && signal=INT
kill -s $signal "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ -e "$2/data/postmaster.pid" ] && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
[ $signal = INT ] || rm -rf "$2"
"#;

/// A running PostgreSQL. Dropping it stops the server and deletes its folder.
pub struct EmbeddedPostgres {
    dsn: Dsn,
    binaries: PathBuf,
    folder: Option<tempfile::TempDir>,
    account: Option<Account>,
    server: Child,
    keeper: Child,
    // Closing it is what ends the server.
    line: Option<ChildStdin>,
}

/// What `keep` leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPostgres {
    /// Holds the data folder.
    pub folder: PathBuf,
    /// Starts the server again, on the same port.
    pub start: String,
    /// Stops it.
    pub stop: String,
}

/// A user of this machine that is not root: PostgreSQL refuses to run as root.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

impl EmbeddedPostgres {
    /// Starts one: with programs found on this machine, else fetched. Takes about two seconds.
    pub async fn start(
        options: &EmbeddedOptions,
        mut progress: impl FnMut(EmbeddedStep),
    ) -> Result<Self, Error> {
        let folder =
            tempfile::Builder::new().prefix("kylo-postgres-").tempdir().map_err(failed("making a folder"))?;
        let account = account_for(folder.path()).map_err(failed("looking for a user that is not root"))?;
        let binaries = binaries::find_or_fetch(options, account.is_some(), &mut progress).await?;
        progress(EmbeddedStep::Using(binaries.clone()));
        progress(EmbeddedStep::Preparing);
        let password = uuid::Uuid::new_v4().simple().to_string();
        prepare(folder.path(), &binaries, account.as_ref(), &password, options.sync).await?;
        progress(EmbeddedStep::Starting);
        let mut folder = folder;
        for _ in 1..ATTEMPTS {
            match launch(folder, binaries.clone(), account.clone(), &password)?.ready().await {
                Ok(started) => return Ok(started),
                Err((stopped, Some(_))) => folder = stopped,
                Err((_, None)) => {
                    return Err(Error::timeout("the private PostgreSQL did not answer in 30 s"));
                }
            }
        }
        match launch(folder, binaries, account, &password)?.ready().await {
            Ok(started) => Ok(started),
            Err((_, said)) => {
                Err(Error::unexpected(said.unwrap_or_else(|| "it did not answer in 30 s".to_owned()))
                    .doing("starting a private PostgreSQL"))
            }
        }
    }
    /// Its superuser on its database `postgres`; [`create_database`](super::create_database) makes others.
    pub fn dsn(&self) -> &Dsn {
        &self.dsn
    }
    /// Stops the server and deletes its folder, as dropping does. Blocks for some tens of milliseconds.
    pub fn stop(self) {
        drop(self);
    }
    /// Stops the server in order and leaves its folder, for looking at it later.
    pub fn keep(mut self) -> KeptPostgres {
        if let Some(mut line) = self.line.take() {
            // A keeper that is gone has nobody to tell.
            let _ = line.write_all(b"keep\n");
        }
        let _ = self.server.wait();
        let _ = self.keeper.wait();
        let folder = self.folder.take().map(tempfile::TempDir::keep).unwrap_or_default();
        let pg_ctl = self.binaries.join("pg_ctl");
        let command = |action: &str| {
            let plain = format!("{} -D {} -w {action}", pg_ctl.display(), folder.join("data").display());
            match &self.account {
                None => plain,
                Some(account) => format!("su {} -s /bin/sh -c '{plain}'", account.name),
            }
        };
        let start = command(&format!("-l {} start", folder.join("data/restarted.log").display()));
        KeptPostgres { start, stop: command("stop"), folder }
    }

    /// Waits until it answers. On failure its folder, and its last words if it ended by itself.
    async fn ready(mut self) -> Result<Self, (tempfile::TempDir, Option<String>)> {
        let started = Instant::now();
        loop {
            if connect::connect(&self.dsn, Purpose::Work).await.is_ok() {
                return Ok(self);
            }
            let ended = !matches!(self.server.try_wait(), Ok(None));
            if ended || started.elapsed() > START_LIMIT {
                let said = ended.then(|| last_words(self.folder.as_ref()));
                if let Some(mut line) = self.line.take() {
                    // The folder stays for the next attempt.
                    let _ = line.write_all(b"keep\n");
                }
                let _ = self.keeper.wait();
                let _ = self.server.kill();
                let _ = self.server.wait();
                return match self.folder.take() {
                    Some(folder) => Err((folder, said)),
                    // The folder is only taken when a server is given up.
                    None => Ok(self),
                };
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        if self.line.take().is_some() {
            // Reaped before the keeper looks for it; both end within some tens of milliseconds.
            let _ = self.server.wait();
            let _ = self.keeper.wait();
        }
    }
}

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::unexpected(error.to_string()).doing(what)
}

fn last_words(folder: Option<&tempfile::TempDir>) -> String {
    let log = folder.map(|folder| folder.path().join("postgres.log")).unwrap_or_default();
    let text = fs::read_to_string(log).unwrap_or_default();
    let fatal = text.lines().rev().find(|line| line.contains("FATAL") || line.contains("ERROR"));
    fatal.or(text.lines().last()).unwrap_or("it ended without a word").to_owned()
}

/// As root, the account to run the server as; otherwise none is needed. A new folder belongs to who we are.
fn account_for(folder: &Path) -> std::io::Result<Option<Account>> {
    use std::os::unix::fs::MetadataExt;
    if fs::metadata(folder)?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let found = choose_account(&users);
    let missing = || std::io::Error::other("there is neither a user postgres nor a user nobody");
    found.map(Some).ok_or_else(missing)
}

fn choose_account(users: &str) -> Option<Account> {
    let read = |wanted: &str| {
        users.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, ..] = fields[..] else { return None };
            let account = Account { name: name.to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()? };
            (name == wanted && account.uid != 0).then_some(account)
        })
    };
    read("postgres").or_else(|| read("nobody"))
}

/// `program` as `account`, in a process group of its own so that Ctrl-C on the terminal does not reach it first.
fn command(program: &Path, account: Option<&Account>, folder: &Path) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    command.current_dir(folder).process_group(0).stdin(Stdio::null());
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

async fn prepare(
    folder: &Path,
    binaries: &Path,
    account: Option<&Account>,
    password: &str,
    sync: bool,
) -> Result<(), Error> {
    use std::os::unix::fs::{PermissionsExt, chown};
    let (data, secret) = (folder.join("data"), folder.join("password"));
    let files = || -> std::io::Result<()> {
        fs::write(&secret, "")?;
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
        fs::write(&secret, format!("{password}\n"))?;
        fs::create_dir(&data)?;
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
        if let Some(account) = account {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
            chown(&data, Some(account.uid), Some(account.gid))?;
            chown(&secret, Some(account.uid), Some(account.gid))?;
        }
        Ok(())
    };
    files().map_err(failed("preparing the folder of a private PostgreSQL"))?;
    let mut initdb = command(&binaries.join("initdb"), account, folder);
    initdb.arg("-D").arg(&data).arg("--pwfile").arg(&secret).args([
        "--username=kylo",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]);
    let mut initdb = tokio::process::Command::from(initdb);
    let done = initdb.kill_on_drop(true).output().await.map_err(failed("running initdb"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(Error::unexpected(said.trim().lines().last().unwrap_or("no reason given").to_owned())
            .doing("initdb failed"));
    }
    let durability = match sync {
        true => "",
        false => "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n",
    };
    let settings = format!(
        "\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 100\n\
         shared_buffers = 128MB\nmax_wal_size = 2GB\n{durability}"
    );
    let write = || -> std::io::Result<()> {
        fs::remove_file(&secret)?;
        let mut file = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"))?;
        file.write_all(settings.as_bytes())
    };
    write().map_err(failed("writing the settings of a private PostgreSQL"))
}

fn launch(
    folder: tempfile::TempDir,
    binaries: PathBuf,
    account: Option<Account>,
    password: &str,
) -> Result<EmbeddedPostgres, Error> {
    let data = folder.path().join("data");
    let start = || -> std::io::Result<(u16, Child)> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut settings = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"))?;
        writeln!(settings, "port = {port}")?;
        let log = fs::File::create(folder.path().join("postgres.log"))?;
        let server = command(&binaries.join("postgres"), account.as_ref(), folder.path())
            .arg("-D")
            .arg(&data)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok((port, server))
    };
    let (port, mut server) = start().map_err(failed("starting a private PostgreSQL"))?;
    let keeper = command(Path::new("/bin/sh"), None, Path::new("/"))
        .args(["-c", KEEPER, "keeper", &server.id().to_string()])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut keeper = match keeper {
        Ok(keeper) => keeper,
        Err(error) => {
            // Without a keeper nobody would end it.
            let _ = server.kill();
            let _ = server.wait();
            return Err(failed("starting the keeper of a private PostgreSQL")(error));
        }
    };
    let line = keeper.stdin.take();
    let dsn = Dsn::parse(&format!("postgres://kylo:{password}@127.0.0.1:{port}/postgres?sslmode=disable"))?;
    Ok(EmbeddedPostgres { dsn, binaries, folder: Some(folder), account, server, keeper, line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_runs_the_server_as_postgres_or_nobody() {
        let nobody = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
        assert_eq!(choose_account(nobody).map(|account| account.uid), Some(65534));
        let both = format!("{nobody}postgres:x:101:104::/var/lib/postgresql:/bin/bash\n");
        let account = choose_account(&both).unwrap();
        assert_eq!((account.name.as_str(), account.uid, account.gid), ("postgres", 101, 104));
        assert_eq!(choose_account("root:x:0:0::/:/bin/sh\npostgres:x:0:0::/:/bin/sh\nbroken\n"), None);
    }
}
