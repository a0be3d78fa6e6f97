#!/usr/bin/env bash
# Tries every fuzz target on so many damaged inputs.
# usage: replay_all.sh FUZZ_REPLAY INPUTS [SEED]
set -euo pipefail

for target in $("$1" --list); do
  "$1" "$target" "$2" "${3-1}"
done
