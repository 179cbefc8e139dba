#!/usr/bin/env bash
# Builds the page and the desktop program: `target/debug/bivouac-desktop` with the page inside.
#
#   build-window.sh          for trying and testing
#   build-window.sh release  as it is packaged
#
# Through the Tauri CLI: cargo alone may miss that the page changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/common.sh

ui_modules
(cd ui && npm run --silent build >&2 </dev/null) || die "the page could not be built"
flag=--debug
[ "${1:-}" = release ] && flag=
ui/node_modules/.bin/tauri build $flag --no-bundle </dev/null >&2
