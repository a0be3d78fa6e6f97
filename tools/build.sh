#!/usr/bin/env bash
# Configures and builds one CMake preset into build/PRESET: one line while it works, the whole log when it fails.
# usage: tools/build.sh PRESET [-DNAME=VALUE...] [TARGET...]      no target: everything
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
if [[ $# -eq 0 ]]; then
  sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
preset=$1
shift
definitions=()
targets=()
for argument in "$@"; do
  if [[ $argument == -D* ]]; then definitions+=("$argument"); else targets+=(--target "$argument"); fi
done

build_dir=$root/build/$preset
log=$build_dir/pairloom-build.log
mkdir -p -- "$build_dir"

# Keeps everything in the log; on a terminal shows the last line so far, in place.
show_progress() {
  local line columns
  columns=$(tput cols 2>/dev/null || echo 80)
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$log"
    [[ ! -t 1 ]] || printf '\r\033[K%.*s' "$((columns - 1))" "$name: $line"
  done
  [[ ! -t 1 ]] || printf '\r\033[K'
}

run_step() {
  local name=$1 started=$SECONDS
  shift
  : >"$log"
  if ! "$@" 2>&1 </dev/null | show_progress; then
    cat -- "$log" >&2
    echo "pairloom: $name failed; the output above is also in '$log'." >&2
    exit 1
  fi
  echo "$name: $((SECONDS - started)) s"
}

# A tree that was copied or moved carries a cache that CMake refuses: start that one afresh.
fresh=()
cache=$build_dir/CMakeCache.txt
if [[ -f $cache ]] && ! grep -Fqx "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then fresh=(--fresh); fi

run_step "Configuring ($preset)" cmake -S "$root" --preset "$preset" "${fresh[@]}" "${definitions[@]}"
jobs=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
run_step "Building ($preset)" cmake --build "$build_dir" --parallel "$jobs" "${targets[@]}"
