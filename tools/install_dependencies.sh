#!/usr/bin/env bash
# Installs the Debian packages of the named groups in tools/debian-packages.txt, as far as they are missing.
# usage: tools/install_dependencies.sh [GROUP...]      groups: build test system package fuzz bench; default: build
# When nothing is missing, neither apt nor sudo is called.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
package_list=$root/tools/debian-packages.txt
groups=("$@")
[[ ${#groups[@]} -gt 0 ]] || groups=(build)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "pairloom: this is no Debian system; the packages it needs are listed in '$package_list'." >&2
  echo "          Once they are there, go on with --no-install." >&2
  exit 1
fi

is_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

missing=()
for group in "${groups[@]}"; do
  packages=$(awk -v group="$group" '$1 == group { print $2 }' "$package_list" | sort -u)
  if [[ -z $packages ]]; then
    echo "pairloom: no group '$group' in '$package_list'" >&2
    exit 2
  fi
  for package in $packages; do
    is_installed "$package" || missing+=("$package")
  done
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $EUID -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "pairloom: packages are missing and there is no sudo; as root, run:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
  [[ -t 0 ]] || as_root=(sudo -n)  # nobody there to type a password: fail, do not wait
fi
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

log=$(mktemp)
trap 'rm -f -- "$log"' EXIT
echo "Installing ${#missing[@]} Debian packages and what they depend on:"
echo "  ${missing[*]}"
install() { apt install --no-install-recommends "${missing[@]}" >"$log" 2>&1; }

# The package lists of a fresh system are empty, those of an old one name files that are gone: fetch them only then.
if ! install; then
  echo "  (fetching the package lists first)"
  # A broken third-party source must not stop us: whether the packages can be had the second try will tell.
  if ! apt update >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    echo "pairloom: 'apt-get update' had errors; going on" >&2
  fi
  if ! install; then
    cat "$log" >&2
    echo "pairloom: cannot install the packages above." >&2
    exit 1
  fi
fi
