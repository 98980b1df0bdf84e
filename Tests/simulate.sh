#!/bin/bash
# Runs seeds of the simulated cluster in as many processes as there are cores, those of saved-seeds.txt among them, and
# ends with one line. Seeds that fail are printed with how to replay them.
#
#   Tests/simulate.sh COUNT FIRST       with the simulator that MARTLET_SIM names, else in the build of the fuzzer
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
count=$1
first=$2
. Tests/optimised-build.sh
simulator=${MARTLET_SIM:-$(build_optimised martlet-sim .build/simulator-build.log)} || exit 1
log=.build/simulate.log
: >$log
# A piece is a process of its own: one that a precondition ends takes no others along.
piece=$((count > 1000 ? 50 : 10))
# A piece takes seconds, or some minutes beside all other tests: longer than this is a seed that does not end.
limit=${MARTLET_PIECE_SECONDS:-1200}
saved=$(sed -n 's/^\([0-9]\{1,\}\) .*/\1/p' Tests/saved-seeds.txt)
pieces() {
    local seed last=$((first + count - 1))
    for seed in $saved; do echo "$seed...$seed"; done
    for ((seed = first; seed <= last; seed += piece)); do
        echo "$seed...$((seed + piece - 1 < last ? seed + piece - 1 : last))"
    done
}
pieces | xargs -P "$(nproc)" -I{} sh -c \
    "timeout $limit $simulator"' --cluster --keep-going --seeds {} 2>&1
    [ $? != 124 ] || echo "seed {}: one of these did not end in '"$limit"' s"' >>$log
grep -E '^seed |ended itself in seed' $log
failed=$(grep -cE '^seed |ended itself in seed' $log)
sum() { sed -nE "s/$1/\\1/p" $log | awk '{ sum += $1 } END { print sum + 0 }'; }
all=$((count + $(wc -w <<<"$saved")))
missing=$((all - $(sum '^([0-9]+) seeds passed.*') - $(sum '.* seeds passed, ([0-9]+) failed.*')))
echo "$all seeds, $count of them from $first, $(sum '.* ([0-9]+) virtual seconds.*') virtual seconds in $SECONDS s," \
    "$failed failed, $missing of processes that ended early"
[ $((failed + missing)) = 0 ]
