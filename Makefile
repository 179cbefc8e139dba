# The work is in tests/support/*.sh; every target installs what it lacks and asks nothing.
S := tests/support

.PHONY: help run cli test demo bench lint
help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

run: ## build and open the window; without a display in a virtual one, with a picture of it
	@$(S)/install.sh run
	@$(S)/build-window.sh
	@$(S)/run-window.sh $(ARGS)

cli: ## build and run the command line; ARGS="maps --json"
	@$(S)/install.sh cli
	cargo run -p bivouac-cli -- $(ARGS)

test: ## install what is missing, start a uMap server, run everything, leave nothing running
	@$(S)/run-tests.sh

demo: ## the main job in the terminal, on a real uMap server
	@$(S)/install.sh test
	@$(S)/demo.sh

bench: ## the benchmarks, figures to target/bench.json; BIVOUAC_BENCH_FULL=1 for all
	@$(S)/run-bench.sh $(ARGS)

lint: ## format and clippy, and cargo-deny where it is installed
	cargo fmt --all --check
	cargo clippy --workspace --exclude bivouac-desktop --all-targets -- -D warnings
	cargo clippy -p bivouac-desktop --all-targets --features tauri/custom-protocol -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check; else echo "cargo-deny is not installed: its checks were not run"; fi
