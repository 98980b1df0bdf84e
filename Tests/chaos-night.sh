#!/bin/bash
# Runs every row of the fault matrix on its own cluster, one after the other, and prints the table for
# docs/fault-injection.md. What a row printed stands in .build/chaos-night/ROW.log.
#
#   Tests/chaos-night.sh [ROUNDS] [ROW…]    2 rounds of every row
#
# CHAOS_OPTIONS are handed on to `martlet chaos`; "--other PATH" lets the row of mixed releases run.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
rounds=${1:-2}
shift || true
if [ -z "${MARTLET:-}" ]; then
    swift build -c release --product martlet || exit 1
    MARTLET=$(swift build -c release --show-bin-path)/martlet
fi
export MARTLET
rows=("$@")
[ ${#rows[@]} -gt 0 ] || mapfile -t rows < <("$MARTLET" chaos --list | grep -E '^F[0-9]+' | cut -f1)
logs=.build/chaos-night
mkdir -p $logs
echo "| row | fault | verdict | fault to next acknowledgement, each partition | acknowledged | without answer | time |"
echo "| --- | --- | --- | --- | --- | --- | --- |"
failed=0
for row in "${rows[@]}"; do
    log=$logs/$row.log
    started=$SECONDS
    Tests/chaos.sh "$row" --rounds "$rounds" ${CHAOS_OPTIONS:-} >"$log" 2>&1 || failed=$((failed + 1))
    fault=$("$MARTLET" chaos --list | grep -P "^$row\t" | cut -f2)
    verdict=$(grep -E "^$row: " "$log" | tail -1 | cut -d' ' -f2- | cut -c1-160)
    answers=$(sed -nE 's/.*acknowledgement of each partition: (.*)/\1/p' "$log" | tail -1)
    counts=$(sed -nE 's/.* ([0-9]+) writes acknowledged, ([0-9]+) without an answer/\1 | \2/p' "$log" | tail -1)
    echo "| $row | $fault | ${verdict:-no verdict} | $answers | ${counts:- | } | $((SECONDS - started)) s |"
done
echo
echo "$(date -u +%F): ${#rows[@]} rows, $rounds rounds each, $failed failed"
[ $failed = 0 ]
