#!/usr/bin/env bash
# tests/chaos/mutants.sh [NAME...]
#
# Plants one bug after the other in a build with the feature `mutants` and runs the smallest test or scenario that
# should notice. A bug counts as caught only when what its row names is what broke: the promise of the scenario, by its
# word, or the very assertion of the test. Ends 1 when one survives, when something else broke (the harness, a server, a
# time-out, another promise), or when a test fails without any bug. Run it through `make chaos-mutants`: scenarios need
# the servers of tests/servers/run.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# name | layer | what must break | what the bug is
# layer "chaos SCENARIO": what must break is a promise of docs/chaos.md, by its word.
# layer "lib TEST": one unit test; what must break is a piece of its failed assertion, as it stands there or as it says.
model=engine::tests::model::a_lane_that_fails_survives_any_fault
mutants="
commit-highest-seen|chaos term-blocked|commits|the end of what was taken in is committed, not the oldest unfinished record
commit-highest-seen|lib $model|committed without an effect|the same, in the model of every interleaving
low-water-off-by-one|lib engine::tracker::tests::agrees_with_the_oracle|tracker.low_water(), oracle.low_water()|the oldest unfinished record is committed as done
low-water-off-by-one|lib $model|committed without an effect|the same, in the model of every interleaving
forget-done-map|chaos term-blocked|repeats|what was finished above the low-water is forgotten by the next member
forget-done-map|lib $model|runs again, though it was committed|the same, in the model of every interleaving
commit-by-list-after-revoke|chaos storm|commits|positions of partitions that were given up are committed by an explicit list
drop-fresh-on-stale|lib engine::tests::stale::a_batch_with_stale_records_keeps_its_fresh_ones|scheduler.intake|a batch with one record of an old assignment is dropped whole
drop-fresh-on-stale|lib $model|committed without an effect|the same, in the model of every interleaving
skip-refused-letter|chaos dlq-refuses|letters|a dead letter that is not accepted is skipped
finish-before-the-acknowledgement|chaos dlq-refuses|commits|a record is finished before its dead letter is acknowledged
no-version-guard|lib model::ledger::decide::tests::redelivery_changes_nothing|decide(again, &stored, &rules).rows.len(), 0|a late duplicate overwrites newer work
forget-the-confirmation|lib model::ledger::decide::tests::what_was_confirmed_is_not_overwritten_by_what_came_before|world.run(&[says(2, 200)]), 0|older work overwrites what a newer message confirmed
ignore-lost|chaos deleted|told|records deleted before they were read are passed over in silence
dead-letter-in-an-outage|lib engine::tests::a_transient_failure_blocks_only_its_key_for_as_long_as_it_takes|done_of(\"a\").is_empty()|a transient failure is given up after three tries
replay-commits-first|chaos replay|lost|a replay commits before it sends
header-restored-twice|chaos bytes|letters|a replay appends the first header once more
condemn-early|lib engine::tests::quarantine::kills_from_outside_condemn_nobody|records(\"in.dlq\").is_empty()|one death alone condemns a record
forget-the-log|chaos made-again|lost|in a topic that was made again, what is newer is taken for older
lead-for-ever|chaos claim-zombie|progress|a leader that was stopped keeps its lead
claim-forgotten|lib handlers::ledger::posting::tests::a_crash_at_any_call_posts_each_row_once|was claimed by somebody else|an open claim is not settled: its rows are claimed anew, which the database refuses, and stay unposted
"

say() { printf 'mutants: %s\n' "$*"; }

say "building with the feature mutants"
folder=${CARGO_TARGET_DIR:-target}/chaos-mutants
mkdir -p "$folder"
built=$(cargo test --locked --features mutants --lib --test chaos --no-run 2>&1) || { printf '%s\n' "$built"; exit 1; }
binary() { printf '%s\n' "$built" | sed -n "s/.*Executable .*$1.* (\(.*\))\$/\1/p" | head -n 1; }
cp "$(binary 'src\/lib.rs')" "$folder/lib"
cp "$(binary 'tests\/chaos\/main.rs')" "$folder/chaos"
cp "${CARGO_TARGET_DIR:-target}/debug/kylo" "$folder/kylo"
export KYLO_CHAOS_PROGRAM=$PWD/$folder/kylo CHAOS_SEED=${CHAOS_SEED:-7}
case $folder in /*) KYLO_CHAOS_PROGRAM=$folder/kylo ;; esac

# run LAYER WHAT: with whatever bug KYLO_MUTANT names.
run() {
  case $1 in
    lib) RUST_BACKTRACE=0 timeout 300 "$folder/lib" --exact "$2" ;;
    chaos) timeout 400 "$folder/chaos" "$2" ;;
  esac
}

# What a test's failure says, and the lines where its assertions stand.
assertions() {
  local file line
  grep -A 4 -e ' panicked at ' -e '^Test failed: ' "$1" || true
  # "panicked at FILE:LINE:COLUMN:" or, of a property, "at FILE:LINE."
  sed -n -e 's/.* panicked at \([^:]*\):\([0-9]*\):.*/\1 \2/p' -e 's/.* at \([^ :]*\.rs\):\([0-9]*\)\.$/\1 \2/p' "$1" | sort -u \
    | while read -r file line; do [ ! -f "$file" ] || sed -n "${line}p" "$file"; done
}

# verdict KIND TARGET EXPECTED CODE LOG: sets `verdict` to caught, survived or wrong, and `why` to one line.
verdict() {
  local kind=$1 target=$2 expected=$3 code=$4 log=$5 broke
  verdict=wrong why=
  if [ "$code" -eq 0 ]; then
    verdict=survived
  elif [ "$code" -eq 124 ]; then
    why="it did not end in time"
  elif [ "$kind" = lib ]; then
    if ! grep -qxF "test $target ... FAILED" "$log" || ! grep -q '^test result: FAILED. 0 passed; 1 failed' "$log"; then
      why="it ended with $code, and no test failed"
    elif assertions "$log" >"$log.said"; grep -qF -- "$expected" "$log.said"; then
      verdict=caught why="$(grep -F -m 1 -- "$expected" "$log.said" | sed 's/^ *//' | cut -c 1-120)"
    else
      why="another assertion: $(head -n 2 "$log.said" | tr '\n' ' ' | cut -c 1-200)"
    fi
  else
    broke=$(sed -n "s/^chaos: $target broke //p" "$log")
    case " $broke " in
      "  ") why="it ended with $code, and no promise was named" ;;
      *" harness "*) why="the harness failed: $(grep -m 1 -o 'harness: .*' "$log" | cut -c 1-200)" ;;
      *" $expected "*)
        verdict=caught
        why=$(grep -m 1 "^chaos: $target: $expected: " "$log" | sed "s/^chaos: $target: //" | cut -c 1-120)
        [ "$broke" = "$expected" ] || why+=" (broke: $broke)"
        ;;
      *) why="another promise: $broke" ;;
    esac
  fi
}

failed=0 caught=0 count=0 checked=
while IFS='|' read -r name layer expected what; do
  [ -n "$name" ] || continue
  if [ $# -gt 0 ]; then case " $* " in *" $name "*) ;; *) continue ;; esac; fi
  read -r kind target <<<"$layer"
  # Unit tests are shown to pass without a bug; that scenarios do is what `make chaos` shows.
  if [ "$kind" = lib ] && [[ $checked != *" $target "* ]]; then
    run lib "$target" >"$folder/clean.log" 2>&1 </dev/null || { say "$target fails without any bug:"; tail -n 30 "$folder/clean.log"; exit 1; }
    grep -q '^test result: ok. 1 passed' "$folder/clean.log" || { say "$target is no test"; exit 1; }
    checked+=" $target "
  fi
  count=$((count + 1)) code=0 log=$folder/$name.$kind.log
  KYLO_MUTANT=$name run "$kind" "$target" >"$log" 2>&1 </dev/null || code=$?
  verdict "$kind" "$target" "$expected" "$code" "$log"
  case $verdict in
    caught) caught=$((caught + 1)); say "caught    $name by $layer, $why" ;;
    survived) failed=$((failed + 1)); say "SURVIVED  $name ($what): $layer noticed nothing" ;;
    *) failed=$((failed + 1)); say "WRONG     $name: $layer should break \"$expected\": $why, see $log" ;;
  esac
done <<<"$mutants"
say "$caught/$count caught"
[ $failed -eq 0 ] && [ $count -gt 0 ]
