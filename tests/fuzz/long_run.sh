#!/usr/bin/env bash
# Builds the mutating fuzzers with AddressSanitizer and UBSan and runs both, at the lowest priority.
# usage: tests/fuzz/long_run.sh [INPUTS [SEED]]      ten million inputs each by default; stops at the first finding
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
inputs=${1:-10000000}
seed=${2:-1}
"$root/tools/build.sh" asan jpeg_mutate decode_mutate
cd -- "$root/build/asan"
nice -n 19 bin/jpeg_mutate "$inputs" "$seed"
nice -n 19 bin/decode_mutate "$inputs" "$seed"
