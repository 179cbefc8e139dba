#!/usr/bin/env bash
# Everything that `make bench` does: install, find uMap's own engine, measure in the release profile.
# Prints a table and writes target/bench.json. BIVOUAC_BENCH_FULL=1 adds what takes minutes.
#
#   run-bench.sh [part of a group's name]...    catch_up memory opening viewport edits live rivals umap window
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/common.sh

target=${CARGO_TARGET_DIR:-target}
venv=${UMAPSRV_VENV:-${UMAPSRV_CACHE:-${TMPDIR:-/tmp}/bivouac-umap-$(id -u)}/venv}

# The engine that browsers run, out of the Python package that the tests' server is installed from.
find_modules() {
  local engine
  engine=$(compgen -G "$venv/lib/python3*/site-packages/umap/static/umap/js/modules/sync/engine.js" | head -1)
  [ -n "$engine" ] && modules=$(dirname "$(dirname "$engine")")
}

wants_window() {
  [ $# -gt 0 ] || return 0
  local part
  for part in "$@"; do [[ window == *"$part"* ]] && return 0; done
  return 1
}
start_server() {
  UMAPSRV_NAME="bench-$$" UMAPSRV_PORT=$(free_port) UMAPSRV_PG_PORT=$(free_port) UMAPSRV_REDIS_PORT=$(free_port)
  export UMAPSRV_NAME UMAPSRV_PORT UMAPSRV_PG_PORT UMAPSRV_REDIS_PORT
  trap 'tests/support/umap-server.sh reset' EXIT
  tests/support/umap-server.sh start
}

window=
wants_window "$@" && window=1
if [ -z "$window" ] && find_modules && command -v node >/dev/null 2>&1; then
  tests/support/install.sh run
else
  tests/support/install.sh test
  start_server
  find_modules || die "uMap's modules are not in $venv"
fi
if [ -n "$window" ]; then
  tests/support/build-window.sh release
  export BIVOUAC_BENCH_WINDOW=$target/release/bivouac-desktop
  # A page of 100,000 features takes uMap a while.
  export BIVOUAC_TEST_UMAP="http://127.0.0.1:$UMAPSRV_PORT" BIVOUAC_TEST_PATIENCE_MS=180000
  case $BIVOUAC_BENCH_WINDOW in /*) ;; *) BIVOUAC_BENCH_WINDOW=$PWD/$BIVOUAC_BENCH_WINDOW ;; esac
fi

cargo build --release -p bivouac-bench --features rivals
BIVOUAC_BENCH_UMAP=$modules "$target/release/bivouac-bench" "$target/bench.json" "$@"
say "the figures are in $target/bench.json"
