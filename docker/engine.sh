# shellcheck shell=bash
# Finds a container engine for docker/test.sh: Docker where its engine answers, else podman, which is installed and set
# up without registry, systemd or network service if need be. To be sourced, in the project's root.
#
# Sets ENGINE (docker or podman), COMPOSE (an array: how to call compose), and, for podman, the two base images.

STATE=${MARTLET_CONTAINERS:-$PWD/.build/containers}
BASE_IMAGE=docker.io/library/debian:bookworm-slim
BUILDER_IMAGE=docker.io/library/swift:6.3-bookworm
BUILD_FLAGS=()

note() { printf -- '-- %s\n' "$*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# An engine that can't get the base image is of no use; podman's comes from elsewhere.
docker_has_base() {
    command -v docker >/dev/null && docker info >/dev/null 2>&1 || return
    docker image inspect $BASE_IMAGE >/dev/null 2>&1 || docker pull -q $BASE_IMAGE >/dev/null
}

find_engine() {
    if docker_has_base; then
        ENGINE=docker
        docker compose version >/dev/null 2>&1 || { echo "docker compose is missing" >&2; return 1; }
        COMPOSE=(docker compose)
        return 0
    fi
    ENGINE=podman
    install_podman && configure_podman && import_base && install_podman_compose
}

install_podman() {
    local missing=() program package
    while read -r program package; do
        command -v "$program" >/dev/null || [ -x "/usr/lib/podman/$program" ] || missing+=("$package")
    done <<'LIST'
podman podman
buildah buildah
runc runc
netavark netavark
ip iproute2
aardvark-dns aardvark-dns
iptables iptables
debootstrap debootstrap
LIST
    [ ${#missing[@]} = 0 ] && return
    [ "$(id -u)" = 0 ] || { echo "podman is set up for root only here" >&2; return 1; }
    command -v apt-get >/dev/null || { echo "neither Docker nor podman nor apt is here" >&2; return 1; }
    note "Installing ${missing[*]}"
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Own storage, so that nothing of the machine's own podman is touched; runc and limits that every machine allows.
configure_podman() {
    local files
    [ "$(id -u)" = 0 ] || { echo "podman is set up for root only here" >&2; return 1; }
    files=$(ulimit -Hn)
    [ "$files" = unlimited ] || [ "$files" -gt 20000 ] && files=20000
    mkdir -p "$STATE/networks"
    cat >"$STATE/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=32768:32768"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
helper_binaries_dir = ["$PWD/docker/helpers", "/usr/local/libexec/podman", "/usr/local/lib/podman", "/usr/libexec/podman",
    "/usr/lib/podman"]
[network]
network_backend = "netavark"
network_config_dir = "$STATE/networks"
CONF
    cat >"$STATE/storage.conf" <<CONF
[storage]
driver = "overlay"
runroot = "$STATE/run"
graphroot = "$STATE/storage"
CONF
    export CONTAINERS_CONF=$STATE/containers.conf CONTAINERS_STORAGE_CONF=$STATE/storage.conf
    BUILD_FLAGS=(--format docker --pull=never --network host)
}

# The base image from Debian's own archive: there may be no registry.
import_base() {
    podman image exists $BASE_IMAGE && return
    local folder=$STATE/debian
    note "Making the base image"
    if [ ! -e "$folder/.complete" ]; then
        rm -rf "$folder"
        debootstrap --variant=minbase --include=ca-certificates bookworm "$folder" >"$STATE/debootstrap.log" 2>&1 ||
            { tail -n 5 "$STATE/debootstrap.log" >&2; return 1; }
        rm -rf "$folder"/var/cache/apt/archives/*.deb
        touch "$folder/.complete"
    fi
    tar -C "$folder" --exclude ./.complete -cf - . | podman import -q - $BASE_IMAGE >/dev/null
}

install_podman_compose() {
    if [ ! -x "$STATE/venv/bin/podman-compose" ]; then
        note "Installing podman-compose"
        python3 -m venv "$STATE/venv" && "$STATE/venv/bin/pip" install -q --disable-pip-version-check podman-compose==1.6.0 ||
            return 1
    fi
    # shellcheck disable=SC2034 # read by who sources this
    COMPOSE=("$STATE/venv/bin/podman-compose" --in-pod=false)
}

# A stand-in for the official Swift image: the base, what the toolchain links to, and this machine's toolchain.
import_builder() {
    [ "$ENGINE" = docker ] && return
    local toolchain packages
    toolchain=$(swift -print-target-info | sed -nE 's|.*"runtimeResourcePath": "(.*)/lib/swift".*|\1|p')
    [ -n "$toolchain" ] || { echo "the Swift toolchain is not found" >&2; return 1; }
    BUILD_FLAGS+=(-v "$toolchain:$toolchain:ro")
    # Where git takes packages from folders of this machine, the build does too.
    packages=$(git config --get-regexp '^url\..*\.insteadof$' | sed -nE 's|^url\.(/[^ ]*)\.insteadof .*|\1|p' | sort -u)
    while read -r folder; do
        [ -d "$folder" ] && BUILD_FLAGS+=(-v "$folder:$folder:ro" -v /etc/gitconfig:/etc/gitconfig:ro)
    done <<<"$packages"
    podman image exists $BUILDER_IMAGE && return
    note "Making the builder image"
    podman build -q "${BUILD_FLAGS[@]}" -t $BUILDER_IMAGE -f - "$STATE/networks" <<DOCKERFILE >/dev/null
FROM $BASE_IMAGE
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends git binutils gcc libc6-dev libstdc++-12-dev \\
    libgcc-12-dev libcurl4 libedit2 libsqlite3-0 libxml2 libncurses6 libpython3.11 tzdata pkg-config && rm -rf /var/lib/apt/lists/*
ENV PATH=$toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DOCKERFILE
}
