#!/usr/bin/env bash
# tests/chaos/mutants.sh [NAME...]
#
# Plants one bug after the other in a build with the feature `mutants` and runs the smallest test or scenario that
# should notice. Prints what caught each. Ends 1 when one survives, or when a test fails without any bug. Run it
# through `make chaos-mutants`: scenarios need the servers of tests/servers/run.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# name | layer: "lib FILTER" (unit tests) or "chaos SCENARIO" | what the bug is
mutants='
commit-highest-seen|chaos term-blocked|the end of what was taken in is committed, not the oldest unfinished record
commit-highest-seen|lib engine::tests::model|the same, in the model of every interleaving
low-water-off-by-one|lib engine::tracker|the oldest unfinished record is committed as done
low-water-off-by-one|lib engine::tests::model|the same, in the model of every interleaving
forget-done-map|chaos term-blocked|what was finished above the low-water is forgotten by the next member
forget-done-map|lib engine::tests::model|the same, in the model of every interleaving
commit-by-list-after-revoke|chaos storm|positions of partitions that were given up are committed by an explicit list
drop-fresh-on-stale|lib engine::tests::stale|a batch with one record of an old assignment is dropped whole
drop-fresh-on-stale|lib engine::tests::model|the same, in the model of every interleaving
skip-refused-letter|chaos dlq-refuses|a dead letter that is not accepted is skipped
finish-before-the-acknowledgement|chaos dlq-refuses|a record is finished before its dead letter is acknowledged
no-version-guard|lib model::ledger::decide|a late duplicate overwrites newer work
forget-the-confirmation|lib model::ledger::decide|older work overwrites what a newer message confirmed
ignore-lost|chaos deleted|records deleted before they were read are passed over in silence
dead-letter-in-an-outage|lib engine::tests|a transient failure is given up after three tries
replay-commits-first|chaos replay|a replay commits before it sends
header-restored-twice|chaos bytes|a replay appends the first header once more
condemn-early|lib engine::tests::quarantine|one death alone condemns a record
forget-the-log|chaos made-again|in a topic that was made again, what is newer is taken for older
lead-for-ever|chaos claim-zombie|a leader that was stopped keeps its lead
claim-forgotten|lib handlers::ledger::posting|what an open claim holds is posted again under a new one
'

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
    lib) timeout 300 "$folder/lib" "$2" ;;
    chaos) timeout 400 "$folder/chaos" "$2" ;;
  esac
}
# What the failure said, in one line.
reason() {
  sed -n -e 's/^test \(.*\) \.\.\. FAILED$/\1/p' -e 's/^chaos: .* BROKEN: \(.*\)$/\1/p' "$1" | head -n 1 | cut -c 1-150
}

failed=0 caught=0 count=0 checked=
while IFS='|' read -r name layer what; do
  [ -n "$name" ] || continue
  if [ $# -gt 0 ]; then case " $* " in *" $name "*) ;; *) continue ;; esac; fi
  read -r kind target <<<"$layer"
  # Unit tests are shown to pass without a bug; that scenarios do is what `make chaos` shows.
  if [ "$kind" = lib ] && [[ $checked != *" $target "* ]]; then
    run lib "$target" >"$folder/clean.log" 2>&1 </dev/null || { say "$target fails without any bug:"; tail -n 30 "$folder/clean.log"; exit 1; }
    grep -q '^test result: ok. [1-9]' "$folder/clean.log" || { say "$target names no test"; exit 1; }
    checked+=" $target "
  fi
  count=$((count + 1))
  if KYLO_MUTANT=$name run "$kind" "$target" >"$folder/$name.log" 2>&1 </dev/null; then
    failed=$((failed + 1))
    say "SURVIVED  $name ($what): $layer noticed nothing"
  else
    why=$(reason "$folder/$name.log")
    if [ -z "$why" ]; then
      failed=$((failed + 1))
      say "UNCLEAR   $name: $layer ended badly without naming a promise, see $folder/$name.log"
    else
      caught=$((caught + 1))
      say "caught    $name by $layer: $why"
    fi
  fi
done <<<"$mutants"
say "$caught/$count caught"
[ $failed -eq 0 ] && [ $count -gt 0 ]
