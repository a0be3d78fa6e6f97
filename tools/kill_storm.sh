#!/usr/bin/env bash
# Kills workers, openers and supervisors at random while 20,000 pictures are indexed, and checks that the index is the
# same as that of an undisturbed run, that no healthy file was given up, and that nothing is left behind.
# usage: tools/kill_storm.sh [BUILD_DIR]      default: build/release; takes some minutes and 3 GB in $TMPDIR
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
build=${1:-$root/build/release}
export PAIRLOOM_KILL_FILES=${PAIRLOOM_KILL_FILES:-20000}
export PAIRLOOM_KILL_WIDTH_PX=${PAIRLOOM_KILL_WIDTH_PX:-640}
export PAIRLOOM_KILL_WORKERS=${PAIRLOOM_KILL_WORKERS:-1000}
export PAIRLOOM_KILL_SUPERVISORS=${PAIRLOOM_KILL_SUPERVISORS:-50}
export PAIRLOOM_KILL_PAUSE_MS=${PAIRLOOM_KILL_PAUSE_MS:-60}
exec "$build/bin/process_kill" --gtest_filter=Kill.AnyProcessAtAnyMomentLosesNothing
