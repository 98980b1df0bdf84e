#!/bin/bash
# Runs many fresh seeds of the simulated cluster in the fastest build there is, see simulate.sh, and says first how fast
# that one is.
#
#   Tests/simulate-night.sh [COUNT] [FIRST]    20,000 seeds, from a first one that the date gives
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. Tests/optimised-build.sh
MARTLET_SIM=$(build_simulator) || exit 1
export MARTLET_SIM
"$MARTLET_SIM" --speed || exit 1
exec Tests/simulate.sh "${1:-20000}" "${2:-$(($(date +%s) / 86400 % 400 * 20000 + 10000))}"
