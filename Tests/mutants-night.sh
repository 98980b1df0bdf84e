#!/bin/bash
# Breaks the rules of the cluster one by one, in a build of the simulator that has switches for that, and says in which
# room and at which seed an invariant sees it: the table of docs/simulation.md. Ends with one line; fails where fewer
# than nine of ten are caught.
#
#   Tests/mutants-night.sh [SEEDS] [NAME…]    2,000 seeds of each room at most, for all rules or those that are named
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
seeds=${1:-2000}
[ $# -gt 0 ] && shift
scratch=.build/mutants
build() { MARTLET_MUTANTS=1 swift build -c release --product martlet-sim --scratch-path $scratch "$@"; }
build || exit 1
simulator=$(build --show-bin-path)/martlet-sim
table=$scratch/table.md
: >$table
hunt() {
    local line
    line=$("$simulator" --mutant "$1" --seeds "1...$seeds" 2>$scratch/"$1".err | tail -1)
    if [[ $line = room* ]]; then
        # A precondition of the code under test ended the process: it was noticed, too.
        line="| \`$1\` | ${line#room } | $(sed -n 's/.*ended itself in seed 0*//p' $scratch/"$1".err) | a precondition |"
    fi
    echo "$line" >>$table
}
export -f hunt
export simulator seeds scratch table
if [ $# -gt 0 ]; then printf '%s\n' "$@"; else "$simulator" --mutant list; fi |
    xargs -P "$(nproc)" -I{} bash -c 'hunt {}'
sort $table
all=$(wc -l <$table)
missed=$(grep -c 'not in' $table)
echo "$all rules broken, $((all - missed)) caught within $seeds seeds"
[ $((missed * 10)) -le "$all" ]
