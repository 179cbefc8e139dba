#!/usr/bin/env bash
# The main job in the terminal, on a real uMap server: a map goes offline on two laptops, both are edited while the
# server is switched off, both come back, and server and laptops are compared feature by feature.
# Asks nothing, leaves nothing running. Exit status 0 only when every comparison held.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/common.sh

bold='' dim='' green='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi
head_line() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
tell() { printf '%s\n' "$*"; }

# A server of this run alone, in a folder of its own, and a folder for the laptops.
unset UMAPSRV_DIR
export UMAPSRV_NAME="demo-$$"
server=tests/support/umap-server.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/bivouac-demo.XXXXXX")
end() {
  local status=$?
  trap - EXIT INT TERM
  $server reset >/dev/null 2>&1 || say "the server of this demo could not be stopped: UMAPSRV_NAME=$UMAPSRV_NAME $server reset"
  rm -rf "$work"
  [ "$status" = 0 ] || printf '\n%sThe demo failed.%s\n' "$red" "$plain"
  exit "$status"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

head_line "Build bivouac, start a real uMap server"
tell "The first build takes minutes."
cargo build -p bivouac-cli </dev/null
bivouac=${CARGO_TARGET_DIR:-target}/debug/bivouac
UMAPSRV_PORT=$(free_port) UMAPSRV_PG_PORT=$(free_port) UMAPSRV_REDIS_PORT=$(free_port)
export UMAPSRV_PORT UMAPSRV_PG_PORT UMAPSRV_REDIS_PORT
export BIVOUAC_PASSWORD=${UMAPSRV_PASSWORD:-umap-test-pw} BIVOUAC_SECRETS=memory
unset BIVOUAC_DATA_DIR
$server start
url="http://127.0.0.1:$UMAPSRV_PORT"

# ---------------------------------------------------------------- what the steps are made of
# on alice|bob EXPECTED_STATUS ARGUMENTS...: one command on that laptop, shown with what it prints.
on() {
  local who=$1 expected=$2 status=0 shown='' word; shift 2
  for word in "$@"; do case $word in *[!A-Za-z0-9._/:=-]*) shown+=" '$word'" ;; *) shown+=" $word" ;; esac; done
  printf '%s%s$%s bivouac%s\n' "$bold" "$who" "$plain" "$shown"
  "$bivouac" --data-dir "$work/$who" "$@" >"$work/out" 2>&1 </dev/null || status=$?
  sed "s/^/    $dim/; s/\$/$plain/" "$work/out"
  [ "$status" = "$expected" ] || { printf '%sexit status %s, expected %s%s\n' "$red" "$status" "$expected" "$plain"; exit 1; }
  [ "$expected" = 0 ] || printf '    %s(exit status %s)%s\n' "$dim" "$status" "$plain"
}
quiet() { local who=$1; shift; "$bivouac" --data-dir "$work/$who" "$@" </dev/null; }
# json EXPRESSION: Python's value of it, with `d` the JSON on the standard input.
json() { python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"; }
id_of() { quiet alice features "$map" --json | json "next(f['id'] for f in d if f['feature']['properties'].get('name')=='$1')"; }
conflict_of() { quiet "$1" conflicts "$map" --json | json "next(str(c['id']) for c in d if c['kind']=='$2')"; }

# The server's saved file against both laptops, feature by feature; then the laptops' hashes and own checks.
equal() {
  local who
  curl -fsS -b "$work/cookies" "$url/en/datalayer/$map_id/$layer/" >"$work/server.json"
  for who in alice bob; do
    quiet "$who" features "$map" --json >"$work/$who.json"
    quiet "$who" status "$map" --json | json "d['state_hash']" >"$work/$who.hash"
    quiet "$who" verify "$map" | sed "s/^/    $who: /"
  done
  python3 - "$work" <<'PY' || exit 1
import json, sys
read = lambda name: json.load(open(f"{sys.argv[1]}/{name}.json"))
saved = read("server")["features"]
server = {f["id"]: f for f in saved}
laptops = {who: {row["id"]: row["feature"] for row in read(who)} for who in ("alice", "bob")}
bad = 0
if len(server) != len(saved): sys.exit("    an id is doubled in the server's file")
def of(feature):
    if feature is None: return "-"
    text = dict(feature["properties"])
    name = text.pop("name", "")
    return f"{name}  {json.dumps(text, ensure_ascii=False) if text else ''}".rstrip()
for key in sorted(set(server).union(*laptops.values())):
    same = all(mine.get(key) == server.get(key) for mine in laptops.values())
    bad += not same
    print(f"    {'equal ' if same else 'DIFFER'}  {key}  {of(server.get(key))}")
    if not same:
        for who, mine in laptops.items(): print(f"            {who}: {of(mine.get(key))}")
print(f"    server {len(server)} features, alice {len(laptops['alice'])}, bob {len(laptops['bob'])}; {bad} differ")
sys.exit(bool(bad))
PY
  printf '    state hash  alice %.16s…  bob %.16s…\n' "$(cat "$work/alice.hash")" "$(cat "$work/bob.hash")"
  cmp -s "$work/alice.hash" "$work/bob.hash" || { tell "${red}the state hashes differ$plain"; exit 1; }
  printf '    %sserver, alice and bob hold the same map%s\n' "$green" "$plain"
}

# ---------------------------------------------------------------- the map, made as a browser makes it
map="Marsh survey" layer=$(python3 -c 'import uuid; print(uuid.uuid4())')
web() { curl -fsS -b "$work/cookies" -c "$work/cookies" -H "X-CSRFToken: $(awk '$6=="csrftoken"{print $7}' "$work/cookies" 2>/dev/null)" "$@"; }
sign_in() {
  : >"$work/cookies"
  web -o /dev/null "$url/en/login/"
  web -o /dev/null -d "username=$1" -d "password=$BIVOUAC_PASSWORD" "$url/en/login/"
  web "$url/en/whoami" | json "d['user']['id']"
}
head_line "A map with one layer and three features, on the server"
bob=$(sign_in bob)
alice=$(sign_in alice)
map_id=$(web -F "name=$map" -F 'center={"type":"Point","coordinates":[5.1,45.2]}' \
  -F 'settings={"type":"Feature","geometry":{"type":"Point","coordinates":[5.1,45.2]},"properties":{"zoom":14,"syncEnabled":true}}' \
  "$url/en/map/create/" | json "d['id']")
web -o /dev/null -F "owner=$alice" -F "editors=$bob" -F edit_status=2 -F share_status=1 "$url/en/map/$map_id/update/permissions/"
cat >"$work/layer.json" <<J
{"type":"FeatureCollection","id":"$layer","rank":0,"properties":{"name":"Sightings","displayOnLoad":true},"features":[
{"type":"Feature","id":"reedB","geometry":{"type":"Point","coordinates":[5.101,45.201]},"properties":{"name":"Reed bed"}},
{"type":"Feature","id":"otter","geometry":{"type":"Point","coordinates":[5.102,45.202]},"properties":{"name":"Otter holt"}},
{"type":"Feature","id":"gateO","geometry":{"type":"Point","coordinates":[5.103,45.203]},"properties":{"name":"Old gate"}}]}
J
web -o /dev/null -F name=Sightings -F rank=0 -F 'settings={"name":"Sightings","displayOnLoad":true}' \
  -F "geojson=@$work/layer.json;filename=blob;type=application/json" "$url/en/map/$map_id/datalayer/create/$layer/"
address="$url/en/map/marsh-survey_$map_id"
tell "$address belongs to alice; bob may edit it."

head_line "Two laptops take it offline"
on alice 0 open "$address" --user alice
on bob 0 open "$address" --user bob
reed=$(id_of 'Reed bed') otter=$(id_of 'Otter holt') gate=$(id_of 'Old gate')

head_line "No network: the server is switched off"
$server stop-web
tell "A sync says so, with exit status 3, and changes nothing."
on alice 3 sync "$map"

head_line "Both edit the reed bed, different fields: both must survive"
on alice 0 edit "$map" set "$reed" description '"12 pairs"'
on bob 0 edit "$map" set "$reed" _umap_options.color '"Teal"'

head_line "Both rename the otter holt: only one name can stand, the other must be kept and shown"
on alice 0 edit "$map" set "$otter" name '"Otter holt, lived in"'
on bob 0 edit "$map" set "$otter" name '"Otter holt, empty"'

head_line "Alice deletes the old gate, bob writes a note on it"
on alice 0 edit "$map" delete "$gate"
on bob 0 edit "$map" set "$gate" description '"hinge broken"'

head_line "Each adds something of their own"
on alice 0 edit "$map" add --layer Sightings '{"type":"Feature","properties":{"name":"Kingfisher perch"},"geometry":{"type":"Point","coordinates":[5.104,45.204]}}'
on bob 0 edit "$map" add --layer Sightings '{"type":"Feature","properties":{"name":"Heron nest"},"geometry":{"type":"Point","coordinates":[5.105,45.205]}}'

head_line "The server is back: alice syncs, then bob, then alice again"
$server start-web
on alice 0 sync "$map"
tell "Bob comes back second: two of his edits met other decisions. They are kept, and he is asked (status 4)."
on bob 4 sync "$map"
on alice 0 sync "$map"

head_line "Is it one map? The server's saved file against both laptops"
equal

head_line "What waits for bob's decision"
on bob 0 conflicts "$map"
tell "He wants his name for the otter holt, and the gate back with his note."
on bob 0 resolve "$map" "$(conflict_of bob value)" mine
on bob 0 resolve "$map" "$(conflict_of bob deleted_while_edited)" mine
on bob 0 sync "$map"
on alice 0 sync "$map"

head_line "Is it one map again, and is nothing of anybody's lost?"
equal
python3 - "$work/server.json" <<'PY' || exit 1
import json, sys
found = {f["properties"].get("name"): f["properties"] for f in json.load(open(sys.argv[1]))["features"]}
expected = {
    "Reed bed": {"description": "12 pairs", "_umap_options": {"color": "Teal"}},
    "Otter holt, empty": {},
    "Old gate": {"description": "hinge broken"},
    "Kingfisher perch": {},
    "Heron nest": {},
}
for name, values in expected.items():
    if found.get(name) != {"name": name, **values}:
        sys.exit(f"    on the server {name!r} is {found.get(name)!r}, expected {values!r}")
if set(found) != set(expected):
    sys.exit(f"    the server holds {sorted(map(str, found))}, expected {sorted(expected)}")
PY
tell "    every edit of both is in it, or was decided by bob"

printf '\n%sProven: two laptops edited one map with no server, and afterwards the server and both laptops hold the same 5 features; no edit was lost silently.%s\n' "$green" "$plain"
