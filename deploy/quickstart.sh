#!/bin/bash
# From nothing to a running cluster of three, with a look at what it does when a node dies.
#
#   deploy/quickstart.sh [--base-port P] [--dir D] [--topic T]
#
# Clients at P, P+1, P+2 (9092, 9093, 9094). The cluster stays up; `martlet cluster down` ends it.
set -euo pipefail
cd "$(dirname "$0")/.."

base_port=9092
directory=$PWD/martlet-cluster
topic=quickstart
while [ $# -gt 0 ]; do
    case $1 in
        --base-port) base_port=${2:?--base-port needs a number}; shift 2 ;;
        --dir) directory=${2:?--dir needs a directory}; shift 2 ;;
        --topic) topic=${2:?--topic needs a name}; shift 2 ;;
        -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "quickstart.sh: unknown option $1 (try --help)" >&2; exit 1 ;;
    esac
done

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
# Milliseconds that grow, whatever the calendar does.
now() { local up rest; read -r up rest </proc/uptime; printf '%s' "$((10#${up/./} * 10))"; }

# The container way, where there is no Swift but an engine with compose answers: the same three nodes and ports.
container_way() {
    local compose
    if command -v docker >/dev/null && docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
        compose="docker compose -f docker/compose.yaml"
    elif command -v podman-compose >/dev/null && podman info >/dev/null 2>&1; then
        compose="podman-compose --in-pod=false -f docker/compose.yaml"
    else
        return 1
    fi
    export MARTLET_PORT_1=$base_port MARTLET_PORT_2=$((base_port + 1)) MARTLET_PORT_3=$((base_port + 2))
    say "No Swift toolchain here; building and starting three nodes in containers"
    $compose up --build -d
    in_node() { $compose exec -T kafka1 "$@"; }
    for _ in $(seq 1 60); do
        in_node martlet container health >/dev/null 2>&1 && break
        sleep 1
    done
    say "A topic, a record, and what was written"
    in_node kafka-topics --bootstrap-server kafka1:9092 --create --if-not-exists --topic "$topic" --partitions 6 \
        --replication-factor 3
    echo "hello from $(hostname)" | in_node kafka-console-producer --bootstrap-server kafka1:9092 --topic "$topic"
    in_node kafka-console-consumer --bootstrap-server kafka1:9092 --topic "$topic" --from-beginning --max-messages 1
    cat <<TEXT

The three nodes stay up, at localhost:$base_port, localhost:$MARTLET_PORT_2 and localhost:$MARTLET_PORT_3. What to type next:

    kcat -b localhost:$base_port -L                    # any Kafka client will do
    $compose exec kafka1 kafka-topics --bootstrap-server kafka1:9092 --describe --topic $topic
    $compose kill kafka2                               # the others go on; 'start kafka2' brings it back
    $compose down                                      # ends it; the volumes stay
TEXT
    exit 0
}

if ! command -v swift >/dev/null; then
    container_way || {
        cat >&2 <<'TEXT'
No Swift toolchain found. Get Swift 6.2 or newer, then run this script again:

    curl -O https://download.swift.org/swiftly/linux/swiftly-$(uname -m).tar.gz
    tar zxf swiftly-$(uname -m).tar.gz && ./swiftly init

or follow https://www.swift.org/install
TEXT
        exit 1
    }
fi

missing=()
for pair in zlib1g-dev:zlib.h libzstd-dev:zstd.h liblz4-dev:lz4.h libsnappy-dev:snappy-c.h; do
    [ -e "/usr/include/${pair#*:}" ] || missing+=("${pair%%:*}")
done
if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || { echo "Please install: ${missing[*]}" >&2; exit 1; }
    say "Installing ${missing[*]}"
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

say "Building the release binary (a few minutes the first time)"
swift build -c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked --product martlet
binary=$(swift build -c release --static-swift-stdlib --show-bin-path)
PATH=$binary:$PATH
servers=127.0.0.1:$base_port,127.0.0.1:$((base_port + 1)),127.0.0.1:$((base_port + 2))
cluster() { martlet cluster "$@" --dir "$directory"; }

say "Starting three nodes"
cluster up --nodes 3 --base-port "$base_port"

say "A topic with six partitions, each kept three times"
martlet topics --bootstrap-server "$servers" --create --if-not-exists --topic "$topic" --partitions 6 --replication-factor 3

# Real input: the words of this repository's own pages, numbered.
input=$(mktemp)
output=$(mktemp)
trap 'rm -f "$input" "$output" "$output.sorted"' EXIT
run=$(date +%s)
cat README.md docs/*.md LICENSE | tr -cs '[:alnum:]' '\n' | grep . | awk -v run="$run" '{ print run "-" NR " " $0 }' >"$input"
count=$(wc -l <"$input")

consume() { # reads all records of this run that are there, sorted by their number
    martlet console-consumer --bootstrap-server "$servers" --topic "$topic" --from-beginning --timeout-ms "$1" 2>/dev/null |
        grep "^$run-" | sort -t- -k2n >"$output" || true
}

say "Writing $count records with acks=all, reading them back"
martlet console-producer --bootstrap-server "$servers" --topic "$topic" <"$input"
consume 3000
if cmp -s "$input" "$output"; then
    echo "All $count records came back unchanged."
else
    echo "Of $count records $(wc -l <"$output") came back, or not all are the same. This must not happen." >&2
    exit 1
fi

say "Who leads what"
martlet topics --bootstrap-server "$servers" --describe --topic "$topic"

victim=$(martlet topics --bootstrap-server "$servers" --describe --topic "$topic" |
    sed -nE 's/.*Partition: 0\tLeader: ([0-9]+).*/\1/p')
say "Killing node $victim, the leader of partition 0 (kill -9)"
survivors=$(for node in 1 2 3; do [ "$node" = "$victim" ] || printf '127.0.0.1:%s\n' $((base_port + node - 1)); done | paste -sd,)
killed=$(now)
cluster kill "$victim"
while :; do
    leader=$(martlet topics --bootstrap-server "$survivors" --describe --topic "$topic" 2>/dev/null |
        sed -nE 's/.*Partition: 0\tLeader: ([0-9]+).*/\1/p')
    [ -n "$leader" ] && [ "$leader" != "$victim" ] && break
    if [ $(($(now) - killed)) -gt 60000 ]; then echo "No new leader within a minute." >&2; exit 1; fi
done
echo "still here" | sed "s/^/$run-$((count + 1)) /" | tee -a "$input" |
    martlet console-producer --bootstrap-server "$survivors" --topic "$topic"
gap=$(($(now) - killed))
echo "Node $leader leads partition 0 now; the next record was acknowledged $gap ms after the kill."

say "Was anything lost?"
servers=$survivors
consume 3000
if cmp -s "$input" "$output"; then
    echo "Nothing: all $((count + 1)) records are there, once, unchanged, with a node missing."
else
    echo "Of $((count + 1)) records $(wc -l <"$output") came back, or not all are the same. This must not happen." >&2
    exit 1
fi

say "Starting node $victim again"
cluster start "$victim"
for _ in $(seq 1 300); do
    behind=$(martlet topics --bootstrap-server "$servers" --describe --topic "$topic" --under-replicated-partitions | wc -l)
    [ "$behind" = 0 ] && break
    sleep 0.1
done
echo "Partitions with a missing replica: $behind"
cluster status

cat <<TEXT

The cluster stays up. What to type next:

    export PATH=$binary:\$PATH
    martlet topics --bootstrap-server localhost:$base_port --describe --topic $topic
    echo hello | martlet console-producer --bootstrap-server localhost:$base_port --topic $topic
    martlet console-consumer --bootstrap-server localhost:$base_port --topic $topic --from-beginning
    kcat -b localhost:$base_port -L                    # any Kafka client will do
    martlet cluster status --dir $directory
    martlet cluster down --dir $directory              # ends it; the data stays
TEXT
