#!/usr/bin/env bash
# Makes the packages, and runs a scenario with them under a real systemd.
# usage: run_scenario.sh NAME_scenario.sh BUILD_DIR
# Exit code 77, after a line that says why: it cannot be done here.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)
scenario=$1 build=$2

skip() {
  printf 'run_scenario.sh: Skipped\n%s\n' "$1"
  exit 77
}
[[ $EUID -eq 0 ]] || skip "booting systemd in a container wants root"
for program in dh dpkg-buildpackage mmdebstrap systemd-nspawn; do
  command -v "$program" >/dev/null || skip "there is no $program (tools/install_dependencies.sh system)"
done

payload=$(mktemp -d)
trap 'rm -rf -- "$payload"' EXIT
cp -- "$here/steps.sh" "$payload"
install -- "$here/$scenario" "$payload/run"
"$build/bin/draw_collection" "$payload/pictures" 500
"$root/tools/make_deb.sh" --build-dir "$build" --output "$payload/packages" >/dev/null

# The same packages as a later version, to upgrade to.
mkdir -- "$payload/next"
for package in "$payload"/packages/*.deb; do
  dpkg-deb -R "$package" "$payload/unpacked"
  sed -i 's/^Version: .*/&+next1/; s/\(pairloom (= [^)]*\))/\1+next1)/' "$payload/unpacked/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$payload/unpacked" "$payload/next" >/dev/null
  rm -rf -- "$payload/unpacked"
done

# What the packages depend on is there, and no more: a dependency that was forgotten shows.
mapfile -t needed < <(for package in "$payload"/packages/*.deb; do dpkg-deb -f "$package" Depends Pre-Depends; done |
  sed 's/^[A-Z][a-z-]*: //; s/([^)]*)//g; s/|[^,]*//g' | tr ',' '\n' | tr -d ' ' | grep -v '^pairloom' | sort -u)
status=0
"$here/container.sh" "$build/system" "$payload" libpam-systemd "${needed[@]}" || status=$?
exit "$status"
