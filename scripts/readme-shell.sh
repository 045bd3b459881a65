#!/usr/bin/env bash
# Runs what README.md tells people to type: its blocks marked ```sh run, in order, in one bash, in
# a fresh clone of what is committed and with an empty HOME. What a block leaves running in the
# background is ended by its process id when the last block is done.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
limit=${README_SHELL_LIMIT:-15m}

scratch=$(mktemp -d)
group=
cleanup() {
  trap - EXIT INT TERM
  # The group of `timeout` below: every process that the blocks started and that is still there.
  if [ -n "$group" ]; then kill -TERM -- "-$group" 2>/dev/null || true; fi
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -n "$(git -C "$root" status --porcelain)" ]; then
  echo "$0: there are changes that are not committed; what is committed is run" >&2
fi
git clone --quiet --no-local "$root" "$scratch/evpki"

# Where no prebuilt binary of sqlite3 can be had, `npm ci` compiles it, for minutes. The one that
# this checkout has is offered as the prebuilt one; of another version it would have another name.
sqlite3=$root/node_modules/sqlite3
if [ -f "$sqlite3/build/Release/node_sqlite3.node" ]; then
  name=$(node -p 'const { version, binary } = require(process.argv[1]);
    `sqlite3-v${version}-napi-v${Math.max(...binary.napi_versions)}-${process.platform}-${process.arch}`' \
    "$sqlite3/package.json")
  mkdir "$scratch/prebuilds"
  tar -czf "$scratch/prebuilds/$name.tar.gz" -C "$sqlite3" build/Release/node_sqlite3.node
  export npm_config_sqlite3_local_prebuilds="$scratch/prebuilds"
fi

# `-v` below prints the blocks as they are read, each after its place in the README.
script="$scratch/readme.sh"
cat >"$script" <<'BASH'
set -euo pipefail
end_jobs() {
  status=$?
  trap - EXIT
  for job in $(jobs -p); do kill -TERM "$job" 2>/dev/null || true; done
  wait
  exit "$status"
}
trap end_jobs EXIT
set -v
BASH
awk '/^```sh run[ \t]*$/ { inside = 1; blocks++; print "# README.md, line " NR; next }
     /^```/ { inside = 0 }
     inside
     END { exit blocks == 0 }' "$scratch/evpki/README.md" >>"$script" ||
  { echo "$0: README.md has no block that is marked \`\`\`sh run" >&2; exit 65; }

# What the machine says about reaching npm stays; the rest of the person's settings does not.
export NPM_CONFIG_USERCONFIG=${NPM_CONFIG_USERCONFIG:-$HOME/.npmrc}
NPM_CONFIG_CACHE=$(npm config get cache)
export NPM_CONFIG_CACHE
export HOME="$scratch/home"
mkdir "$HOME"
unset "${!XDG_@}" "${!EVPKI_@}"

cd "$scratch/evpki"
timeout --kill-after=30s "$limit" bash "$script" </dev/null &
group=$!
status=0
wait "$group" || status=$?
if [ "$status" -eq 124 ]; then echo "$0: not done after $limit" >&2; fi
exit "$status"
