//! The order of the layers, in a closed environment.

use super::*;
use std::path::Path;

struct Room {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
    flags: Flags,
}

impl Room {
    fn new() -> Self {
        Room { folder: tempfile::tempdir().unwrap(), variables: Vec::new(), flags: Flags::default() }
    }
    fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }
    fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }
    fn flag(mut self, key: &'static str, flag: &'static str, value: &str) -> Self {
        self.flags.values.push((key, flag, value.to_owned()));
        self
    }
    fn property(mut self, typed: &str) -> Self {
        self.flags.properties.push(typed.to_owned());
        self
    }
    fn load(&self) -> Result<Loaded> {
        let environment = Environment {
            variables: self.variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            folder: self.folder.path().join("work/here"),
            user_config: Some(self.folder.path().join("config")),
            user_cache: None,
            user_state: None,
        };
        load(environment, &self.flags)
    }
    fn settings(&self) -> Settings {
        let loaded = self.load().unwrap();
        assert_eq!(loaded.warnings, Vec::<String>::new());
        loaded.settings
    }
    fn path(&self) -> &Path {
        self.folder.path()
    }
}

#[test]
fn only_a_typed_timeout_is_about_the_whole_run() {
    let typed = |room: &Room| room.settings().typed_timeout().map(|span| span.as_secs());
    let room =
        Room::new().file("work/kylo.toml", "[kafka]\ntimeout = '5s'\n").env("KYLO_KAFKA_TIMEOUT", "6s");
    assert_eq!(room.settings().timeout(), Duration::from_secs(6));
    assert_eq!(typed(&room), None);
    // The same as the default, and yet somebody's word.
    let room = room.flag("kafka.timeout", "--timeout", "10s");
    assert_eq!(typed(&room), Some(10));
}

#[test]
fn librdkafkas_names_of_the_brokers_are_the_setting() {
    let told = |room: &Room| {
        let loaded = room.load().unwrap();
        let config = loaded.settings.kafka().unwrap();
        assert_eq!(config.properties, [], "{:?}", loaded.settings.get("kafka.brokers"));
        (
            config.brokers,
            loaded.settings.get("kafka.brokers").unwrap().origin.to_string(),
            loaded.warnings.len(),
        )
    };
    for name in ["bootstrap.servers", "metadata.broker.list"] {
        let profile = format!("profile = 'stage'\n[profiles.stage.kafka.client]\n\"{name}\" = 'profile:1'\n");
        let room = Room::new().file("config/config.toml", &profile);
        assert_eq!(told(&room), ("profile:1".into(), "profile stage".into(), 0));
        let file = format!("[kafka]\nbrokers = 'other:1'\n[kafka.client]\n{name} = 'file:1'\n");
        let room = room.file("work/kylo.toml", &file);
        let path = room.path().join("work/kylo.toml").display().to_string();
        assert_eq!(told(&room), ("file:1".into(), path, 1));
        let variable = match name {
            "bootstrap.servers" => "KYLO_KAFKA_CLIENT_BOOTSTRAP_SERVERS",
            _ => "KYLO_KAFKA_CLIENT_METADATA_BROKER_LIST",
        };
        let room = room.env(variable, "env:1");
        assert_eq!(told(&room).0, "env:1");
        for typed in [format!("{name}=flag:1"), format!("kafka.client.{name}=flag:1")] {
            let mut room = Room::new().property(&typed);
            assert_eq!(told(&room), ("flag:1".into(), "flag -X".into(), 0), "{typed}");
            room = room.flag("kafka.brokers", "--brokers", "brokers:1");
            assert_eq!(told(&room), ("brokers:1".into(), "flag --brokers".into(), 0));
        }
    }
}

#[test]
fn a_typed_key_of_ours_that_does_not_exist_is_refused_with_the_nearest() {
    let table = [
        ("kafka.brokrs=x:1", Some("did you mean `kafka.brokers`?")),
        ("topics.txn=t", Some("did you mean `topics.txns`?")),
        ("state.zzzzzzzzzzz=t", Some("kylo help settings")),
        ("topics.txns_file=/nowhere", Some("did you mean `topics.txns`?")),
        ("log.queue=true", None),
        ("topic.metadata.refresh.interval.ms=1", None),
        ("linger.ms=1", None),
    ];
    for (typed, hint) in table {
        let loaded = Room::new().property(typed).load();
        assert_eq!(loaded.err().map(|error| error.hints().to_vec()), hint.map(|hint| vec![hint.to_owned()]));
    }
}

#[test]
fn each_layer_covers_the_one_below() {
    let brokers = |room: &Room| room.settings().get("kafka.brokers").unwrap().clone();
    let room = Room::new();
    assert_eq!(brokers(&room), Sourced { value: "127.0.0.1:9092".into(), origin: Origin::Default });
    let room =
        room.file("config/config.toml", "profile = 'stage'\n[profiles.stage.kafka]\nbrokers = 'profile:1'\n");
    assert_eq!(
        brokers(&room),
        Sourced { value: "profile:1".into(), origin: Origin::Profile("stage".into()) }
    );
    let room = room.file("work/kylo.toml", "[kafka]\nbrokers = 'file:1'\n");
    let path = room.path().join("work/kylo.toml").display().to_string();
    assert_eq!(brokers(&room), Sourced { value: "file:1".into(), origin: Origin::File(path) });
    let room = room.file("work/here/.env", "KAFKA_BOOTSTRAP_SERVERS=dotenv:1\n");
    let origin =
        Origin::DotEnv(format!("{}: KAFKA_BOOTSTRAP_SERVERS", room.path().join("work/here/.env").display()));
    assert_eq!(brokers(&room), Sourced { value: "dotenv:1".into(), origin });
    let room = room.env("KAFKA_BROKERS", "env:1");
    assert_eq!(
        brokers(&room),
        Sourced { value: "env:1".into(), origin: Origin::Env("KAFKA_BROKERS".into()) }
    );
    let room = room.flag("kafka.brokers", "--brokers", "flag:1");
    assert_eq!(brokers(&room), Sourced { value: "flag:1".into(), origin: Origin::Flag("--brokers") });
}

#[test]
fn names_for_one_key_have_an_order_and_a_quarrel_is_told() {
    let room = Room::new()
        .env("DATABASE_URL", "postgres://second")
        .env("PG_DSN_RW", "postgres://first")
        .env("KAFKA_BROKERS", "same:1")
        .env("KAFKA_BOOTSTRAP_SERVERS", "same:1");
    let loaded = room.load().unwrap();
    assert_eq!(loaded.settings.database_url().unwrap().expose(), "postgres://first");
    assert_eq!(
        loaded.warnings,
        ["PG_DSN_RW and DATABASE_URL disagree about database.url: PG_DSN_RW is used"]
    );
}

#[test]
fn libpqs_variables_make_a_connection_string() {
    let room = Room::new().env("PGHOST", "db").env("PGUSER", "kylo").env("PGPASSWORD", "it's");
    assert_eq!(room.settings().database_url().unwrap().expose(), "host='db' user='kylo' password='it\\'s'");
    let room = Room::new().env("PGHOST", "elsewhere").env("DATABASE_URL", "postgres://u@db/d");
    assert_eq!(room.load().unwrap().warnings.len(), 1);
    let room = Room::new().env("PGPASSWORD", "x").env("DATABASE_URL", "postgres://u@db/d");
    assert_eq!(room.settings().database_url().unwrap().expose(), "postgres://u@db/d");
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_name() {
    let room = Room::new().file("work/kylo.toml", "[kafka]\nbroker = 'x:1'\n");
    let warnings = room.load().unwrap().warnings;
    let path = room.path().join("work/kylo.toml");
    assert_eq!(
        warnings,
        [format!("unknown key kafka.broker in {}, did you mean `kafka.brokers`?", path.display())]
    );
}

#[test]
fn a_value_that_cannot_be_names_its_origin() {
    let error = Room::new().env("KYLO_SHEETS_POST", "maybe").load().unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Usage);
    assert_eq!(
        error.to_string(),
        "sheets.post must be true or false, not \"maybe\": it is set by environment KYLO_SHEETS_POST"
    );
}

#[test]
fn properties_come_from_file_environment_and_flag() {
    let room = Room::new()
        .file("work/kylo.toml", "[kafka.client]\nsecurity.protocol = 'SSL'\n\"client.id\" = 'file'\n")
        .env("KYLO_KAFKA_CLIENT_SASL_USERNAME", "kylo")
        .property("client.id=flag")
        .property("topics.txns=t");
    let settings = room.settings();
    let properties: Vec<(&str, &str)> = settings.client_properties().collect();
    assert_eq!(properties, [("security.protocol", "SSL"), ("sasl.username", "kylo"), ("client.id", "flag")]);
    assert_eq!(settings.name(("topics.txns", "default")), "t");
}

#[test]
fn secrets_are_read_from_files_and_commands_and_never_shown() {
    let room = Room::new()
        .file("work/url", "postgres://u:hidden@h/d\n")
        .file("work/kylo.toml", "[database]\nurl_file = 'url'\n")
        .env("KYLO_KAFKA_CLIENT_SASL_PASSWORD_CMD", "echo hidden")
        .env("KYLO_KAFKA_CLIENT_SSL_KEY_PASSWORD", "hidden");
    let settings = room.settings();
    assert_eq!(settings.database_url().unwrap().expose(), "postgres://u:hidden@h/d");
    let config = settings.kafka().unwrap();
    assert!(config.properties.contains(&("sasl.password".to_owned(), "hidden".to_owned())));
    let dump = format!("{:?} {settings:?}", settings.dump());
    assert!(!dump.contains("hidden"), "{dump}");
    assert!(dump.contains("kafka.client.sasl.password"), "{dump}");
}

#[test]
fn a_projects_file_runs_nothing() {
    for text in ["[database]\nurl_cmd = 'touch x'\n", "[kafka.client]\nplugin.library.paths = './evil'\n"] {
        let error = Room::new().file("work/kylo.toml", text).load().unwrap_err();
        assert!(error.message().contains("may not be set in a project's file"), "{error}");
    }
}

#[test]
fn a_missing_profile_is_told() {
    let mut room = Room::new().file("config/config.toml", "[profiles.production.kafka]\nbrokers = 'p:1'\n");
    room.flags.profile = Some("producton".into());
    let error = room.load().unwrap_err();
    assert!(error.hints().iter().any(|hint| hint.contains("did you mean `production`?")), "{error:?}");
}

#[test]
fn the_environment_is_the_process_then_dot_env() {
    let room = Room::new().file("work/here/.env", "SHEET_710=abc\nBOTH=file\n").env("BOTH", "process");
    let settings = room.settings();
    assert_eq!(settings.environment("SHEET_710").as_deref(), Some("abc"));
    assert_eq!(settings.environment("BOTH").as_deref(), Some("process"));
    assert_eq!(settings.environment("NEITHER"), None);
}

#[test]
fn paths_are_relative_to_the_file_they_stand_in() {
    let room = Room::new().file("work/kylo.toml", "[sheets]\nbackend = 'files'\nfolder = 'tabs'\n");
    assert_eq!(room.settings().path("sheets.folder"), Some(room.path().join("work/tabs")));
    assert_eq!(
        room.settings().sheets().unwrap(),
        crate::sheets::Config::Files { folder: room.path().join("work/tabs") }
    );
    let room = room.env("KYLO_SHEETS_FOLDER", "tabs");
    assert_eq!(room.settings().path("sheets.folder"), Some(room.path().join("work/here/tabs")));
}

#[test]
fn durations() {
    let table = [
        ("10s", Some(Duration::from_secs(10))),
        ("500ms", Some(Duration::from_millis(500))),
        ("2m", Some(Duration::from_secs(120))),
        ("3", Some(Duration::from_secs(3))),
        ("-3s", None),
        ("soon", None),
        ("0", None),
        ("0s", None),
    ];
    for (text, expected) in table {
        assert_eq!(parse_duration(text).ok(), expected, "{text}");
    }
}
