#!/usr/bin/env bash
# Boots Debian 12 with its real systemd in a container, runs a script in it as root, and gives back its exit code.
# usage: container.sh CACHE_DIR PAYLOAD_DIR [PACKAGE...]
#   PAYLOAD_DIR   is /opt/test inside, writable; /opt/test/run is what runs. Nothing else that changes inside stays.
#   PACKAGE...    Debian packages that are there besides systemd's. A root file system with them is made once, in
#                 CACHE_DIR, and needs Debian's archive for that; later boots take three seconds.
# Wants root, mmdebstrap and systemd-container. Exit code 77, after a line that says why: it cannot be done here.
set -euo pipefail

cache=$1 payload=$(realpath -- "$2")
shift 2
packages=systemd,systemd-sysv,dbus,procps,util-linux,init-system-helpers
for package in "$@"; do packages+=,$package; done

skip() {
  printf 'container.sh: Skipped\n%s\n' "$1"
  exit 77
}
[[ $EUID -eq 0 ]] || skip "booting systemd in a container wants root"
for program in mmdebstrap systemd-nspawn script; do
  command -v "$program" >/dev/null || skip "there is no $program (tools/install_dependencies.sh system)"
done

# The root file system, named by what is in it.
version=1
root=$cache/bookworm-$(printf '%s\n' "$version" "$packages" | sha256sum | cut -c1-16)
make_root() {
  rm -rf -- "$cache"/bookworm-*  # older ones are of no use
  mkdir -p -- "$root.new"
  local sources=()
  if [[ -f /etc/apt/sources.list.d/debian.sources ]]; then
    sources=(/etc/apt/sources.list.d/debian.sources)
  elif grep -qs '^deb .*bookworm' /etc/apt/sources.list; then
    sources=(/etc/apt/sources.list)
  fi
  if ! mmdebstrap --quiet --variant=minbase --include="$packages" bookworm "$root.tar" "${sources[@]}" </dev/null >"$cache/mmdebstrap.log" 2>&1; then
    rm -rf -- "$root.new" "$root.tar"
    skip "mmdebstrap could not fetch Debian: $(grep -m1 -E '^(E|W|error):' "$cache/mmdebstrap.log" || tail -n 1 "$cache/mmdebstrap.log")"
  fi
  tar -xpf "$root.tar" -C "$root.new" --numeric-owner
  rm -f -- "$root.tar"
  cat >"$root.new/etc/systemd/system/run-test.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash -c '/opt/test/run >/opt/test/run.log 2>&1; echo $? >/opt/test/status; systemctl poweroff'
UNIT
  mkdir -p -- "$root.new/etc/systemd/system/default.target.wants" "$root.new/opt/test"
  ln -s /etc/systemd/system/run-test.service "$root.new/etc/systemd/system/default.target.wants/"
  mv -- "$root.new" "$root"
}
mkdir -p -- "$cache"
exec 9>"$cache/lock"
flock 9  # one at a time makes it
[[ -d $root ]] || make_root
flock -u 9

# What nspawn leaves where no systemd is the host's first process; harmless, but the next boot would stumble.
remove_leftovers() {
  local controller group
  for controller in systemd unified; do
    for group in payload supervisor; do
      [[ -d /sys/fs/cgroup/$controller/$group ]] || continue
      find "/sys/fs/cgroup/$controller/$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
  done
}
trap remove_leftovers EXIT

rm -f -- "$payload/run.log" "$payload/status"
# nspawn's own filter would hide these calls from services inside, and so their sandbox.
calls='landlock_create_ruleset landlock_add_rule landlock_restrict_self fanotify_init fanotify_mark openat2'
boot=(systemd-nspawn --quiet --register=no --keep-unit --private-network --ephemeral "--system-call-filter='$calls'"
  "--directory='$root'" "--bind='$payload:/opt/test'" --boot)
# nspawn wants a terminal for a console: script(1) gives it one.
timeout --signal=INT 600 script -qfc "${boot[*]}" "$payload/console.log" </dev/null >/dev/null 2>&1 || true
if [[ ! -e $payload/status ]]; then
  if [[ ! -e $payload/run.log ]]; then
    skip "systemd does not boot in a container here: $(tr -d '\r' <"$payload/console.log" | grep -v '^Script ' | tail -n 1)"
  fi
  cat -- "$payload/run.log"
  echo "container.sh: it did not end in ten minutes" >&2
  exit 1
fi
cat -- "$payload/run.log"
exit "$(cat -- "$payload/status")"
