# What the scenarios have in common; sourced by them, in the container. A step is a function; the first command in it
# that fails ends the scenario, with what the journal says.

set -E  # the trap below is for functions, too
export LC_ALL=C.UTF-8
payload=/opt/test

run_steps() {
  local step started
  trap 'failed "$step"' ERR
  for step in "$@"; do
    started=${EPOCHREALTIME/[.,]/}
    "$step"
    echo "ok   $step ($(((${EPOCHREALTIME/[.,]/} - started) / 1000)) ms)"
  done
}

failed() {
  echo "FAILED in step $1: line ${BASH_LINENO[0]}: $BASH_COMMAND"
  journalctl --no-pager --quiet --lines=60 --output=short-monotonic
  exit 1
}

fail() {
  echo "     $*"
  return 1
}

# eventually SECONDS COMMAND...: until it succeeds; fails when it does not within that time.
eventually() {
  local deadline=$((EPOCHSECONDS + $1))
  shift
  until "$@"; do
    if ((EPOCHSECONDS >= deadline)); then
      fail "not within the time: $*"
      return 1
    fi
  done
}

# `! command` would not end a step.
fails() {
  if "$@" >/dev/null 2>&1; then fail "should have failed: $*"; fi
}

equal() {
  [[ $1 == "$2" ]] || fail "expected '$2', got '$1'"
}

# All that an index says of the images it holds, but for inode and ctime (cp -p changes that behind the last byte): a line
# each, then the near-duplicate groups. Without rank and distance in
# the group: which of two members is its centre depends on the order they came in.
content_of() {
  local index=$1
  pairloom --index "$index" index export --codes -o csv | cut -d, -f1-15,18- | sort &&
    pairloom --index "$index" dups -o csv | cut -d, -f1,3,4,6- | sort
}

# From now on `matches INDEX` means: INDEX says what an index made now, of these directories, says.
expect_index_of() {
  local index
  index=$(mktemp -d)/index.db
  pairloom --quiet --index "$index" index add "$@" || [[ $? -eq 3 ]]
  content_of "$index" >/tmp/expected
  rm -rf -- "${index%/*}"
  (($(wc -l </tmp/expected) > 2)) || fail "there is nothing to compare"
}

matches() {
  content_of "$1" >/tmp/actual && cmp --silent /tmp/expected /tmp/actual
}

show_difference() {
  ! matches "$1" || return 0
  diff /tmp/expected /tmp/actual | head -n 10
  return 1
}
