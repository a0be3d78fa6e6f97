#!/usr/bin/env bash
# Fails every single call of every kind in supervisor, worker and opener, one after the other, and checks after each that
# nothing is lost (tests/process/call_faults_test.cpp, which by itself tries some of them). Takes an hour.
# usage: tools/fault_storm.sh [BUILD_DIR] [GTEST_FILTER]      default: build/release, all kinds
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
export PAIRLOOM_FAULT_POINTS=all
exec "${1:-$root/build/release}/bin/process_call_faults" --gtest_filter="${2:-*}"
