# Sourced by those who need an optimised build. fuzz.sh and simulate.sh share one, apart from the normal one: the fuzzer
# needs libFuzzer, and a simulated cluster takes ten times as long without optimisation.
optimised=.build/fuzzer

# Builds a product of it, and prints the path of that; what the compiler says is kept in a file.
build_optimised() {
    local product=$1 log=$2
    local build=(swift build -c release --scratch-path $optimised --sanitize fuzzer)
    mkdir -p $optimised
    (
        export MARTLET_FUZZER=1 MARTLET_ONLY=martlet-sim,WireDefinitions
        "${build[@]}" --product "$product" >"$log" 2>&1 || { tail -40 "$log" >&2; exit 1; }
        echo "$("${build[@]}" --show-bin-path)/$product"
    )
}

# Builds the simulator alone, as fast as it gets: one thread runs all of it, so references are counted without atomic
# instructions, and nothing notes what code is reached, or looks for overlapping accesses as the tests' build does.
build_simulator() {
    local build=(swift build -c release --scratch-path .build/simulator --static-swift-stdlib)
    build+=(-Xswiftc -Xfrontend -Xswiftc -assume-single-threaded -Xswiftc -enforce-exclusivity=unchecked)
    (
        export MARTLET_ONLY=martlet-sim
        "${build[@]}" --product martlet-sim >&2 && echo "$("${build[@]}" --show-bin-path)/martlet-sim"
    )
}
