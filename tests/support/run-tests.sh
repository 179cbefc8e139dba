#!/usr/bin/env bash
# Everything that `make test` does: install, start one uMap server for all tests, format, clippy, tests, sweep up.
# Ends with one line "N passed, N failed"; a failed check counts as one failed. Leaves nothing running.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/support/common.sh

# Names what this run starts, so that it can be found and ended, and nothing else is.
export BIVOUAC_TEST_RUN="$$"
export UMAPSRV_NAME="run-$$-shared"
unset UMAPSRV_DIR
# A stuck test ends after 5 to 20 minutes by itself (.config/nextest.toml); this is for the runner.
LIMIT=${BIVOUAC_TEST_LIMIT:-55m}
# For work on one crate: BIVOUAC_TEST_SCOPE="-p bivouac-link" make test
# The benchmarks have a target of their own: they drag in what they compare with.
read -ra scope <<<"${BIVOUAC_TEST_SCOPE:---workspace --exclude bivouac-bench --exclude bivouac-desktop}"
server=tests/support/umap-server.sh
passed=0 failed=0 failures=()

sweep() {
  trap - EXIT INT TERM
  # What this function itself runs must not carry the mark.
  export -n BIVOUAC_TEST_RUN
  local cache=${UMAPSRV_CACHE:-${TMPDIR:-/tmp}/bivouac-umap-$(id -u)} folder
  # Browsers, drivers, servers and programs of a test that was killed: whatever carries this run's mark.
  [ "$1" = 0 ] || kill_marked
  for folder in "$cache/run-$$-"*; do
    [ ! -d "$folder" ] || UMAPSRV_DIR="$folder" $server reset
  done
  kill_marked
}
kill_marked() {
  grep -lsz "^BIVOUAC_TEST_RUN=$$\$" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | while read -r pid; do
    kill -KILL "$pid" 2>/dev/null
  done
}
finish() {
  local status=$?
  sweep "$status"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# stage NAME COMMAND...: say how long it took.
stage() {
  local name=$1 start=$SECONDS rc=0; shift
  printf -- '--- %s\n' "$name"
  "$@" || rc=$?
  local took=$((SECONDS - start))
  printf -- '--- %s: %s in %d min %02d s\n' "$name" "$([ $rc = 0 ] && echo done || echo FAILED)" $((took / 60)) $((took % 60))
  return $rc
}
check() { stage "$@" || { failed=$((failed + 1)); failures+=("$1"); }; }
summary() {
  [ ${#failures[@]} = 0 ] || printf 'failed: %s\n' "${failures[*]}"
  printf 'whole run: %d min %02d s\n' $((SECONDS / 60)) $((SECONDS % 60))
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
# Without these nothing else can be judged.
need() { stage "$@" || { failed=$((failed + 1)); failures+=("$1"); summary; exit 1; }; }

start_server() {
  UMAPSRV_PORT=$(free_port) UMAPSRV_PG_PORT=$(free_port) UMAPSRV_REDIS_PORT=$(free_port)
  UMAPSRV_PORT=$UMAPSRV_PORT UMAPSRV_PG_PORT=$UMAPSRV_PG_PORT UMAPSRV_REDIS_PORT=$UMAPSRV_REDIS_PORT $server start || return 1
  export BIVOUAC_TEST_UMAP="http://127.0.0.1:$UMAPSRV_PORT"
  export BIVOUAC_TEST_UMAP_PASSWORD=${UMAPSRV_PASSWORD:-umap-test-pw}
}

page_checks() { (cd ui && npm run --silent check) </dev/null; }
# report FILE PASSED FAILED: add what a report of the page's tests counted; the last two are expressions on it.
report() {
  local good bad
  read -r good bad < <(node -e 'const r = JSON.parse(require("fs").readFileSync(process.argv[1])); console.log(eval(process.argv[2]), eval(process.argv[3]))' "$@" 2>/dev/null)
  passed=$((passed + ${good:-0})); failed=$((failed + ${bad:-0}))
  [ "${bad:-0}" -gt 0 ]
}
page_tests() {
  local out=ui/e2e/results/modules.json rc=0
  rm -f "$out"
  (cd ui && npm run --silent test -- --reporter=default --reporter=json --outputFile.json=e2e/results/modules.json) </dev/null || rc=$?
  report "$out" r.numPassedTests r.numFailedTests || [ $rc = 0 ] || failed=$((failed + 1))
  return $rc
}
# Its screens, in a browser with data in memory; pictures of all of them in ui/e2e/pictures.
screen_tests() {
  local out=ui/e2e/results/report.json rc=0
  rm -f "$out"
  (cd ui && npm run --silent e2e) </dev/null || rc=$?
  report "$out" r.stats.expected "r.stats.unexpected + r.stats.flaky + r.stats.skipped" || [ $rc = 0 ] || failed=$((failed + 1))
  return $rc
}
# With the features that the Tauri CLI builds with, so that nothing is compiled twice.
shell_checks() {
  cargo clippy -p bivouac-desktop --all-targets --features tauri/custom-protocol -- -D warnings &&
    cargo test -p bivouac-desktop --lib --features tauri/custom-protocol </dev/null
}

tests_nextest() {
  local report=${CARGO_TARGET_DIR:-target}/nextest/default/junit.xml rc=0 line tests bad errors
  rm -f "$report"
  # In the background, so that a signal to this script is heeded at once.
  timeout -k 30 "$LIMIT" cargo nextest run "${scope[@]}" --no-fail-fast </dev/null &
  wait $! || rc=$?
  line=$(grep -m1 '<testsuites ' "$report" 2>/dev/null || true)
  count() { sed -nE "s/.* $1=\"([0-9]+)\".*/\1/p" <<<"$line"; }
  tests=$(count tests) bad=$(count failures) errors=$(count errors)
  bad=$((${bad:-0} + ${errors:-0}))
  passed=$((passed + ${tests:-0} - bad)); failed=$((failed + bad))
  [ $rc = 0 ] || [ "$bad" -gt 0 ] || failed=$((failed + 1))
  return $rc
}

# Without nextest: one process per file, no time limit per test.
tests_cargo() {
  local log rc=0 good bad
  log=$(mktemp)
  timeout -k 30 "$LIMIT" cargo test "${scope[@]}" --no-fail-fast -- --test-threads=2 </dev/null > >(tee "$log") 2>&1 &
  wait $! || rc=$?
  sleep 1   # tee's last lines
  read -r good bad < <(awk '/^test result: /{gsub(";",""); for(i=1;i<=NF;i++){if($i=="passed")g+=$(i-1);if($i=="failed")b+=$(i-1)}}END{print g+0,b+0}' "$log")
  rm -f "$log"
  passed=$((passed + good)); failed=$((failed + bad))
  [ $rc = 0 ] || [ "$bad" -gt 0 ] || failed=$((failed + 1))
  return $rc
}

need "install" tests/support/install.sh test
need "uMap server" start_server
check "format" cargo fmt --all --check -- -l
# Some tests run the program itself.
need "the program" cargo build -p bivouac-cli
check "clippy" cargo clippy "${scope[@]}" --all-targets -- -D warnings
# The window's own: the page, the program, and what of them needs no display.
if [ -z "${BIVOUAC_TEST_SCOPE:-}" ]; then
  need "the window" tests/support/build-window.sh
  check "the page" page_checks
  stage "tests of the page's modules" page_tests || failures+=("modules of the page")
  stage "tests of its screens" screen_tests || failures+=("screens")
  check "the shell" shell_checks
fi
if [ "${BIVOUAC_TEST_RUNNER:-nextest}" = nextest ] && cargo nextest --version >/dev/null 2>&1; then runner=tests_nextest; else runner=tests_cargo; fi
stage "tests ($runner)" $runner || failures+=("tests")
summary
