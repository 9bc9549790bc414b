//! The rooms under `postgres/` on a server of their own: the one `kylo demo` starts.

use kylo::consent::WriteToken;
use kylo::model::company::{CompanyChange, CompanyConfig};
use kylo::model::migration::MigrationSet;
use kylo::model::secret::Secret;
use kylo::postgres::embedded::{EmbeddedOptions, EmbeddedPostgres};
use kylo::postgres::migrate::{Home, Migrator};
use kylo::postgres::rollout::{self, Fault};
use kylo::postgres::{Dsn, Error, PoolLimits, Pools};
use std::time::{Duration, Instant};

async fn server() -> EmbeddedPostgres {
    let search_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect());
    let options = EmbeddedOptions {
        search_path: search_path.unwrap_or_default(),
        cache_folder: std::env::temp_dir().join("kylo-live-postgres"),
        sync: false,
    };
    EmbeddedPostgres::start(&options, |_| {}).await.expect("starting a PostgreSQL")
}

fn token() -> WriteToken {
    WriteToken::by_command("test")
}

async fn connects(dsn: &str) -> Result<String, Error> {
    let lease = Pools::new(PoolLimits::default()).get(&Dsn::parse(dsn)?).await?;
    Ok(lease.reached().await?.tls.unwrap_or_else(|| "plain".to_owned()))
}

/// Waits until `check` holds; what it waits for is somebody else's doing, so that it may take a moment.
async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !check().await {
        assert!(started.elapsed() < Duration::from_secs(10), "{what} did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_private_server_comes_and_goes() {
    let server = server().await;
    let dsn = server.dsn().clone();
    let made = kylo::postgres::create_database(&dsn, &token(), "kylo_demo_1").await.unwrap();
    assert!(made.display().starts_with("kylo_demo_1 on 127.0.0.1:"));
    let pools = Pools::new(PoolLimits::default());
    let lease = pools.get(&made).await.unwrap();
    assert_eq!(lease.reached().await.unwrap().database, "kylo_demo_1");
    // Also while somebody is connected.
    kylo::postgres::drop_database(&dsn, &token(), "kylo_demo_1").await.unwrap();
    assert_eq!(
        pools.get(&made).await.err().and_then(|error| error.sqlstate().map(str::to_owned)).as_deref(),
        Some("3D000")
    );
    server.stop();
    let started = Instant::now();
    let error = kylo::error::Error::from(Pools::new(PoolLimits::default()).get(&dsn).await.err().unwrap());
    assert_eq!(error.kind().exit_code(), 5, "{error}");
    assert!(started.elapsed() < Duration::from_millis(100), "a refused port took {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_server_can_be_started_again() {
    let server = server().await;
    let dsn = server.dsn().clone();
    let kept = server.keep();
    let shell = |line: &str| {
        let done = std::process::Command::new("/bin/sh").args(["-c", line]).output().unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    };
    shell(&kept.start);
    let answer = Pools::new(PoolLimits::default()).get(&dsn).await.map(|_| ());
    shell(&kept.stop);
    std::fs::remove_dir_all(&kept.folder).unwrap();
    answer.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_are_bounded_and_never_lend_what_is_broken() {
    let server = server().await;
    let one = server.dsn().clone();
    let two = kylo::postgres::create_database(&one, &token(), "two").await.unwrap();
    let pools = Pools::new(PoolLimits { total: 2, per_dsn: 2 });
    let first = pools.get(&one).await.unwrap();
    let second = pools.get(&one).await.unwrap();
    assert_eq!(pools.open(), 2);
    // The bound is over all databases: the next one waits for a connection to be given back, and gets its place.
    let waiting = tokio::spawn({
        let (pools, two) = (pools.clone(), two.clone());
        async move { pools.get(&two).await.map(|lease| lease.dsn().clone()) }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    drop(first);
    assert_eq!(waiting.await.unwrap().unwrap(), two);
    drop(second);
    // Idle ones of other databases make room.
    assert!(pools.open() <= 2);
    let both = (pools.get(&one).await.unwrap(), pools.get(&one).await.unwrap());
    assert_eq!(pools.open(), 2);
    drop(both);
    // A transaction that was left unfinished takes its connection with it.
    let mut lease = pools.get(&one).await.unwrap();
    let before = pools.open();
    let transaction = lease.begin().await.unwrap();
    drop(transaction);
    drop(lease);
    assert_eq!(pools.open(), before - 1);
    let mut lease = pools.get(&one).await.unwrap();
    lease.begin().await.unwrap().rollback().await.unwrap();
    let open = pools.open();
    drop(lease);
    assert_eq!(pools.open(), open, "a connection in order is kept");
    // So does a statement: it waits for a table that somebody holds, and its caller gives up.
    let mut holder = pools.get(&two).await.unwrap();
    assert!(!kylo::postgres::company::table_exists(&mut holder).await.unwrap());
    drop(holder);
    Migrator::open(&two).await.unwrap().apply(&token(), MigrationSet::Control).await.unwrap();
    let (client, connection) =
        tokio_postgres::connect(two.secret().expose(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("begin; lock table control.company_config").await.unwrap();
    let mut lease = pools.get(&two).await.unwrap();
    let before = pools.open();
    let limit = Duration::from_millis(300);
    tokio::time::timeout(limit, kylo::postgres::company::all(&mut lease)).await.expect_err("it waits");
    drop(lease);
    assert_eq!(pools.open(), before - 1, "nobody gets it");
    eventually("the statement is cancelled", async || {
        let waiting = "select from pg_stat_activity where wait_event_type = 'Lock'";
        client.query(waiting, &[]).await.unwrap().is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_run_once_also_when_two_run_them() {
    let server = server().await;
    let dsn = kylo::postgres::create_database(server.dsn(), &token(), "ledger").await.unwrap();
    let plan = rollout::survey(&dsn).await.unwrap().databases.remove(0);
    assert_eq!(plan.pending(), 10);
    let error = kylo::postgres::migrate::require_current(&Pools::new(PoolLimits::default()), &dsn).await;
    let error = kylo::error::Error::from(error.unwrap_err());
    assert_eq!((error.kind().exit_code(), error.hints()), (7, &["kylo db migrate".to_owned()][..]));
    let yes = token();
    let (one, two) = tokio::join!(rollout::migrate(&plan, &yes), rollout::migrate(&plan, &yes));
    assert_eq!(one.unwrap().len() + two.unwrap().len(), 10);
    kylo::postgres::migrate::require_current(&Pools::new(PoolLimits::default()), &dsn).await.unwrap();

    let mut migrator = Migrator::open(&dsn).await.unwrap();
    let home = |id: &str, schema: &str| Home { company_id: id.to_owned(), schema: schema.to_owned() };
    let homes = [home("710", "app_710"), home("o'clock", "app_odd")];
    for _ in 0..2 {
        migrator.create_homes(&yes, &homes).await.unwrap();
    }
    assert!(migrator.missing_homes(&homes).await.unwrap().is_empty());
    assert!(migrator.missing_homes(&[home("710", "elsewhere")]).await.is_err());
    let steps = migrator.steps(MigrationSet::Control).await.unwrap();
    assert!(steps.iter().all(|step| step.applied_on.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn seeding_checks_everything_first_and_prunes_only_what_is_empty() {
    let server = server().await;
    let yes = token();
    let control = kylo::postgres::create_database(server.dsn(), &yes, "control").await.unwrap();
    let other = kylo::postgres::create_database(server.dsn(), &yes, "other").await.unwrap();
    let plan = rollout::survey(&control).await.unwrap().databases.remove(0);
    rollout::migrate(&plan, &yes).await.unwrap();
    let company = |id: &str, dsn: &str| CompanyConfig {
        company_id: id.to_owned(),
        db_dsn_rw: Secret::new(dsn.to_owned()),
        db_schema: format!("app_{id}"),
        spreadsheet_id: format!("book-{id}"),
        tab_pending: "Pending".to_owned(),
        tab_active: "Active".to_owned(),
    };
    let here = control.secret().expose().as_str();
    let there = other.secret().expose().as_str();
    let file = [company("710", here), company("711", there), company("712", there)];
    let pools = Pools::new(PoolLimits::default());
    let words = |changes: &[CompanyChange]| changes.iter().map(CompanyChange::word).collect::<Vec<_>>();

    // Two databases away are two faults, and nothing is written.
    let mut away = file.to_vec();
    away[0].db_dsn_rw = Secret::new("postgres://kylo@127.0.0.1:1/x".to_owned());
    away[1].db_dsn_rw = Secret::new("postgres://kylo@127.0.0.1:1/y".to_owned());
    let faults = rollout::plan_seed(&pools, &control, &away, false).await.unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults.iter().all(|fault| matches!(fault, Fault::Database(_))));

    let plan = rollout::plan_seed(&pools, &control, &file, false).await.unwrap();
    assert_eq!(words(&plan.changes), ["insert"; 3]);
    rollout::seed(&pools, &plan, &yes).await.unwrap();
    let plan = rollout::plan_seed(&pools, &control, &file, false).await.unwrap();
    assert!(plan.is_empty());
    let survey = rollout::survey(&control).await.unwrap();
    assert_eq!(survey.databases.len(), 2);
    assert!(survey.databases.iter().all(rollout::DatabasePlan::is_current));

    // A tab of a company that the file does not list is taken all the same.
    let mut thief = company("713", here);
    thief.spreadsheet_id = "book-711".to_owned();
    let faults = rollout::plan_seed(&pools, &control, &[thief], false).await.unwrap_err();
    assert!(matches!(&faults[..], [Fault::Clash(text), ..] if text.contains("711")), "{faults:?}");
    // Rows do not follow a company into another schema.
    let mut moved = company("710", here);
    moved.db_schema = "elsewhere".to_owned();
    assert!(rollout::plan_seed(&pools, &control, &[moved], false).await.is_err());

    let (client, connection) = tokio_postgres::connect(there, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let rule = "insert into app.rules_pending (company_id, source, source_norm, target_sheet, target_header, \
                content_hash) values ('711', 's', 's', 't', 'h', 'x')";
    client.batch_execute(rule).await.unwrap();
    let plan = rollout::plan_seed(&pools, &control, &file[..1], true).await.unwrap();
    assert_eq!(words(&plan.changes), ["unchanged", "keep: it has data", "remove"]);
    rollout::seed(&pools, &plan, &yes).await.unwrap();
    let mut lease = pools.get(&control).await.unwrap();
    let left = kylo::postgres::company::all(&mut lease).await.unwrap();
    assert_eq!(left, file[..2]);
    assert_eq!(kylo::postgres::company::one(&mut lease, "712").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn sslmode_means_what_libpq_says() {
    const CERTIFICATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/certificates");
    let server = server().await;
    let plain = server.dsn().secret().expose().replace("?sslmode=disable", "");
    for mode in ["disable", "allow", "prefer"] {
        assert_eq!(connects(&format!("{plain}?sslmode={mode}")).await.unwrap(), "plain", "{mode}");
    }
    assert!(connects(&format!("{plain}?sslmode=require")).await.is_err(), "the server has no TLS yet");

    let (client, connection) = tokio_postgres::connect(&plain, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for file in ["server.pem", "server.key"] {
        let text = std::fs::read_to_string(format!("{CERTIFICATES}/{file}")).unwrap();
        let quoted = text.lines().map(|line| format!("('{line}')")).collect::<Vec<_>>().join(",");
        let copy = format!("copy (values {quoted}) to program 'umask 077; cat > {file}'");
        client.batch_execute(&copy).await.unwrap();
    }
    for setting in ["ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.key'", "ssl = on"] {
        client.batch_execute(&format!("alter system set {setting}")).await.unwrap();
    }
    client.batch_execute("select pg_reload_conf()").await.unwrap();
    eventually("TLS", async || connects(&format!("{plain}?sslmode=require")).await.is_ok()).await;

    let (ca, other) = (format!("{CERTIFICATES}/ca.pem"), format!("{CERTIFICATES}/other.pem"));
    let named = plain.replace("127.0.0.1", "localhost");
    let table = [
        (&plain, "sslmode=disable".to_owned(), Some(false)),
        (&plain, "sslmode=allow".to_owned(), Some(false)),
        (&plain, "sslmode=prefer".to_owned(), Some(true)),
        (&plain, "sslmode=require".to_owned(), Some(true)),
        (&plain, format!("sslmode=require&sslrootcert={other}"), None),
        (&plain, format!("sslmode=verify-ca&sslrootcert={ca}"), Some(true)),
        (&plain, format!("sslmode=verify-ca&sslrootcert={other}"), None),
        (&plain, format!("sslmode=verify-full&sslrootcert={ca}"), None),
        (&named, format!("sslmode=verify-full&sslrootcert={ca}"), Some(true)),
        (&named, format!("sslmode=verify-full&sslrootcert={other}"), None),
        (&named, "sslmode=verify-full".to_owned(), None),
        (&named, "sslmode=verify-full&sslrootcert=/no/such/file".to_owned(), None),
    ];
    for (base, options, expected) in table {
        let seen = connects(&format!("{base}?{options}")).await;
        let encrypted = seen.as_ref().ok().map(|tls| tls.starts_with("TLS"));
        assert_eq!(encrypted, expected, "{options}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_swallows_everything_costs_one_word_and_not_one_for_each_connection() {
    let server = server().await;
    let url = server.dsn().secret().expose().clone();
    let target = url.rsplit('@').next().and_then(|rest| rest.split('/').next()).unwrap().to_owned();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // What connected before the flag is set is half-open from then on.
    let (swallow, swallowed) = tokio::sync::watch::channel(false);
    let to = target.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut dead = swallowed.clone();
            let born_dead = *dead.borrow();
            let target = to.clone();
            tokio::spawn(async move {
                let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
                let died = async { drop(dead.wait_for(|dead| *dead && !born_dead).await) };
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    () = died => std::future::pending().await,
                }
            });
        }
    });
    let dsn = Dsn::parse(&url.replace(&target, &address.to_string())).unwrap();
    let pools = Pools::new(PoolLimits { total: 4, per_dsn: 4 });
    let mut leases = Vec::new();
    for _ in 0..4 {
        leases.push(pools.get(&dsn).await.unwrap());
    }
    drop(leases);
    assert_eq!(pools.open(), 4);
    swallow.send(true).unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let started = Instant::now();
    let lease = pools.get(&dsn).await.unwrap();
    lease.reached().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(pools.open(), 1, "the others go with it");
}
