# What the scripts beside this file share. Sourced, never run.

say() { printf '%s\n' "$*" >&2; }
die() { say "bivouac: $*"; exit 1; }

# Run a command as root: directly, or through sudo that asks nothing.
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# apt_ensure PACKAGE...: install those that are missing, saying so. Exit 2 and the one line to run when not allowed to.
apt_ensure() {
  local want=() p rc=0 policy=0 log
  for p in "$@"; do installed "$p" || want+=("$p"); done
  [ ${#want[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null 2>&1 || { say "bivouac: no apt-get here; install by hand: ${want[*]}"; exit 2; }
  if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
    say "bivouac: packages are missing and sudo asks for a password; run this once:"
    say "  sudo apt-get install -y --no-install-recommends ${want[*]}"
    exit 2
  fi
  say "installing ${want[*]} (apt-get)"
  log=$(mktemp)
  # Keep new packages from starting their own daemons on the default ports.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
    as_root chmod +x /usr/sbin/policy-rc.d; policy=1
  fi
  { as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 \
      install -y -qq --no-install-recommends "${want[@]}"; } >"$log" 2>&1 </dev/null || rc=$?
  [ $policy = 0 ] || as_root rm -f /usr/sbin/policy-rc.d
  [ $rc = 0 ] || die "apt-get could not install ${want[*]}: $(grep -E '^(E|Err):?' "$log" | head -1 || true) (all of it: $log)"
  rm -f "$log"
}

port_busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port of loopback that nobody listens on, below the range that the kernel hands out itself.
free_port() {
  local p
  for _ in $(seq 200); do
    p=$((15000 + (RANDOM * 32768 + RANDOM) % 16000))
    port_busy "$p" || { echo "$p"; return 0; }
  done
  die "no free port between 15000 and 31000"
}

# The page's modules.
ui_modules() {
  cmp -s ui/package-lock.json ui/node_modules/.installed-lock && return 0
  say "installing what the page is built with (npm ci)"
  (cd ui && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 </dev/null) || die "npm ci failed in ui"
  cp ui/package-lock.json ui/node_modules/.installed-lock
}
