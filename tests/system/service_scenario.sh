#!/usr/bin/env bash
# pairloomd under a real systemd: from installation to purge, through all that can happen to a service. After each step
# the index must say what one made afresh would say. Runs as root in the container that container.sh boots.
set -euo pipefail
# shellcheck source=steps.sh
. /opt/test/steps.sh

index=/var/lib/pairloom/index.db
config=/etc/pairloom/pairloom.toml

# --- what the service says of itself
property() { systemctl show --value --property "$1" pairloomd.service; }
main_pid() { property MainPID; }
is_active() { [[ $(property ActiveState) == active ]]; }
restarted_since() { [[ $(property NRestarts) -gt $1 ]] && is_active; }
workers() { pgrep --full 'libexec/pairloom/pairloom-worker --lane'; }
journal_has() { journalctl --quiet --unit=pairloomd.service --grep="$1" --output=cat >/dev/null; }

# The index of the service becomes that of these directories as they are now.
converges_to() {
  expect_index_of "$@"
  eventually 180 matches "$index" || show_difference "$index"
}

install_the_packages() {
  # The watchdog need not take half a minute here.
  mkdir -p /run/systemd/system/pairloomd.service.d
  printf '[Service]\nWatchdogSec=10s\nTimeoutAbortSec=2s\n' >/run/systemd/system/pairloomd.service.d/test.conf
  dpkg -i "$payload"/packages/pairloom_*.deb "$payload"/packages/pairloomd_*.deb >/dev/null
  getent passwd pairloom >/dev/null
  eventually 180 is_active  # with a configuration that watches nothing yet
  equal "$(systemctl is-enabled pairloomd.service)" enabled
}

units_are_sound_and_hardened() {
  systemd-analyze --man=no verify /lib/systemd/system/pairloomd.service /lib/systemd/system/pairloomd@x.service
  systemd-analyze security --threshold=10 pairloomd.service | tail -n 1
}

watch_a_directory() {
  mkdir -p /srv/photos /srv/usb /var/disk
  mount -t tmpfs disk /var/disk  # what a USB disk would be
  cp -r "$payload/pictures/09" /var/disk/
  mount --bind /var/disk /srv/usb
  printf '\n[[root]]\npath = "/srv/photos"\n[[root]]\npath = "/srv/usb"\n' >>"$config"
  systemctl reload pairloomd.service
  converges_to /srv/photos /srv/usb
}

# The unit, but for what it starts: a worker that tries every misdeed, and says which it could not be kept from.
workers_are_contained_completely() {
  sed -e 's/^Type=.*/Type=oneshot/' -e '/^Restart/d; /^WatchdogSec=/d; /^ExecReload=/d' \
    -e 's|^ExecStart=.*|ExecStart=/usr/bin/pairloom doctor --index /var/lib/pairloom/index.db|' \
    /lib/systemd/system/pairloomd.service >/run/systemd/system/doctor.service
  systemctl start doctor.service
  journalctl --quiet --unit=doctor.service --output=cat --grep='^ok +sandbox +complete'
}

drop_images_in() {
  cp -r "$payload"/pictures/0[0-8] /srv/photos/
  converges_to /srv/photos /srv/usb
}

# A line for a file that cannot be used, with fields to ask by; a thousand are a few lines (and, a minute later, a sum).
drop_broken_files_in() {
  head --bytes=100 "$payload/pictures/00/000.jpg" >/srv/photos/broken.jpg
  eventually 180 journal_says_why_of /srv/photos/broken.jpg
  mkdir /srv/photos/broken
  (cd /srv/photos/broken && for number in {1..1000}; do cp ../broken.jpg "$number.jpg"; done)
  converges_to /srv/photos /srv/usb
  [[ $(journalctl --quiet --unit=pairloomd.service --output=cat --grep=/srv/photos/broken/ | wc --lines) -lt 100 ]]
  rm -r /srv/photos/broken /srv/photos/broken.jpg
  converges_to /srv/photos /srv/usb
}
journal_says_why_of() {
  journalctl --quiet --unit=pairloomd.service --output=json PAIRLOOM_PATH="$1" | grep '"PAIRLOOM_REASON":"corrupt' |
    grep --quiet '"PAIRLOOM_WORKER":"[0-9]'
}

rename_a_directory() {
  mv /srv/photos/01 /srv/photos/renamed
  converges_to /srv/photos /srv/usb
}

delete_some() {
  rm -r /srv/photos/02 /srv/photos/03/*0.jpg
  converges_to /srv/photos /srv/usb
}

# Nothing of an absent disk is forgotten, and all else goes on.
unmount_a_root() {
  cp -p "$payload/pictures/00/001.jpg" /srv/photos/meanwhile.jpg
  expect_index_of /srv/photos /srv/usb
  rm /srv/photos/meanwhile.jpg
  umount /srv/usb
  eventually 180 journal_has '/srv/usb: offline'
  cp -p "$payload/pictures/00/001.jpg" /srv/photos/meanwhile.jpg
  eventually 180 matches "$index" || show_difference "$index"
}

remount_it() {
  mount --bind /var/disk /srv/usb
  cp "$payload/pictures/00/000.jpg" /srv/usb/new.jpg
  converges_to /srv/photos /srv/usb
}

kill_a_worker() {
  cp -r "$payload/pictures/02" /srv/photos/again &
  eventually 180 workers >/dev/null
  pkill -KILL --oldest --full 'libexec/pairloom/pairloom-worker --lane'
  wait
  converges_to /srv/photos /srv/usb
  is_active
}

kill_the_supervisor() {
  local restarts
  restarts=$(property NRestarts)
  cp -r "$payload/pictures/03" /srv/photos/more &
  kill -KILL "$(main_pid)"
  wait
  eventually 180 restarted_since "$restarts"
  converges_to /srv/photos /srv/usb
}

stop_it_from_working_until_the_watchdog_bites() {
  local restarts
  restarts=$(property NRestarts)
  kill -STOP "$(main_pid)"
  rm -r /srv/photos/more
  eventually 180 restarted_since "$restarts"
  journal_has 'Watchdog timeout'
  converges_to /srv/photos /srv/usb
}

reload_a_broken_configuration() {
  local pid
  pid=$(main_pid)
  cp "$config" /tmp/good.toml
  echo 'indx = "/nowhere"' >"$config"
  systemctl reload pairloomd.service
  eventually 180 journal_has "$config:1: .*did you mean 'index'"
  equal "$(main_pid)" "$pid"
  cp -r "$payload/pictures/03" /srv/photos/after-broken  # it goes on with the one before
  converges_to /srv/photos /srv/usb
}

reload_a_good_one() {
  mkdir -p /srv/other
  cp -r "$payload/pictures/02" /srv/other/
  cp /tmp/good.toml "$config"
  printf '\n[[root]]\npath = "/srv/other"\n' >>"$config"
  systemctl reload pairloomd.service
  converges_to /srv/photos /srv/usb /srv/other
}

ask_it() {
  mkdir -p /srv/asked
  cp -r "$payload/pictures/01" /srv/asked/
  pairloom --index "$index" watch add /srv/asked
  converges_to /srv/photos /srv/usb /srv/other /srv/asked
  pairloom --index "$index" watch ls | grep -F /srv/asked >/dev/null
  useradd --create-home --groups pairloom anna
  runuser -u anna -- pairloom --index "$index" status >/dev/null
  runuser -u anna -- pairloom --index "$index" dups >/dev/null
  fails runuser -u nobody -- pairloom --socket /run/pairloom/control.sock watch ls
}

# Beside the machine's service: another instance, and a user's own.
start_an_instance() {
  mkdir -p /srv/scans /var/lib/pairloom/scans
  cp -r "$payload/pictures/00" /srv/scans/
  cat >/etc/pairloom/scans.toml <<'TOML'
index = "/var/lib/pairloom/scans/index.db"
[control]
socket = "/run/pairloom/scans/control.sock"
[[root]]
path = "/srv/scans"
TOML
  systemctl start pairloomd@scans.service
  expect_index_of /srv/scans
  eventually 180 matches /var/lib/pairloom/scans/index.db || show_difference /var/lib/pairloom/scans/index.db
  equal "$(pairloom --index /var/lib/pairloom/scans/index.db watch ls -o null | tr '\0' '\n')" /srv/scans
  systemctl stop pairloomd@scans.service
  equal "$(systemctl show --value --property Result pairloomd@scans.service)" success
  rm -r /etc/pairloom/scans.toml /var/lib/pairloom/scans
}

start_a_users_own() {
  local uid
  uid=$(id --user anna)
  systemctl start "user@$uid.service"
  mkdir -p /home/anna/pictures /home/anna/.config/pairloom
  cp -r "$payload/pictures/00" /home/anna/pictures/
  cat >/home/anna/.config/pairloom/pairloom.toml <<TOML
index = "/home/anna/index.db"
[control]
socket = "/run/user/$uid/pairloom/control.sock"
[[root]]
path = "/home/anna/pictures"
TOML
  chown --recursive anna: /home/anna
  as_anna() { runuser -u anna -- env XDG_RUNTIME_DIR="/run/user/$uid" "$@"; }
  as_anna systemctl --user start pairloomd.service
  expect_index_of /home/anna/pictures
  eventually 180 matches /home/anna/index.db || show_difference /home/anna/index.db
  equal "$(as_anna pairloom --index /home/anna/index.db watch ls -o null | tr '\0' '\n')" /home/anna/pictures
  as_anna systemctl --user stop pairloomd.service
  systemctl stop "user@$uid.service"
}

upgrade() {
  expect_index_of /srv/photos /srv/usb /srv/other /srv/asked
  dpkg -i "$payload"/next/pairloom_*.deb "$payload"/next/pairloomd_*.deb >/dev/null
  eventually 180 is_active
  matches "$index"
  rm /srv/other/02/100.jpg
  converges_to /srv/photos /srv/usb /srv/other /srv/asked
}

stop() {
  systemctl stop pairloomd.service
  equal "$(property Result)" success
  equal "$(property ExecMainStatus)" 0
  fails workers
  matches "$index"
  pairloom --index "$index" index verify
}

a_question_starts_it() {
  systemctl start pairloomd.socket
  pairloom --index "$index" watch ls >/dev/null
  is_active
  systemctl stop pairloomd.socket pairloomd.service
}

remove_and_purge() {
  systemctl start pairloomd.service
  dpkg --remove pairloomd >/dev/null
  fails systemctl --quiet is-active pairloomd.service
  [[ -s $index && -s $config ]]  # kept until purge
  dpkg --purge pairloomd pairloom >/dev/null
  equal "$(find /usr /etc /var/lib -name '*pairloom*' -not -path '/var/lib/dpkg/*')" ""
  [[ ! -e /run/pairloom ]]
  [[ -s /srv/usb/new.jpg ]]  # no picture was touched
}

run_steps install_the_packages units_are_sound_and_hardened watch_a_directory workers_are_contained_completely \
  drop_images_in drop_broken_files_in rename_a_directory delete_some unmount_a_root remount_it kill_a_worker kill_the_supervisor \
  stop_it_from_working_until_the_watchdog_bites reload_a_broken_configuration reload_a_good_one ask_it \
  start_an_instance start_a_users_own \
  upgrade stop a_question_starts_it remove_and_purge
