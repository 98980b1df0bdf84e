#!/bin/sh
# Measures how long a node takes from its start to serving all its partitions after `kill -9`, with no recovery point
# on its disk: every byte is looked at. First with the log in the page cache, then without.
#
#   deploy/recovery.sh [--mebibytes N] [--base-port P] [--dir D]     10,240 MiB in ten partitions by default
#
# Reading cold wants root, as the page cache is dropped for it. Removes what it wrote.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
mebibytes=10240 port=19092 dir=${TMPDIR:-/tmp}/martlet-recovery partitions=10
while [ $# -gt 0 ]; do
    case $1 in
        --mebibytes) mebibytes=$2 ;;
        --base-port) port=$2 ;;
        --dir) dir=$2 ;;
        *) echo "recovery.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
martlet=${MARTLET:-$here/.build/release/martlet}
[ -x "$martlet" ] || (cd "$here" && swift build -c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked --product martlet >&2)
server=127.0.0.1:$port

gone() { [ ! -d "$dir" ] || "$martlet" cluster destroy --dir "$dir" >&2 || true; }
trap gone EXIT
trap 'exit 130' INT TERM
pid() { cut -d' ' -f1 "$dir/node-1/process"; }
served() {
    "$martlet" get-offsets --bootstrap-server "$server" --topic recovery >"$dir/offsets" 2>/dev/null &&
        [ "$(grep -c '^recovery:' "$dir/offsets")" = "$partitions" ]
}

gone
# No checkpoint comes between: without one nothing counts as flushed.
"$martlet" cluster up --nodes 1 --base-port "$port" --dir "$dir" \
    --override log.flush.offset.checkpoint.interval.ms=100000000 >&2
"$martlet" perf produce --bootstrap-server "$server" --topic recovery --partitions $partitions \
    --replication-factor 1 --config flush.on.ack=false --config segment.bytes=268435456 --batch-bytes 65536 \
    --record-bytes 1024 --in-flight 4 --mebibytes "$mebibytes" --warm-up-mebibytes 0 >&2
for cache in warm cold; do
    kill -9 "$(pid)"
    if [ $cache = cold ]; then
        sync
        echo 3 >/proc/sys/vm/drop_caches || { echo "recovery.sh: cold needs root" >&2; exit 1; }
    fi
    began=$(date +%s%N)
    "$martlet" cluster up --dir "$dir" --timeout 600 >&2
    until served; do sleep 0.05; done
    ended=$(date +%s%N)
    echo "recovery $cache: $(((ended - began) / 1000000)) ms for $mebibytes MiB"
done
