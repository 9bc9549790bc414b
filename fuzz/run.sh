#!/usr/bin/env bash
# fuzz/run.sh [TARGET...]
#
# Builds the fuzz targets with the stable compiler and runs each from the seeds in corpus/: with FUZZ_SECONDS for so
# long and with fresh luck, going on from what earlier runs found; without, a fixed number of inputs from a fixed seed,
# so that a check of the same sources seldom ends otherwise (hash tables have seeds of their own). What is found stays
# in target/fuzz/; an input that breaks a promise is named, and the script ends 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../target}
targets=("$@")
[ $# -gt 0 ] || targets=(message headers envelope done_map)
length=(-max_total_time="${FUZZ_SECONDS:-}")
[ -n "${FUZZ_SECONDS:-}" ] || length=(-runs=200000 -seed=1)

# Cargo.lock names the same versions as kylo's, so that its dependencies are those that were built already: where
# they differ, `cp Cargo.lock fuzz/ && cargo update --workspace --manifest-path fuzz/Cargo.toml`.
RUSTC_WRAPPER=$PWD/rustc.sh cargo build --quiet --locked

for target in "${targets[@]}"; do
  work=$CARGO_TARGET_DIR/fuzz/$target
  found=$work/corpus
  # The fixed inputs begin with nothing found, and leave alone what longer runs found.
  [ -n "${FUZZ_SECONDS:-}" ] || { found=$work/check && rm -rf "$found"; }
  mkdir -p "$found"
  if ! "$CARGO_TARGET_DIR/debug/$target" "${length[@]}" -timeout=5 -rss_limit_mb=512 -max_len=4096 \
    -print_final_stats=1 -artifact_prefix="$work/" "$found" "corpus/$target" >"$work/log" 2>&1; then
    tail -n 40 "$work/log" >&2
    printf 'fuzz: %s is broken; the input is the file named above. Fix it, and add the input to fuzz/corpus/%s\n' \
      "$target" "$target" >&2
    exit 1
  fi
  features=$(sed -n 's/.*DONE .* ft: \([0-9]*\) .*/\1/p' "$work/log")
  # A target without coverage is steered by nothing and would pass for ever.
  if [ "${features:-0}" -lt 100 ]; then
    printf 'fuzz: %s saw only %s features of the code: the coverage of rustc.sh is not in it\n' "$target" "${features:-0}" >&2
    exit 1
  fi
  printf 'fuzz: %s: %s inputs tried, %s features known\n' "$target" \
    "$(sed -n 's/^stat::number_of_executed_units: //p' "$work/log")" "$features"
done
