#!/bin/sh
# The ledger from an empty broker and an empty database to posted rows and a replayed dead letter, checked at
# every step: put it into a pipeline that has a Kafka and a PostgreSQL at hand.
#
#   KAFKA_BROKERS=127.0.0.1:9092 PG_DSN_RW=postgres://kylo:kylo@127.0.0.1:5432/kylo sh examples/ci-smoke.sh
#
# Needs kylo on the PATH and nothing else. Uses the topics, groups and database its environment names, and leaves
# what it made there: give it names of its own (KAFKA_TOPIC_TXNS, KAFKA_GROUP_TXNS ...) where others work too.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/kylo-smoke.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

: "${KAFKA_BROKERS:?set it to host:port of your brokers}"
: "${PG_DSN_RW:?set it to the database, as in postgres://user:password@host:5432/name}"
topic=${KAFKA_TOPIC_TXNS:-txns.company.batches}
group=${KAFKA_GROUP_TXNS:-kylo-workers-txns}
KYLO_SHEETS_BACKEND=files
KYLO_SHEETS_FOLDER=$work/sheets
export KYLO_SHEETS_BACKEND KYLO_SHEETS_FOLDER

step() { printf '== %s\n' "$*" >&2; "$@"; }
fail() { printf 'ci-smoke: %s\n' "$*" >&2; exit 1; }
# The JSON that a command prints, on one line without spaces, so that it can be matched with what sh has.
json() { kylo "$@" --output json | tr -d ' \n'; }
expect() { # WHAT JSON PATTERN
  # shellcheck disable=SC2254  # the pattern is meant to be one
  case $2 in $3) printf '   ok: %s\n' "$1" >&2 ;; *) fail "$1: expected $3, seen $2" ;; esac
}
rows() { if [ -f "$1" ]; then tail -n +2 "$1" | wc -l | tr -d ' '; else echo 0; fi; }
same() { [ "$2" = "$3" ] || fail "$1: expected $2, seen $3"; printf '   ok: %s\n' "$1" >&2; }

# Create, migrate, seed: each can be run again.
step kylo topics create --pipeline ledger --yes
step kylo db migrate --yes
step kylo seed "$here/companies.toml" --yes
expect "the topic is there" "$(json topics list)" "*\"$topic\"*"

# Shadow: everything but the sheets.
step kylo send txns "$here/payloads/three-transactions.json"
step kylo consume txns --shadow --exit-when-idle
[ ! -e "$KYLO_SHEETS_FOLDER" ] || fail "shadow wrote a sheet"

# Live: two rows for 710, one for 711; sending again changes nothing.
pending_710=$KYLO_SHEETS_FOLDER/ledger-710/710%20Pending.csv
pending_711=$KYLO_SHEETS_FOLDER/ledger-711/711%20Pending.csv
step kylo consume txns --live --exit-when-idle
same "rows of 710" 2 "$(rows "$pending_710")"
same "rows of 711" 1 "$(rows "$pending_711")"
step kylo send txns "$here/payloads/three-transactions.json"
step kylo consume txns --live --exit-when-idle
same "rows of 710 after the same again" 2 "$(rows "$pending_710")"
lag=$(json groups describe "$group")
expect "the group is known" "$lag" "*\"lag\":*"
case $lag in *'"lag":'[1-9]* | *'"lag":"'[1-9]*) fail "lag is left: $lag" ;; *) ;; esac

# A message that cannot be read: a dead letter; sent back once; and then it stays, which replay says with exit 7.
step kylo topics produce "$topic" -k 710 <<'POISON'
this is not a batch
POISON
step kylo consume txns --live --exit-when-idle
expect "one dead letter" "$(json dlq list "$topic.dlq")" '*"permanent"*'
step kylo dlq replay "$topic.dlq" --max-retries 1 --yes
step kylo consume txns --live --exit-when-idle
code=0
step kylo dlq replay "$topic.dlq" --max-retries 1 --yes || code=$?
same "exit code of a replay that leaves one behind" 7 "$code"

printf 'ci-smoke: all is well\n' >&2
