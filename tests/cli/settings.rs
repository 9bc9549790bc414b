//! Settings as an operator sees them: origins, masks, warnings.

use crate::room::Room;

#[test]
fn a_dump_shows_every_origin_and_no_secret() {
    let room = Room::new()
        .file("config/kylo/config.toml", "[profiles.stage.sheets]\nbackend = 'files'\n")
        .file(
            "kylo.toml",
            "[kafka]\nbrokers = 'file:9092'\n[kafka.client]\n\"sasl.password_file\" = '/run/secret'\n",
        )
        .file(".env", "PG_DSN_RW=postgres://kylo:hidden@db:5432/kylo\n")
        .env("KYLO_KAFKA_CLIENT_SSL_KEY_PASSWORD", "hidden")
        .env("KAFKA_TOPIC_TXNS", "their.txns");
    let run = room.kylo(&["-X", "dump", "-C", "stage", "-X", "client.id=me", "--timeout", "2s"]);
    assert!(!run.stdout.contains("hidden"), "{}", run.stdout);
    insta::assert_snapshot!(room.told(&[run]));
}

#[test]
fn a_dump_in_every_format() {
    let room = Room::new();
    let line = |format: &str| {
        let run = room.kylo(&["-X", "dump", "-o", format]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let lines: Vec<&str> = run.stdout.lines().take(4).collect();
        let cut: Vec<String> = lines.iter().map(|line| line.chars().take(160).collect()).collect();
        format!("{format}:\n{}\n", cut.join("\n"))
    };
    insta::assert_snapshot!(["table", "wide", "json", "jsonl", "yaml", "csv"].map(line).join("\n"));
}

#[test]
fn what_is_odd_is_told() {
    let room = Room::new()
        .file("kylo.toml", "[kafka]\nbroker = 'file:9092'\n[topics]\ntxns = 't'\n")
        .env("PG_DSN_RW", "postgres://one/db")
        .env("DATABASE_URL", "postgres://two/db");
    insta::assert_snapshot!(room.told(&[
        room.kylo(&[
            "-X",
            "dump",
            "-o",
            "jsonl",
            "-q",
            "-X",
            "sasl.password=x",
            "--no-headers",
            "-C",
            "none"
        ]),
        room.kylo(&["help", "exit-codes", "-o", "json", "--database-url", "postgres://u:p@h/d"]),
    ]));
}

#[test]
fn a_projects_file_cannot_make_kylo_run_anything() {
    let room = Room::new().file("kylo.toml", "[database]\nurl_cmd = 'touch ran'\n");
    let run = room.kylo(&["-X", "dump"]);
    assert_eq!(run.code, Some(2));
    assert!(!room.folder().join("ran").exists());
    insta::assert_snapshot!(room.told(&[run]));
}

#[test]
fn a_file_that_cannot_be_read_shows_no_line_of_it() {
    let room = Room::new().file("kylo.toml", "[database]\nurl = \"postgres://u:hidden@h/d\n");
    let run = room.kylo(&["-X", "dump"]);
    assert!(!run.stderr.contains("hidden"));
    insta::assert_snapshot!(room.told(&[run]));
}
