# shellcheck shell=bash
# What building and testing kylo needs from the machine: found, else installed where that is possible without
# asking (root on Debian), else named with the command to type. Sourced by run.sh and .ci/run.

# missing WHAT DEBIAN-PACKAGES...: installs the packages, or says how and ends with 69.
missing() {
  local what=$1
  shift
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    printf 'prerequisites: %s is missing: installing %s\n' "$what" "$*" >&2
    # RUNLEVEL=1: Debian's packages install their services without starting them.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 </dev/null \
      || { RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 \
        && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 </dev/null; } \
      || { printf 'prerequisites: installing %s failed\n' "$*" >&2; exit 69; }
    return 0
  fi
  printf 'prerequisites: %s is missing\n' "$what" >&2
  if command -v apt-get >/dev/null; then printf 'hint: sudo apt-get install %s\n' "$*" >&2
  elif command -v brew >/dev/null; then printf 'hint: brew install %s\n' "$(brew_names "$@")" >&2
  elif command -v dnf >/dev/null; then printf 'hint: sudo dnf install java-17-openjdk-headless maven postgresql-server gcc gcc-c++ make perl\n' >&2
  else printf 'hint: install %s (names of Debian)\n' "$*" >&2; fi
  exit 69
}

brew_names() {
  local name
  for name in "$@"; do
    case $name in
      openjdk*) echo openjdk@17 ;;
      postgresql) echo postgresql@16 ;;
      build-essential) echo gcc ;;
      *) echo "$name" ;;
    esac
  done | tr '\n' ' '
}

java_major() { java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1; }

need_java() {
  local major=0
  ! command -v java >/dev/null || major=$(java_major)
  # Which JDK a Debian carries differs by release: 17 in the older, 21 in the newer ones.
  if [ "${major:-0}" -lt 17 ]; then
    if apt-cache show openjdk-17-jre-headless >/dev/null 2>&1; then missing "Java 17 (or newer)" openjdk-17-jre-headless
    else missing "Java 17 (or newer)" default-jre-headless; fi
  fi
}

# The benches' Java peer is run from its source, which a runtime without a compiler refuses.
need_javac() {
  need_java
  if ! command -v javac >/dev/null; then
    if apt-cache show openjdk-17-jdk-headless >/dev/null 2>&1; then missing "a Java compiler" openjdk-17-jdk-headless
    else missing "a Java compiler" default-jdk-headless; fi
  fi
}

need_maven() { command -v mvn >/dev/null || missing "Maven" maven; }

# need_kafka_jars FOLDER POM: the broker's jars, complete, in FOLDER.
need_kafka_jars() {
  local folder=$1 pom=$2 try
  [ -f "$folder/.complete" ] && return 0
  need_maven
  mkdir -p "$folder"
  printf 'prerequisites: fetching the broker (54 MB) into %s\n' "$folder" >&2
  for try in 1 2 3; do
    if mvn -q -B -f "$pom" dependency:copy-dependencies -DoutputDirectory="$folder" >&2 </dev/null; then
      touch "$folder/.complete"
      return 0
    fi
    sleep "$try"
  done
  printf 'prerequisites: fetching the broker failed\n' >&2
  exit 69
}

# The folder of initdb and postgres: PATH, pg_config, the distributions' places, the newest version first.
postgres_bin() {
  local place
  for place in "$(dirname "$(readlink -f "$(command -v initdb || echo /none/initdb)")")" "$(pg_config --bindir 2>/dev/null || true)" \
    $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
      2>/dev/null | sort -rV); do
    if [ -n "$place" ] && [ -x "$place/initdb" ] && [ -x "$place/postgres" ]; then
      echo "$place"
      return 0
    fi
  done
  return 1
}

need_postgres() {
  postgres_bin >/dev/null || missing "PostgreSQL" postgresql
  if [ "$(id -u)" -eq 0 ]; then command -v setpriv >/dev/null || missing "setpriv" util-linux; fi
}

# librdkafka and OpenSSL are built from source, once.
need_compiler() {
  if ! command -v cc >/dev/null || ! command -v c++ >/dev/null || ! command -v make >/dev/null; then
    missing "a C compiler" build-essential
  fi
  # Debian's essential perl-base lacks modules that OpenSSL's build asks for.
  perl -MFindBin -MIPC::Cmd -e1 >/dev/null 2>&1 || missing "Perl" perl
}

# Tests look at processes and signal them; slim images have neither program.
need_procps() {
  if ! command -v ps >/dev/null || ! [ -x "$(type -P kill)" ]; then missing "ps and kill" procps; fi
}

# The benches' Python peer lives in an environment of its own.
need_python() {
  python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing "Python 3 with venv" python3-venv
}

need_cargo() {
  local found=$HOME/.cargo/bin
  command -v cargo >/dev/null || ! [ -x "$found/cargo" ] || PATH=$found:$PATH
  command -v cargo >/dev/null || {
    printf 'prerequisites: Rust 1.95 (or newer) is missing\nhint: install it with rustup, then: rustup toolchain install stable\n' >&2
    exit 69
  }
}

# A database URL without its password.
mask() { printf '%s' "$1" | sed 's#\(://[^:@/]*\):[^@/]*@#\1:***@#'; }
