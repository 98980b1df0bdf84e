#!/bin/bash
# Runs many fresh seeds of the simulated cluster in a release build, see simulate.sh.
#
#   Tests/simulate-night.sh [COUNT] [FIRST]    20,000 seeds, from a first one that the date gives
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
swift build -c release --product martlet-sim || exit 1
MARTLET_SIM=$(swift build -c release --show-bin-path)/martlet-sim
export MARTLET_SIM
exec Tests/simulate.sh "${1:-20000}" "${2:-$(($(date +%s) / 86400 % 400 * 20000 + 10000))}"
