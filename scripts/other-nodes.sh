#!/usr/bin/env bash
# Runs what was built (dist/) on other versions of Node, from npm's `node` package in a temporary
# folder: start, bootstrap, issue, OCSP, revoke, OCSP again, SIGTERM. The command line runs on the
# same Node. Uses free ports and a data directory of its own.
#
#   scripts/other-nodes.sh           # 22 and 24
#   scripts/other-nodes.sh 22
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -f "$root/dist/main.js" ]; then
  echo "$0: dist/ is not there: run npm run build" >&2
  exit 69
fi
versions=("$@")
if [ ${#versions[@]} -eq 0 ]; then versions=(22 24); fi

scratch=$(mktemp -d)
service=
cleanup() {
  trap - EXIT
  if [ -n "$service" ]; then kill -KILL "$service" 2>/dev/null || true; fi
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# The caller's settings are for the caller's evpki.
unset "${!EVPKI_@}" NODE_OPTIONS

fail() {
  echo "$0: $*" >&2
  if [ -f "${log:-}" ]; then tail -n 20 "$log" >&2; fi
  exit 1
}

# What a command prints has to match; its exit status counts as well.
expect() {
  local pattern=$1
  shift
  local said
  said=$("$@" 2>&1) || fail "$*: $said"
  grep -Eq "$pattern" <<<"$said" || fail "$*: no \"$pattern\" in: $said"
}

walk() {
  local node=$1 folder=$2
  log=$folder/log
  cd "$folder"
  export EVPKI_CLIENT_CONFIG=$folder/credentials.json
  export EVPKI_DATA_DIR=$folder/data
  (
    cd "$root"
    exec env EVPKI_PUBLIC_PORT=0 EVPKI_API_PORT=0 EVPKI_METRICS_PORT=0 EVPKI_LOG_FORMAT=json "$node" dist/main.js
  ) >"$log" 2>&1 &
  service=$!

  local waited=0 line=
  until line=$(grep -m 1 '"event":"listening"' "$log"); do
    kill -0 "$service" 2>/dev/null || fail 'it has ended'
    waited=$((waited + 1))
    [ "$waited" -lt 300 ] || fail 'it does not listen within 60 seconds'
    sleep 0.2
  done
  local api public
  api=$("$node" -p 'JSON.parse(process.argv[1]).apiUrl' "$line")
  public=$("$node" -p 'JSON.parse(process.argv[1]).publicUrl' "$line")

  evpki() { "$node" "$root/bin/evpki.js" "$@"; }
  evpki login --bootstrap --url "$api" >/dev/null || fail 'no login'
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout charger.key -out charger.csr -subj /CN=SN-0001 2>/dev/null
  evpki cert issue --profile ocpp-station --csr charger.csr --out charger.pem >/dev/null 2>&1 ||
    fail 'no certificate'
  evpki authority show ocpp-station-ca --pem >authorities.pem
  expect 'charger.pem: OK' openssl verify -x509_strict -CAfile authorities.pem charger.pem
  local ask=(openssl ocsp -url "$public/ocsp" -CAfile authorities.pem -issuer authorities.pem
    -cert charger.pem)
  expect 'charger.pem: good' "${ask[@]}"
  evpki cert revoke charger.pem --reason superseded --wait-for-crl >/dev/null || fail 'not revoked'
  expect 'charger.pem: revoked' "${ask[@]}"

  kill -TERM "$service"
  local status=0
  wait "$service" || status=$?
  service=
  [ "$status" -eq 0 ] || fail "SIGTERM ended it with exit status $status"
}

# The downloads are what takes time; so all of them at once.
installs=()
for version in "${versions[@]}"; do
  mkdir "$scratch/$version"
  npm install --no-audit --no-fund --no-save --silent --prefix "$scratch/$version" \
    "node@$version" >"$scratch/$version/npm" 2>&1 &
  installs+=($!)
done
for install in "${installs[@]}"; do
  wait "$install" || { cat "$scratch"/*/npm >&2; fail 'npm cannot install the node package'; }
done
for version in "${versions[@]}"; do
  node=$scratch/$version/node_modules/node/bin/node
  said=$("$node" --version) || fail "node@$version does not run"
  [[ $said == "v$version."* ]] || fail "node@$version is $said"
  walk "$node" "$scratch/$version"
  echo "node $said: starts, issues, answers OCSP, revokes and stops"
done
