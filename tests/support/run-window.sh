#!/usr/bin/env bash
# Opens the window. Where there is no display it is opened in a virtual one, waited for, and a picture
# of it is kept: its path is the last line.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/common.sh

program=${CARGO_TARGET_DIR:-target}/debug/bivouac-desktop
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then exec "$program" --sample "$@"; fi

say "no display here: opening the window in a virtual one, on a library of its own with the sample map"
folder=$(mktemp -d)
picture=$PWD/target/window/run.png
mkdir -p "$(dirname "$picture")"
export HOME=$folder XDG_DATA_HOME=$folder/data XDG_CONFIG_HOME=$folder/config XDG_CACHE_HOME=$folder/cache
export BIVOUAC_DATA_DIR=$folder/maps NO_AT_BRIDGE=1 LC_ALL=C.UTF-8
screen() {
  openbox >/dev/null 2>&1 &
  "$1" --sample >/dev/null 2>&1 &
  local window=$! last= now still=0
  # Drawn when two pictures in a row are equal, and no longer empty.
  for _ in $(seq 60); do
    sleep 1
    kill -0 "$window" 2>/dev/null || { echo "the window ended by itself" >&2; return 1; }
    import -window root "$2" 2>/dev/null || continue
    now=$(convert "$2" -format '%# %k' info:)
    if [ "$now" = "$last" ] && [ "${now##* }" -gt 200 ]; then still=$((still + 1)); else still=0; fi
    [ "$still" -lt 2 ] || break
    last=$now
  done
  kill "$window" 2>/dev/null
  wait "$window" 2>/dev/null
  [ "$still" -ge 2 ] || { echo "the window was not drawn within a minute" >&2; return 1; }
}
rc=0
xvfb-run -a -s "-screen 0 1360x900x24 -nolisten tcp" dbus-run-session -- bash -c "$(declare -f screen); screen \"\$1\" \"\$2\"" _ "$program" "$picture" >/dev/null 2>"$folder/said" || rc=$?
[ $rc = 0 ] || say "$(tail -3 "$folder/said")"
rm -rf "$folder"
[ $rc = 0 ] || die "the window could not be opened (exit $rc)"
echo "$picture"
