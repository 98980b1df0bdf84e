#!/bin/bash
# Builds the image, launches it for real, kills, pauses and cuts off nodes under load, and checks that nothing
# acknowledged was lost, with clients inside the containers' network and on this host (Tests/Containers).
#
#   docker/test.sh            an image with the binary that `swift build` has made (it is built if it is missing)
#   docker/test.sh --full     an image from both stages of the Dockerfile, as users build it (minutes)
#   docker/test.sh -k NAME    only the tests of that name; whatever else is given goes to pytest too
#
# Docker is used where its engine answers, else podman (docker/engine.sh). Exits with 77 where neither can be had.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=docker/engine.sh
. docker/engine.sh

full=no
pytest_arguments=()
while [ $# -gt 0 ]; do
    case $1 in
        --full) full=yes ;;
        -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) pytest_arguments+=("$1") ;;
    esac
    shift
done
fail() { echo "docker/test.sh: $*" >&2; exit 1; }

find_engine || { echo "docker/test.sh: no container engine" >&2; exit 77; }
note "Using $ENGINE"
mkdir -p "$STATE"
image=martlet-test

# The binary of this machine runs in the image if its C library is not newer than the image's.
runs_in_image() { (. /etc/os-release && [ "${ID-}:${VERSION_CODENAME-}" = debian:bookworm ]); }

build_full() {
    note "Building the image from its two stages"
    import_builder && $ENGINE build "${BUILD_FLAGS[@]}" -t $image -f docker/Dockerfile .
}

# The same Dockerfile with the binary that is there: the build stage only copies it.
build_from_binary() {
    local context=$STATE/context binary=${MARTLET:-}
    if [ -z "$binary" ]; then
        swift build --product martlet || return 1
        binary=$(swift build --show-bin-path)/martlet
    fi
    note "Building the image around $binary"
    rm -rf "$context"
    mkdir -p "$context/prebuilt" "$context/docker"
    cp docker/run docker/entrypoint "$context/docker/"
    strip --strip-debug -o "$context/prebuilt/martlet" "$binary" || cp "$binary" "$context/prebuilt/martlet"
    # The toolchain's libraries stand beside it, where the binary looks for them.
    ldd "$binary" | awk '$3 ~ /\/swift\// { print $3 }' | xargs -r cp -t "$context/prebuilt"
    $ENGINE build "${BUILD_FLAGS[@]}" -q --build-arg BUILDER=$BASE_IMAGE --build-arg PREBUILT=prebuilt \
        -t $image -f docker/Dockerfile "$context" >/dev/null
}

if [ $full = yes ] || ! runs_in_image; then build_full; else build_from_binary; fi || fail "the image can't be built"
size=$($ENGINE image inspect --format '{{.Size}}' $image)
note "The image has $((size / 1000000)) MB"

# A client inside the network: kcat on the same base.
note "Making the client's image"
$ENGINE build "${BUILD_FLAGS[@]}" -q -t martlet-test-client - >/dev/null <<DOCKERFILE || fail "no client image"
FROM $BASE_IMAGE
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends kcat && rm -rf /var/lib/apt/lists/*
DOCKERFILE

pytest=${PYTEST:-.build/clients/bin/pytest}
if [ ! -x "$pytest" ]; then
    note "Installing the host's client"
    if ! python3 -m venv "$STATE/clients" || ! "$STATE/clients/bin/pip" install -q --disable-pip-version-check \
        confluent-kafka==2.16.1 kafka-python==3.0.12 pytest pytest-timeout; then
        fail "the Python clients can't be installed"
    fi
    pytest=$STATE/clients/bin/pytest
fi

note "Running the tests"
export MARTLET_ENGINE=$ENGINE MARTLET_COMPOSE="${COMPOSE[*]}" MARTLET_IMAGE=$image MARTLET_CLIENT_IMAGE=martlet-test-client
exec "$pytest" Tests/Containers -q -p no:cacheprovider --timeout 300 --timeout-method=signal "${pytest_arguments[@]}"
