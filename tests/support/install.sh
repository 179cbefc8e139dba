#!/usr/bin/env bash
# Installs what is missing on a Debian 12, skipping what is there, asking nothing.
#
#   install.sh cli    what the command line needs to be built
#   install.sh run    that, and what the window needs, for `make run`
#   install.sh test   that, and a real uMap server, a browser, a virtual display, for `make test`, `make demo`
#
# As root, else with `sudo -n`; when that is refused it prints the one line to run and exits 2.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"

CLI=(gcc libc6-dev pkg-config ca-certificates)
WINDOW=(libwebkit2gtk-4.1-dev)
# A display for where there is none.
SCREEN=(xvfb xauth openbox dbus xdotool imagemagick fonts-dejavu-core fonts-noto-color-emoji)
TEST=(curl procps gnome-keyring postgresql-15 postgresql-15-postgis-3 redis-server python3 python3-venv chromium webkit2gtk-driver)

rust() {
  command -v cargo >/dev/null 2>&1 || die "no cargo: install Rust 1.95 or newer with rustup (https://rustup.rs)"
}

# Playwright wants Node 20; Debian 12's own package is 18, so it is no use to install that.
node_ready() {
  local found
  found=$(node -p 'process.versions.node' 2>/dev/null || true)
  if [ "${found%%.*}" -ge 20 ] 2>/dev/null && command -v npm >/dev/null 2>&1; then return 0; fi
  say "bivouac: Node 20 or newer with npm is needed (found: ${found:-none}); install it from https://nodejs.org"
  exit 2
}

web_peer() {
  local dir="$here/web-peer"
  cmp -s "$dir/package-lock.json" "$dir/node_modules/.installed-lock" && return 0
  say "installing the browser driver (npm ci)"
  (cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 </dev/null) || die "npm ci failed in tests/support/web-peer"
  cp "$dir/package-lock.json" "$dir/node_modules/.installed-lock"
}

case "${1:-}" in
  cli) apt_ensure "${CLI[@]}"; rust ;;
  run)
    rust
    node_ready
    apt_ensure "${CLI[@]}" "${WINDOW[@]}"
    [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || apt_ensure "${SCREEN[@]}"
    ;;
  test)
    rust
    node_ready
    apt_ensure "${CLI[@]}" "${WINDOW[@]}" "${SCREEN[@]}" "${TEST[@]}"
    web_peer
    ;;
  *) say "usage: $0 cli|run|test"; exit 2 ;;
esac
