#!/bin/bash
# Breaks clusters of real processes on purpose and judges what their clients saw: `martlet chaos` with the library that
# some rows need. Ends with one line and with 1 if a row failed.
#
#   Tests/chaos.sh              the short set
#   Tests/chaos.sh F1 F26       these rows
#   Tests/chaos.sh --all        every row; for more see `martlet chaos --help`
#   Tests/chaos.sh F38 --other PATH    nodes of this build and of another one, whose martlet is PATH, in one cluster
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
if [ -z "${MARTLET:-}" ]; then
    swift build --product martlet || exit 1
    MARTLET=$(swift build --show-bin-path)/martlet
fi
mkdir -p .build/shims
shim=()
compiler=$(command -v cc || command -v clang || true)
# Under its name in one step: another run may be about to load it.
if [ -n "$compiler" ] &&
    "$compiler" -Wall -Wextra -O1 -shared -fPIC -o ".build/shims/machine.$$" Tests/Shims/machine.c -ldl -lpthread &&
    mv ".build/shims/machine.$$" .build/shims/machine.so; then
    shim=(--shim .build/shims/machine.so)
else
    echo "No C compiler for Tests/Shims/machine.c here: rows that need it do not run"
fi
# Nodes outlive the command that started them; a row that is broken off leaves none behind.
end_nodes() {
    local file process
    for file in "$folder"/*/node-*/process "$folder"/*/twin/node-*/process; do
        [ -f "$file" ] || continue
        process=$(cut -d' ' -f1 "$file")
        grep -aqF "$folder/" "/proc/$process/cmdline" 2>/dev/null && kill -9 "$process"
    done
}
trap end_nodes EXIT
trap 'exit 143' TERM INT
folder=$(mktemp -d "${TMPDIR:-/tmp}/martlet-chaos-XXXXXX")
"$MARTLET" chaos --dir "$folder" "${shim[@]}" "$@" &
wait $!
code=$?
if [ $code = 0 ]; then rm -rf "$folder"; else echo "Clusters and histories stay in $folder"; fi
exit $code
