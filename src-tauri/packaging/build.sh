#!/usr/bin/env bash
# Packages for Linux: the window, the command line beside it, menu entry, file type, licences.
#
#   build.sh                deb and rpm
#   build.sh deb            one of them; appimage needs a network the first time
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/common.sh

kinds=${*:-deb rpm}
ui_modules
(cd ui && npm run --silent build >&2 </dev/null) || die "the page could not be built"
cargo build --release -p bivouac-cli
install -Dm755 "${CARGO_TARGET_DIR:-target}/release/bivouac" src-tauri/packaging/out/bivouac
# shellcheck disable=SC2086
ui/node_modules/.bin/tauri build --bundles $kinds </dev/null >&2
find "${CARGO_TARGET_DIR:-target}/release/bundle" -name '*.deb' -o -name '*.rpm' -o -name '*.AppImage'
