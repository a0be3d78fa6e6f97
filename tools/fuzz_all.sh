#!/usr/bin/env bash
# Lets libFuzzer attack every target of tests/fuzz, one after the other; what it learns is kept for the next time.
# usage: tools/fuzz_all.sh [SECONDS] [TARGET...]      default: 60 seconds each, all targets
# Exit code 1: something did not hold; the inputs are in build/fuzz/found.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
seconds=${1:-60}
[[ $# -eq 0 ]] || shift
"$root/tools/build.sh" fuzz fuzz fuzz_replay
build=$root/build/fuzz
targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || mapfile -t targets < <("$build/bin/fuzz_replay" --list)

mkdir -p "$build/found"
failed=()
for target in "${targets[@]}"; do
  corpus=$build/corpus/$target
  mkdir -p "$corpus"
  "$build/bin/fuzz_replay" "$target" --corpus "$corpus"
  log=$build/found/$target.log
  if PAIRLOOM_FUZZ_TARGET=$target "$build/bin/fuzz" -max_total_time="$seconds" -max_len=16384 -timeout=25 \
    -rss_limit_mb=2500 -artifact_prefix="$build/found/$target-" "$corpus" >"$log" 2>&1; then
    echo "$target: nothing found in $seconds s; $(grep -o 'stat::number_of_executed_units.*\|Done .*' "$log" | tail -1)"
  else
    echo "$target: FAILED, see $log"
    failed+=("$target")
  fi
done
[[ ${#failed[@]} -eq 0 ]]
