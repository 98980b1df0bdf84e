#!/bin/bash
# Builds the fuzzer with libFuzzer, apart from the normal build, and lets it try every parser that outside bytes reach.
#
#   Tests/fuzz.sh [SECONDS]          one process, ends with the first finding; default 60 seconds
#   Tests/fuzz.sh SECONDS --go-on    collects findings until the time is over
#
# What it learns is kept in .build/fuzzer/corpus. A finding is left in .build/fuzzer/findings; once it is mended, put it
# into Tests/FuzzTests/Golden as NAME.input, and it is tried with every run of the tests.
#
# libFuzzer's clock runs on while a busy machine does something else, so that what it reports as slow (slow-unit-…) need
# not be. Such an input is tried again by itself, and is a finding only if it takes SLOW seconds of the processor's time.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. Tests/optimised-build.sh
seconds=${1:-60}
place=$optimised
log=.build/fuzzer.log
SLOW=10

fuzzer=$(build_optimised martlet-fuzz $log) || {
    echo "The fuzzer could not be built." >&2
    exit 1
}
corpus=$place/corpus
findings=$place/findings
mkdir -p $corpus $findings
began=$place/began
touch $began
found() { find $findings -type f -newer $began "$@" | sort; }
# libFuzzer keeps the input of a crash itself, so Swift's own handler must not come first.
SWIFT_BACKTRACE=enable=no "$fuzzer" $corpus Tests/FuzzTests/Golden -max_total_time="$seconds" -max_len=4096 \
    -report_slow_units=$SLOW -timeout=120 -rss_limit_mb=1024 -malloc_limit_mb=256 \
    -artifact_prefix=$findings/ -print_final_stats=1 \
    ${2:+-fork=1 -ignore_crashes=1 -ignore_ooms=1 -ignore_timeouts=1} >$log 2>&1
code=$?
grep -E '^stat::number_of_executed_units|^stat::average_exec_per_sec|^INFO: exiting' $log
# The whole seconds of the processor's time that one input takes, the start of the program among them.
processor_seconds() {
    local TIMEFORMAT='%U %S'
    { time SWIFT_BACKTRACE=enable=no "$fuzzer" "$1" -timeout=300 >/dev/null 2>&1; } 2>&1 | awk '{ print int($1 + $2) }'
}
for input in $(found -name 'slow-unit-*'); do
    [ "$(processor_seconds "$input")" -lt $SLOW ] || continue
    echo "Not slow by itself, only while the machine was busy: $(basename "$input")"
    rm "$input"
done
inputs=$(found)
if [ $code != 0 ] || [ -n "$inputs" ]; then
    for input in $inputs; do
        echo "== $input"
        SWIFT_BACKTRACE=enable=yes,color=no,interactive=no,threads=crashed,images=none,registers=none,limit=14 \
            "$fuzzer" "$input" 2>&1 | grep -E 'Fatal error|ERROR: libFuzzer|^ *[0-9]+ ' | head -20
    done
    echo "The fuzzer found $(found | wc -l) inputs."
    exit 1
fi
echo "The fuzzer found nothing in $seconds seconds."
