#!/bin/sh
# Measures a three-node cluster on this machine, beside the floor (programs in C that do the least a broker can do):
# floor, Martlet, floor, Martlet, … and the medians and their ratio. Only ratios of one run mean anything.
#
#   deploy/bench.sh [--limit DIR] [--rounds N] [--mebibytes N] [--base-port P] [--dir D] [--cases 'NAME …'] [--failovers N]
#
# --limit DIR  the folder of limit.c; without it only Martlet is measured
# cases, all of them by default: produce-64k produce-64k-flush produce-1k ping-pong consume produce-100 partitions-1000
#        connections-1000 mixed tools cold-start failover. A case that fails is named at the end; the others go on.
#        Not by default: idle (three minutes; the three nodes have open files for 10,000 partitions each).
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
limit_dir='' rounds=5 mebibytes=512 port=19092 dir=${TMPDIR:-/tmp}/martlet-bench failovers=10
cases='produce-64k produce-64k-flush produce-1k ping-pong consume'
cases="$cases produce-100 partitions-1000 connections-1000 mixed tools cold-start failover"
while [ $# -gt 0 ]; do
    case $1 in
        --limit) limit_dir=$2 ;;
        --rounds) rounds=$2 ;;
        --mebibytes) mebibytes=$2 ;;
        --base-port) port=$2 ;;
        --dir) dir=$2 ;;
        --cases) cases=$2 ;;
        --failovers) failovers=$2 ;;
        *) echo "bench.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done

martlet=${MARTLET:-$here/.build/release/martlet}
if [ ! -x "$martlet" ]; then
    (cd "$here" && swift build -c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked --product martlet >&2)
fi
mkdir -p "$dir"
results=$dir/results
: >"$results"
floor=''
if [ -n "$limit_dir" ]; then
    floor=$dir/limit
    cc -O2 -o "$floor" "$limit_dir/limit.c"
fi

cluster=$dir/cluster
servers=127.0.0.1:$port,127.0.0.1:$((port + 1)),127.0.0.1:$((port + 2))
up() { "$martlet" cluster up --nodes 3 --base-port "$port" --dir "$cluster" >&2; }
gone() { [ ! -d "$cluster" ] || "$martlet" cluster destroy --dir "$cluster" >&2 || true; }
trap gone EXIT
trap 'exit 130' INT TERM

pids() { for file in "$cluster"/node*/process; do cut -d' ' -f1 "$file"; done | paste -sd, -; }
# A field of a line of `martlet perf`.
field() { printf '%s\n' "$1" | sed -n "s/.*\"$2\":\([-0-9.]*\).*/\1/p"; }
# note CASE FIGURE WHO VALUE
note() { [ -z "$4" ] || printf '%s %s %s %s\n' "$1" "$2" "$3" "$4" >>"$results"; }
sum() { awk -v a="$1" -v b="$2" 'BEGIN { if (a != "" && b != "") print a + b }'; }

note_floor() { # CASE OUTPUT
    note "$1" mb_per_s floor "$(printf '%s\n' "$2" | sed -n 's/.* = \([0-9.]*\) MB\/s.*/\1/p')"
    note "$1" cpu_s_per_gb floor "$(printf '%s\n' "$2" | sed -n 's/.*| total \([0-9.]*\).*/\1/p')"
    note "$1" p50_us floor "$(printf '%s\n' "$2" | sed -n 's/^latency_us p50 \([0-9.]*\).*/\1/p')"
    note "$1" p99_us floor "$(printf '%s\n' "$2" | sed -n 's/^latency_us .* p99 \([0-9.]*\).*/\1/p')"
}
note_run() { # CASE LINE
    printf '%s\n' "$2"
    note "$1" mb_per_s martlet "$(field "$2" megabytes_per_second)"
    note "$1" cpu_s_per_gb martlet "$(sum "$(field "$2" broker_cpu_seconds_per_gb)" "$(field "$2" client_cpu_seconds_per_gb)")"
    note "$1" p50_us martlet "$(field "$2" p50_us)"
    note "$1" p99_us martlet "$(field "$2" p99_us)"
}
drop() { "$martlet" topics --bootstrap-server "$servers" --delete --topic "$1" >/dev/null 2>&1 || true; }

# Lets the kernel touch as much memory as a run is going to write on three nodes, right before it: a virtual machine's
# host takes back pages that are free for a second or two, and each costs ten times the copy when it is used again.
pages() { # MEBIBYTES
    dd if=/dev/zero of="$dir/pages" bs=1048576 count=$((4 * $1 + 16)) 2>/dev/null
    rm "$dir/pages"
}

# produce CASE FLUSH BATCH IN-FLIGHT MEBIBYTES
produce() {
    for round in $(seq "$rounds"); do
        [ -z "$floor" ] || pages "$5"
        [ -z "$floor" ] || note_floor "$1" "$("$floor" acks "$dir" "$5" "$3" "$4" 2)"
        pages "$5"
        note_run "$1" "$("$martlet" perf produce --bootstrap-server "$servers" --topic "bench-$1-$round" \
            --partitions 1 --replication-factor 3 --config "flush.on.ack=$2" --pids "$(pids)" \
            --batch-bytes "$3" --in-flight "$4" --mebibytes "$5" --warm-up-mebibytes $(($5 / 4 + 1)))"
        drop "bench-$1-$round"
    done
}
# Cases without a floor: load CASE PARTITIONS MEBIBYTES OPTION…
load() {
    case=$1 partitions=$2 size=$3
    shift 3
    for round in $(seq "$rounds"); do
        note_run "$case" "$("$martlet" perf produce --bootstrap-server "$servers" --topic "bench-$case-$round" \
            --partitions "$partitions" --replication-factor 3 --config flush.on.ack=false --pids "$(pids)" \
            --mebibytes "$size" --warm-up-mebibytes $((size / 8 + 1)) "$@")"
        drop "bench-$case-$round"
    done
}
# Consumes one topic while another is produced to.
mixed() {
    "$martlet" perf produce --bootstrap-server "$servers" --topic bench-read --partitions 1 \
        --replication-factor 3 --config flush.on.ack=false --mebibytes "$mebibytes" --warm-up-mebibytes 0 >/dev/null
    for round in $(seq "$rounds"); do
        "$martlet" perf consume --bootstrap-server "$servers" --topic bench-read --fetch-bytes 1048576 \
            --mebibytes "$mebibytes" >"$dir/reading" &
        note_run mixed-produce "$("$martlet" perf produce --bootstrap-server "$servers" \
            --topic "bench-mixed-$round" --partitions 1 --replication-factor 3 --config flush.on.ack=false \
            --batch-bytes 65536 --in-flight 8 --mebibytes $((mebibytes / 2 + 1)) --warm-up-mebibytes 0)"
        wait $!
        note_run mixed-consume "$(cat "$dir/reading")"
        drop "bench-mixed-$round"
    done
    drop bench-read
}
ping_pong() {
    for round in $(seq "$rounds"); do
        [ -z "$floor" ] || note_floor ping-pong "$("$floor" acks "$dir" 16 1024 1 2)"
        note_run ping-pong "$("$martlet" perf latency --bootstrap-server "$servers" --topic "bench-ping-$round" \
            --partitions 1 --replication-factor 3 --config flush.on.ack=false --pids "$(pids)" \
            --batch-bytes 1024 --count 16384)"
        drop "bench-ping-$round"
    done
}
consume() {
    "$martlet" perf produce --bootstrap-server "$servers" --topic bench-consume --partitions 1 \
        --replication-factor 3 --config flush.on.ack=false --mebibytes "$mebibytes" --warm-up-mebibytes 0 >/dev/null
    for round in $(seq "$rounds"); do
        [ -z "$floor" ] || note_floor consume "$("$floor" consume "$dir" "$mebibytes" 1048576 1)"
        note_run consume "$("$martlet" perf consume --bootstrap-server "$servers" --topic bench-consume \
            --pids "$(pids)" --fetch-bytes 1048576 --mebibytes "$mebibytes")"
    done
    drop bench-consume
}
# timed NAME COMMAND…: the milliseconds from the start of a tool to its end, the shell's share of one or two among them.
timed() {
    name=$1
    shift
    for _ in $(seq $((2 * rounds))); do
        began=$(date +%s%N)
        "$@" >"$dir/tool" 2>&1 </dev/null || { cat "$dir/tool" >&2; return 1; }
        ended=$(date +%s%N)
        note "tool-$name" ms martlet "$(((ended - began) / 1000000)).$(((ended - began) / 100000 % 10))"
    done
}
# Each tool on the three nodes, as an operator calls it.
tools() {
    at="--bootstrap-server $servers"
    # shellcheck disable=SC2086 # $at is two words
    {
        "$martlet" topics $at --create --topic bench-tools --partitions 6 --replication-factor 3 >/dev/null
        # With keys, so that no partition is empty: who reads one record of it would wait for ever.
        seq 100 | sed 's/.*/&:&/' >"$dir/lines"
        "$martlet" console-producer $at --topic bench-tools --reader-property parse.key=true \
            --reader-property key.separator=: <"$dir/lines"
        printf '{"partitions": [{"topic": "bench-tools", "partition": 1, "offset": 0}], "version": 1}' >"$dir/delete.json"
        "$martlet" console-consumer $at --topic bench-tools --group bench-tools --from-beginning --max-messages 1 \
            >/dev/null 2>&1
        timed topics-list "$martlet" topics $at --list
        timed topics-describe "$martlet" topics $at --describe --topic bench-tools
        timed configs-topic "$martlet" configs $at --describe --topic bench-tools
        timed configs-broker "$martlet" configs $at --describe --broker 1 --all
        timed groups-list "$martlet" consumer-groups $at --list
        timed group-describe "$martlet" consumer-groups $at --describe --group bench-tools
        timed groups "$martlet" groups $at --list
        timed api-versions "$martlet" broker-api-versions $at
        timed get-offsets "$martlet" get-offsets $at --topic bench-tools
        timed log-dirs "$martlet" log-dirs $at --describe
        timed quorum-status "$martlet" metadata-quorum $at describe --status
        timed quorum-replicas "$martlet" metadata-quorum $at describe --replication
        timed reassign-list "$martlet" reassign-partitions $at --list
        timed election "$martlet" leader-election $at --election-type preferred --topic bench-tools --partition 0
        timed cluster-id "$martlet" kafka-cluster cluster-id $at
        timed features "$martlet" features $at describe
        timed delete-records "$martlet" delete-records $at --offset-json-file "$dir/delete.json"
        timed produce-one sh -c "echo x | '$martlet' console-producer $at --topic bench-tools"
        timed consume-one "$martlet" console-consumer $at --topic bench-tools --partition 0 --from-beginning \
            --max-messages 1
        timed consume-group "$martlet" console-consumer $at --topic bench-tools --group bench-again --from-beginning \
            --max-messages 1
        timed dump-log "$martlet" dump-log --files "$cluster/node-1/data/bench-tools-0/00000000000000000000.log"
    }
    drop bench-tools
}
cold_start() {
    for round in $(seq "$rounds"); do
        gone
        line=$("$martlet" perf cold-start --bootstrap-server "$servers" --topic "bench-cold-$round" --partitions 1 \
            --replication-factor 3 --start "'$martlet' cluster up --nodes 3 --base-port $port --dir '$cluster' >&2")
        printf '%s\n' "$line"
        note cold-start first_ack_ms martlet "$(field "$line" first_ack_ms)"
    done
}
failover() {
    line=$("$martlet" perf failover --bootstrap-server "$servers" --topic bench-failover --partitions 1 \
        --replication-factor 3 --rounds "$failovers" --kill "'$martlet' cluster kill {node} --dir '$cluster' >&2" \
        --start "'$martlet' cluster start {node} --dir '$cluster' >&2")
    printf '%s\n' "$line"
    note failover p50_ms martlet "$(field "$line" p50_ms)"
    note failover p99_ms martlet "$(field "$line" p99_ms)"
}

# The processor time of the three nodes in clock ticks.
ticks() { for pid in $(pids | tr ',' ' '); do cut -d')' -f2 "/proc/$pid/stat"; done | awk '{ sum += $12 + $13 } END { print sum }'; }
# What partitions cost that nobody uses: 100, 1,000 and 10,000 of them, in milliseconds of processor time a second.
idle() {
    topic=0 there=0
    for count in 100 1000 10000; do
        while [ "$there" -lt "$count" ]; do
            more=$((count - there > 2000 ? 2000 : count - there))
            "$martlet" topics --bootstrap-server "$servers" --create --topic "bench-idle-$topic" --partitions "$more" \
                --replication-factor 3 >/dev/null
            topic=$((topic + 1)) there=$((there + more))
        done
        sleep 30
        for _ in 1 2 3; do
            began=$(ticks)
            sleep 20
            note "idle-$count" cpu_ms_per_s martlet "$((($(ticks) - began) * 1000 / $(getconf CLK_TCK) / 20))"
        done
    done
    for number in $(seq 0 $((topic - 1))); do drop "bench-idle-$number"; done
}

# One run of each that is not measured: pages of memory that were never used before cost several times as much.
warm_up() {
    [ -z "$floor" ] || "$floor" acks "$dir" "$mebibytes" 65536 8 2 >/dev/null
    "$martlet" perf produce --bootstrap-server "$servers" --topic bench-warm-up --partitions 1 \
        --replication-factor 3 --config flush.on.ack=false --mebibytes "$mebibytes" --warm-up-mebibytes 0 >/dev/null
    drop bench-warm-up
}
run_case() {
    case $1 in
        produce-64k) produce produce-64k false 65536 8 "$mebibytes" ;;
        produce-64k-flush) produce produce-64k-flush true 65536 8 "$mebibytes" ;;
        produce-1k) produce produce-1k false 1024 64 $((mebibytes / 8 + 1)) ;;
        ping-pong) ping_pong ;;
        consume) consume ;;
        produce-100) load produce-100 1 $((mebibytes / 4 + 1)) --batch-bytes 16384 --record-bytes 100 --in-flight 8 ;;
        partitions-1000) load partitions-1000 1000 $((mebibytes / 8 + 1)) --batch-bytes 1024 --in-flight 1 ;;
        connections-1000)
            load connections-1000 8 $((mebibytes / 8 + 1)) --batch-bytes 1024 --in-flight 1 --connections 125 ;;
        mixed) mixed ;;
        tools) tools ;;
        cold-start) cold_start ;;
        failover) failover ;;
        idle) idle ;;
        *) echo "bench.sh: unknown case $1" >&2; exit 2 ;;
    esac
}

gone
up
warm_up
failed=''
for name in $cases; do
    echo "== $name" >&2
    # A subshell with -e of its own: the shell ignores -e in what stands before ||.
    set +e
    (set -e; run_case "$name")
    status=$?
    set -e
    [ "$status" -eq 0 ] || failed="$failed $name"
done

echo
sort -k1,1 -k2,2 -k3,3 -k4,4n "$results" | awk '
    function close_group() {
        if (key == "") return
        median[key] = count % 2 ? value[(count + 1) / 2] : (value[count / 2] + value[count / 2 + 1]) / 2
        if (!(pair in seen)) { seen[pair] = 1; pairs[++pairCount] = pair }
    }
    function row(label, base, figure, ratio, pair) {
        verdict = ""
        if (pair in budget && figure != "-") {
            judged = budgetOfRatio[pair] ? ratio : figure
            if (judged != "-") {
                isMet = isFloor[pair] ? judged + 0 >= budget[pair] : judged + 0 <= budget[pair]
                verdict = sprintf("%s %s %s", isFloor[pair] ? ">=" : "<=", budget[pair], isMet ? "met" : "MISSED")
            }
        }
        split(label, part, " ")
        printf "%-20s %-13s %11s %11s %7s  %s\n", part[1], part[2], base, figure, ratio, verdict
    }
    function ratio_of(figure, base) { return base == "-" || base == 0 ? "-" : sprintf("%.2f", figure / base) }
    # Budgets of ratios to the floor, or of the figure itself.
    function of_ratio(pair, isLeast, bound) { budget[pair] = bound; isFloor[pair] = isLeast; budgetOfRatio[pair] = 1 }
    function of_figure(pair, bound) { budget[pair] = bound }
    BEGIN {
        of_ratio("produce-64k mb_per_s", 1, 0.75)
        of_ratio("produce-64k cpu_s_per_gb", 0, 1.3)
        of_ratio("flush-to-none mb_per_s", 1, 0.6)
        of_ratio("produce-1k cpu_s_per_gb", 0, 2)
        of_ratio("ping-pong p50_us", 0, 2)
        of_ratio("consume cpu_s_per_gb", 0, 1.2)
        of_figure("cold-start first_ack_ms", 700)
        of_figure("failover p99_ms", 400)
    }
    {
        now = $1 " " $2 " " $3
        if (now != key) { close_group(); key = now; pair = $1 " " $2; count = 0 }
        value[++count] = $4
    }
    END {
        close_group()
        printf "%-20s %-13s %11s %11s %7s  %s\n", "case", "median of", "floor", "martlet", "ratio", "budget"
        for (i = 1; i <= pairCount; i++) {
            p = pairs[i]
            f = (p " floor") in median ? median[p " floor"] : "-"
            if (!((p " martlet") in median)) continue
            m = median[p " martlet"]
            if (p ~ /^tool-/) of_figure(p, 30)
            row(p, f, m, ratio_of(m, f), p)
        }
        flushed = "produce-64k-flush mb_per_s martlet"; without = "produce-64k mb_per_s martlet"
        if (flushed in median && without in median) {
            r = ratio_of(median[flushed], median[without])
            row("flush-to-none mb_per_s", median[without], median[flushed], r, "flush-to-none mb_per_s")
        }
    }'
if [ -n "$failed" ]; then
    echo "bench.sh: failed:$failed" >&2
    exit 1
fi
