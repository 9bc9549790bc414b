#!/usr/bin/env bash
# tests/servers/run.sh COMMAND [ARGUMENT...]
#
# Runs COMMAND beside a real Apache Kafka (KRaft, one node) and a real PostgreSQL, on free loopback ports with
# their data in a temporary folder. COMMAND finds them in KYLO_TEST_BROKERS and KYLO_TEST_DATABASE_URL; when one
# of these is set already, that server is used and none is started for it. Both end with COMMAND, also after
# Ctrl-C, TERM, or a kill -9 of this script; so does the folder KYLO_TEST_FOLDER, for what COMMAND starts by itself
# with the jars in KYLO_TEST_KAFKA_JARS. Exit code: COMMAND's; 69 when a server cannot be had.
#
#   KYLO_TEST_FSYNC=on      PostgreSQL syncs to disk (benches; off by default)
#   KYLO_TEST_KEEP_LOGS=DIR copies both servers' logs to DIR at the end
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/prerequisites.sh"

# The one place of its version is the pom.
kafka_version=$(sed -n '/<artifactId>kafka_/,/<\/dependency>/s:.*<version>\(.*\)</version>.*:\1:p' "$here/pom.xml")
start_limit=60 # seconds a server may take until it answers
jars=${CARGO_TARGET_DIR:-$here/../../target}/servers/kafka-$kafka_version
data= kafka_pid= postgres_pid= command_group=

# ---- the keeper: a process that outlives us, whatever ends us, and ends what we started -------------------------
# It reads "group PID", "server PID", "folder PATH" from a pipe whose only other end is ours. End of file means
# that we are gone. Everything we start must therefore close descriptor 9.
keeper() {
  trap '' INT TERM HUP
  local groups=() servers=() folder= kind value
  while read -r kind value; do
    case $kind in
      group) groups+=("$value") ;;
      server) servers+=("$value") ;;
      folder) folder=$value ;;
      done) groups=() ;;
    esac
  done
  local pid waited=0
  for pid in ${groups[@]+"${groups[@]}"}; do kill -TERM -- "-$pid" 2>/dev/null || true; done
  for pid in ${groups[@]+"${groups[@]}"}; do
    while kill -0 "$pid" 2>/dev/null && [ $waited -lt 50 ]; do sleep 0.1; waited=$((waited + 1)); done
    kill -KILL -- "-$pid" 2>/dev/null || true
  done
  # Nobody will read the servers' data again. QUIT is PostgreSQL's immediate shutdown, which takes its children
  # along; the broker is one process and prints its threads at QUIT, so its end is KILL.
  for pid in ${servers[@]+"${servers[@]}"}; do kill -QUIT "$pid" 2>/dev/null || true; done
  sleep 0.2
  for pid in ${servers[@]+"${servers[@]}"}; do kill -KILL "$pid" 2>/dev/null || true; done
  if [ -n "$folder" ]; then
    if [ -n "${KYLO_TEST_KEEP_LOGS:-}" ]; then
      mkdir -p "$KYLO_TEST_KEEP_LOGS" && cp "$folder"/*.log "$KYLO_TEST_KEEP_LOGS"/ 2>/dev/null || true
    fi
    rm -rf "$folder"
  fi
}

say() { printf 'servers: %s\n' "$*" >&2; }

fail() {
  say "$1"
  [ -z "${2:-}" ] || { [ -f "$2" ] && tail -n 30 "$2" >&2; } || true
  exit 69
}

# A port nobody listens on. Another process may take it before our server does: starting is tried again then.
free_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# Asks a broker which requests it knows (ApiVersions, version 0) and waits for the answer's length and our number.
kafka_answers() {
  local port=$1 answer
  answer=$(
    exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
    printf '\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x2a\xff\xff' >&3
    head -c 8 <&3 | od -An -tx1 | tr -d ' \n'
  ) 2>/dev/null
  case $answer in ????????0000002a) return 0 ;; *) return 1 ;; esac
}

start_kafka() {
  local port controller id
  port=$(free_port) controller=$(free_port)
  cat >"$data/kafka.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
log.dirs=$data/kafka
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
group.consumer.min.session.timeout.ms=500
group.consumer.min.heartbeat.interval.ms=100
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
PROPERTIES
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 1-22)
  rm -rf "$data/kafka"
  java -XX:-UsePerfData -Djava.io.tmpdir="$data" -cp "$jars/*" kafka.tools.StorageTool format --cluster-id="$id" -c "$data/kafka.properties" \
    >"$data/kafka-format.log" 2>&1 9>&- || fail "formatting the broker's folder failed" "$data/kafka-format.log"
  java -Xmx1g -XX:-UsePerfData -Djava.io.tmpdir="$data" -Dorg.slf4j.simpleLogger.defaultLogLevel=info -Dorg.slf4j.simpleLogger.showDateTime=true \
    -cp "$jars/*" kafka.Kafka "$data/kafka.properties" >"$data/kafka.log" 2>&1 </dev/null 9>&- &
  kafka_pid=$!
  disown "$kafka_pid" # its end is no news
  echo "server $kafka_pid" >&9
  local deadline=$((SECONDS + start_limit))
  until grep -qs 'Kafka Server started' "$data/kafka.log" && kafka_answers "$port"; do
    kill -0 "$kafka_pid" 2>/dev/null || return 1
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.1
  done
  export KYLO_TEST_BROKERS=127.0.0.1:$port
  say "Apache Kafka $kafka_version at $KYLO_TEST_BROKERS, cluster $id"
}

# Asks for TLS and takes either answer: PostgreSQL is up when its main process reads requests.
postgres_answers() {
  local port=$1 answer
  answer=$(
    exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
    printf '\x00\x00\x00\x08\x04\xd2\x16\x2f' >&3
    head -c 1 <&3
  ) 2>/dev/null
  [ "$answer" = N ] || [ "$answer" = S ]
}

start_postgres() {
  local port bin
  bin=$(postgres_bin)
  port=$(free_port)
  rm -rf "$data/postgres"
  mkdir "$data/postgres"
  printf 'kylo\n' >"$data/password"
  # PostgreSQL refuses to run as root: then it runs as another user of the machine.
  local other=() user=postgres
  if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || user=nobody
    chown "$user" "$data/postgres" "$data/password"
    other=(setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups env HOME="$data")
  fi
  (cd "$data" && exec ${other[@]+"${other[@]}"} "$bin/initdb" -D "$data/postgres" -U kylo \
    --pwfile="$data/password" -E UTF8 --locale=C --auth=scram-sha-256 --no-sync) >"$data/initdb.log" 2>&1 9>&- \
    || fail "initdb failed" "$data/initdb.log"
  cat >>"$data/postgres/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 200
fsync = ${KYLO_TEST_FSYNC:-off}
full_page_writes = ${KYLO_TEST_FSYNC:-off}
CONF
  (cd "$data" && exec ${other[@]+"${other[@]}"} "$bin/postgres" -D "$data/postgres") \
    >"$data/postgres.log" 2>&1 </dev/null 9>&- &
  postgres_pid=$!
  disown "$postgres_pid"
  echo "server $postgres_pid" >&9
  local deadline=$((SECONDS + start_limit))
  until grep -qs '^ready' "$data/postgres/postmaster.pid" && postgres_answers "$port"; do
    kill -0 "$postgres_pid" 2>/dev/null || return 1
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.05
  done
  export KYLO_TEST_DATABASE_URL=postgres://kylo:kylo@127.0.0.1:$port/postgres
  say "$("$bin/postgres" --version | sed 's/^postgres (PostgreSQL)/PostgreSQL/') at 127.0.0.1:$port"
}

thrice() {
  local try
  for try in 1 2 3; do
    "$@" && return 0
    say "$1: try $try did not come up"
  done
  return 1
}

# ---- from here on: the story ------------------------------------------------------------------------------------
[ $# -gt 0 ] || { sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

[ -n "${KYLO_TEST_BROKERS:-}" ] || { need_java; need_kafka_jars "$jars" "$here/pom.xml"; }
[ -n "${KYLO_TEST_DATABASE_URL:-}" ] || need_postgres

data=$(mktemp -d "${TMPDIR:-/tmp}/kylo-servers.XXXXXX")
chmod 755 "$data"
mkfifo "$data/keeper"
keeper <"$data/keeper" >/dev/null &
keeper_pid=$!
exec 9>"$data/keeper"
export KYLO_TEST_FOLDER=$data KYLO_TEST_KAFKA_JARS=$jars
echo "folder $data" >&9
stop() {
  local code=$?
  trap '' INT TERM HUP
  exec 9>&-
  while kill -0 "$keeper_pid" 2>/dev/null; do sleep 0.05; done
  exit "$code"
}
# The command has a process group of its own, so that a signal reaches all of it, whoever got it first.
pass_on() { [ -z "$command_group" ] || kill -"$1" -- "-$command_group" 2>/dev/null || true; exit "$2"; }
trap stop EXIT
trap 'pass_on INT 130' INT
trap 'pass_on TERM 143' TERM
trap 'pass_on HUP 129' HUP

if [ -n "${KYLO_TEST_BROKERS:-}" ]; then say "brokers given: $KYLO_TEST_BROKERS"
else thrice start_kafka || fail "the broker did not answer within $start_limit s" "$data/kafka.log"; fi
if [ -n "${KYLO_TEST_DATABASE_URL:-}" ]; then say "database given: $(mask "$KYLO_TEST_DATABASE_URL")"
else thrice start_postgres || fail "PostgreSQL did not answer within $start_limit s" "$data/postgres.log"; fi

set -m
"$@" 9>&- <&0 &
command_group=$!
echo "group $command_group" >&9
set +m
code=0
wait "$command_group" || code=$?
echo done >&9
exit "$code"
