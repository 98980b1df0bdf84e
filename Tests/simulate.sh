#!/bin/bash
# Runs seeds of the simulated cluster in as many processes as there are cores, and ends with one line. Seeds that fail
# are printed with how to replay them.
#
#   Tests/simulate.sh COUNT FIRST       with the simulator that MARTLET_SIM names, else that of the debug build
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
count=$1
first=$2
simulator=${MARTLET_SIM:-$(swift build --show-bin-path)/martlet-sim}
log=.build/simulate.log
: >$log
# A piece is a process of its own: one that a precondition ends takes no others along.
piece=$((count > 1000 ? 50 : 10))
seq "$first" $piece $((first + count - 1)) |
    xargs -P "$(nproc)" -I{} sh -c \
        "$simulator"' --cluster --keep-going --seeds {}...$(({} + '$((piece - 1))')) 2>&1 || true' >>$log
grep -E '^seed |ended itself in seed' $log
failed=$(grep -cE '^seed |ended itself in seed' $log)
virtual=$(sed -nE 's/.* ([0-9]+) virtual seconds.*/\1/p' $log | awk "{ sum += \$1 } END { print sum + 0 }")
echo "$count seeds from $first, $virtual virtual seconds in $SECONDS s, $failed failed"
[ "$failed" = 0 ]
