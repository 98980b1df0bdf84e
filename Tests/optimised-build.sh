# Sourced by fuzz.sh and simulate.sh, which share one optimised build, apart from the normal one: the fuzzer needs
# libFuzzer, and a simulated cluster takes ten times as long without optimisation.
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
