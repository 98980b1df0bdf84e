#!/bin/bash
# Runs many fresh seeds of the simulated cluster in a release build, in as many processes as there are cores, and ends
# with one line. Failing seeds are printed with how to replay them.
#
#   Tests/simulate-night.sh [COUNT] [FIRST]    20,000 seeds, from a first one that the date gives
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
count=${1:-20000}
first=${2:-$(( $(date +%s) / 86400 * 100000 ))}
swift build -c release --product martlet-sim || exit 1
simulator=$(swift build -c release --show-bin-path)/martlet-sim
log=.build/simulate-night.log
: >$log
# A piece is a process of its own: one that a precondition ends takes no others along.
piece=50
seq "$first" $piece $((first + count - 1)) |
    xargs -P "$(nproc)" -I{} sh -c \
        "$simulator"' --cluster --keep-going --seeds {}...$(({} + '$((piece - 1))')) 2>&1 || true' >>$log
grep -E '^seed |ended itself in seed' $log
failed=$(grep -cE '^seed |ended itself in seed' $log)
echo "$count seeds from $first, $failed failed"
[ "$failed" = 0 ]
