# kylo's chores. `make` lists them.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help demo test check fuzz bench servers chaos chaos-mutants

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /|/' | while IFS='|' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

demo: ## build kylo and play the whole ledger flow; needs no service (ARGS="--transactions 50000")
	@. tests/servers/prerequisites.sh && need_compiler && need_cargo && cargo build --locked && cargo run --quiet --locked -- demo $(ARGS)

test: ## every test, the live ones on a real Kafka and PostgreSQL that start and end with them (ARGS="--test live")
	@. tests/servers/prerequisites.sh && need_compiler && need_procps && need_cargo && tests/servers/run.sh cargo test --locked $(ARGS)

check: ## format, lints, documentation, a short fuzz: what must be clean before a change goes in
	@. tests/servers/prerequisites.sh && need_compiler && need_cargo && set -x && cargo fmt --check && cargo fmt --check --manifest-path fuzz/Cargo.toml \
	  && cargo clippy --locked --all-targets -- -D warnings \
	  && RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --locked --no-deps --lib \
	  && fuzz/run.sh

fuzz: ## what reads bytes from outside, fuzzed on the stable compiler (FUZZ_SECONDS=600 ARGS="envelope")
	@. tests/servers/prerequisites.sh && need_compiler && need_cargo && FUZZ_SECONDS=$${FUZZ_SECONDS:-60} fuzz/run.sh $(ARGS)

bench: ## every figure of docs/performance.md beside its peers, in one table; JSON in target/bench (ARGS="noop memory" measures some)
	@. tests/servers/prerequisites.sh && need_compiler && need_python && need_javac && need_maven && need_cargo \
	  && cargo bench --locked --bench figures --no-run \
	  && KYLO_TEST_FSYNC=on tests/servers/run.sh cargo bench --locked --quiet --bench figures -- $(ARGS)

chaos: ## the promises under faults, seeded (CHAOS_SEED=1 replays, HOURS=4 goes on, ARGS="kill" plays one, ARGS=--list)
	@. tests/servers/prerequisites.sh && need_compiler && need_procps && need_java && need_postgres && need_cargo && cargo build --locked --quiet \
	  && KYLO_TEST_KEEP_LOGS=$${CARGO_TARGET_DIR:-target}/chaos/servers tests/servers/run.sh cargo test --locked --quiet --test chaos -- $(ARGS)

chaos-mutants: ## planted bugs: each must be caught by a test or a scenario of chaos (ARGS="ignore-lost" plants one)
	@. tests/servers/prerequisites.sh && need_compiler && need_procps && need_java && need_postgres && need_cargo && tests/servers/run.sh tests/chaos/mutants.sh $(ARGS)

servers: ## a Kafka and a PostgreSQL to play with, until Ctrl-C
	@tests/servers/run.sh sh -c 'echo "export KYLO_BROKERS=$$KYLO_TEST_BROKERS KYLO_DATABASE_URL=$$KYLO_TEST_DATABASE_URL"; exec sleep 2147483'
