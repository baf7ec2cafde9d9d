#!/usr/bin/env bash
# Install the Debian packages that the tests use as independent judges and peers.
# On another system: install ffmpeg, chromium, curl and libmp3lame by its own means.
set -euo pipefail

packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need ffmpeg ffmpeg
need chromium chromium
need curl curl
need strace strace
need fpcalc libchromaprint-tools
need promtool prometheus
need fusermount3 fuse3
need mkfs.ext4 e2fsprogs
need nginx nginx-light
need ip iproute2
need clamd clamav-daemon # without signatures: the tests bring their own
if [ "${1-}" = ceph ]; then
    need ceph-mon ceph-mon
    need ceph-osd ceph-osd
    need radosgw radosgw
fi
[ -e /usr/lib/"$(uname -m)"-linux-gnu/libmp3lame.so.0 ] || packages+=(libmp3lame0)
[ -e /usr/lib/"$(uname -m)"-linux-gnu/libseccomp.so.2 ] || packages+=(libseccomp2)
[ -e /usr/lib/"$(uname -m)"-linux-gnu/libebur128.so.1 ] || packages+=(libebur128-1)

[ "${#packages[@]}" -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null; then
    echo "Please install: ${packages[*]}" >&2
    exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
