#!/usr/bin/env bash
# Makes the Debian packages from build/release, which is built first as far as it is not.
# usage: tools/make_deb.sh [--build-dir DIR] [--output DIR]
#   --build-dir DIR  take what is built there instead, as it is
#   --output DIR     where the packages go; default: build/packages
# Prints their paths. Needs the packages of group `package` in tools/debian-packages.txt.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
build_dir= output=$root/build/packages
while [[ $# -gt 0 ]]; do
  case $1 in
    --build-dir | --output)
      [[ -n ${2-} ]] || { echo "make_deb: $1 wants a directory" >&2; exit 2; }
      if [[ $1 == --output ]]; then output=$2; else build_dir=$(realpath -- "$2"); fi
      shift
      ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "make_deb: unknown argument '$1'; --help says what there is" >&2; exit 2 ;;
  esac
  shift
done

for program in dh dpkg-buildpackage; do
  command -v "$program" >/dev/null || {
    echo "make_deb: there is no '$program'; tools/install_dependencies.sh package brings it" >&2
    exit 1
  }
done
if [[ -z $build_dir ]]; then
  build_dir=$root/build/release
  "$root/tools/build.sh" release >&2
fi
mkdir -p -- "$output"

# debhelper works inside the source tree and leaves its results beside it: give it a copy of what it looks at.
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
tree=$work/pairloom
mkdir -- "$tree"
cp -a -- "$root"/{debian,docs,examples,README.md,CHANGELOG.md} "$tree"
# -d: what a build from source needs need not be here.
if ! (cd -- "$tree" && PAIRLOOM_BUILD_DIR=$build_dir dpkg-buildpackage -b -d -us -uc) >"$work/log" 2>&1 </dev/null; then
  cat -- "$work/log" >&2
  exit 1
fi
rm -f -- "$output"/pairloom*.deb
mv -- "$work"/*.deb "$output"
ls -- "$output"/*.deb
