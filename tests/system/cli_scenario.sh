#!/usr/bin/env bash
# The package pairloom on a fresh Debian 12, used by a person: from installation to removal. Runs as root in the
# container that container.sh boots.
set -euo pipefail
# shellcheck source=steps.sh
. /opt/test/steps.sh

as_anna() {
  runuser -u anna -- env HOME=/home/anna XDG_RUNTIME_DIR=/run/user/1000 "$@"
}

install_the_package() {
  dpkg -i "$payload"/packages/pairloom_*.deb >/dev/null
  [[ $(pairloom --version) == pairloom\ * ]]
}

everything_is_where_debian_expects_it() {
  local path
  for path in /usr/share/man/man1/pairloom.1.gz /usr/share/bash-completion/completions/pairloom \
    /usr/share/zsh/vendor-completions/_pairloom /usr/share/fish/vendor_completions.d/pairloom.fish \
    /usr/share/doc/pairloom/copyright /usr/share/doc/pairloom/CHANGELOG.md.gz; do
    [[ -s $path ]] || fail "there is no $path"
  done
  [[ ! -e /usr/local/bin/pairloom ]]
}

a_person_arrives() {
  useradd --uid 1000 --create-home anna
  install -d -o anna /home/anna/Pictures
  cp -r "$payload/pictures/00" /home/anna/Pictures/
  chown -R anna: /home/anna
  loginctl enable-linger anna
  eventually 180 test -S /run/user/1000/systemd/private
}

workers_are_contained_completely() {
  as_anna pairloom doctor | grep -E '^ok +sandbox +complete'
}

a_scan_finds_the_duplicates() {
  as_anna pairloom scan --quiet /home/anna/Pictures -o fdupes >/tmp/groups
  equal "$(grep -c . /tmp/groups)" 20  # ten pairs among fifty
}

index_equals_a_fresh_one() {
  expect_index_of /home/anna/Pictures
  show_difference /home/anna/.local/share/pairloom/index.db
}

the_timers_service_keeps_the_index_fresh() {
  cp -r "$payload/pictures/01" /home/anna/Pictures/
  rm /home/anna/Pictures/00/000.jpg
  chown -R anna: /home/anna/Pictures
  as_anna systemctl --user start pairloom-update.service  # returns when it is done
  index_equals_a_fresh_one
}

the_timer_can_be_enabled() {
  as_anna systemctl --user enable --now pairloom-update.timer 2>/dev/null
  equal "$(as_anna systemctl --user is-active pairloom-update.timer)" active
  as_anna systemctl --user disable --now pairloom-update.timer 2>/dev/null
}

an_upgrade_keeps_the_index() {
  dpkg -i "$payload"/next/pairloom_*.deb >/dev/null
  show_difference /home/anna/.local/share/pairloom/index.db
}

purged_it_leaves_nothing_of_its_own() {
  dpkg --purge pairloom >/dev/null
  equal "$(find /usr /etc /var/lib -name '*pairloom*' -not -path '/var/lib/systemd/*' -not -path '/var/lib/dpkg/*')" ""
  [[ -s /home/anna/.local/share/pairloom/index.db ]]  # a person's data is the person's
}

run_steps install_the_package everything_is_where_debian_expects_it a_person_arrives workers_are_contained_completely \
  a_scan_finds_the_duplicates index_equals_a_fresh_one the_timers_service_keeps_the_index_fresh the_timer_can_be_enabled \
  an_upgrade_keeps_the_index purged_it_leaves_nothing_of_its_own
