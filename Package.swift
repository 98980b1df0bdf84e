// swift-tools-version: 6.2
import PackageDescription

/// `MARTLET_MUTANTS=1 swift build --product martlet-sim` builds the simulator alone, with switches that break rules of
/// the cluster: what Tests/mutants-night.sh runs. Nothing else can be built so.
let hasMutants = Context.environment["MARTLET_MUTANTS"] != nil
/// libFuzzer brings a `main` of its own, see Tests/optimised-build.sh.
let hasFuzzer = Context.environment["MARTLET_FUZZER"] != nil

let strict: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .treatAllWarnings(as: .error),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .enableExperimentalFeature("Lifetimes"),
    ] + (hasMutants ? [.define("MUTANTS")] : [])

/// One module of the house: its folder under `Sources`, the modules it may import, and the packages it may use.
struct Module {
    var name: String
    var imports: [String] = []
    var packages: [String] = []
    var isExecutable = false
}

let nio = ["NIOCore", "NIOPosix"]

// The import picture of docs/architecture.md; TidyTests compares the two with every `import` line.
let modules: [Module] = [
    Module(name: "Primitives", imports: ["CChecksums"]),
    Module(name: "World", imports: ["Primitives"]),
    Module(name: "WireProtocol", imports: ["Primitives", "CCodecs"]),
    Module(name: "WireMessages", imports: ["WireProtocol", "Primitives"]),
    Module(name: "Histories", imports: ["Primitives"]),
    Module(name: "LogStorage", imports: ["WireProtocol", "World", "Primitives"], packages: ["DequeModule"]),
    Module(
        name: "Metadata", imports: ["WireMessages", "WireProtocol", "Primitives"], packages: ["HashTreeCollections"]),
    Module(name: "Quorum", imports: ["Primitives"]),
    Module(name: "Replication", imports: ["Primitives"], packages: ["OrderedCollections"]),
    Module(name: "Security", imports: ["Primitives"]),
    Module(
        name: "Controller", imports: ["Metadata", "WireMessages", "WireProtocol", "Primitives"],
        packages: ["HashTreeCollections", "OrderedCollections"]),
    Module(
        name: "Coordinators", imports: ["Metadata", "WireMessages", "WireProtocol", "Primitives"],
        packages: ["HashTreeCollections", "OrderedCollections"]),
    Module(
        name: "ClientCore", imports: ["WireMessages", "WireProtocol", "World", "Primitives"],
        packages: ["OrderedCollections"]),
    Module(
        name: "BrokerServer",
        imports: [
            "Controller", "Coordinators", "Security", "Replication", "Quorum", "ClientCore", "Metadata", "LogStorage",
            "WireMessages", "WireProtocol", "World", "Primitives",
        ],
        packages: ["Logging", "OrderedCollections", "DequeModule"]),
    Module(name: "Transport", imports: ["WireProtocol", "World", "Primitives", "CPolling"], packages: ["NIOCore"]),
    Module(name: "LiveWorld", imports: ["WireProtocol", "World", "Primitives", "CPlatform"], packages: nio),
    Module(
        name: "Simulator",
        imports: [
            "BrokerServer", "Controller", "Coordinators", "Security", "Replication", "Quorum", "ClientCore", "Metadata",
            "LogStorage", "WireMessages", "WireProtocol", "World", "Histories", "Primitives",
        ],
        packages: ["OrderedCollections", "Logging"]),
    Module(
        name: "MartletClient",
        imports: ["ClientCore", "Transport", "LiveWorld", "WireMessages", "WireProtocol", "World", "Primitives"]),
    Module(
        name: "AdminTools",
        imports: [
            "MartletClient", "ClientCore", "LogStorage", "LiveWorld", "WireMessages", "WireProtocol", "World",
            "Histories", "Primitives",
        ],
        packages: ["ArgumentParser"]),
    Module(
        name: "LocalCluster",
        imports: [
            "MartletClient", "ClientCore", "LogStorage", "LiveWorld", "WireMessages", "WireProtocol", "World",
            "Primitives",
        ],
        packages: ["ArgumentParser"]),
    Module(
        name: "Chaos",
        imports: [
            "LocalCluster", "MartletClient", "ClientCore", "LiveWorld", "WireMessages", "WireProtocol", "World",
            "Histories", "Primitives",
        ],
        packages: ["NIOCore", "NIOPosix", "ArgumentParser"]),
    Module(
        name: "martlet",
        imports: [
            "BrokerServer", "AdminTools", "LocalCluster", "Chaos", "MartletClient", "Transport", "LiveWorld", "World",
            "Primitives",
        ],
        packages: ["ArgumentParser", "Logging"], isExecutable: true),
    Module(
        name: "martlet-sim", imports: ["Simulator", "Primitives"], packages: ["ArgumentParser"], isExecutable: true),
    Module(name: "WireDefinitions"),
    Module(name: "wiregen", imports: ["WireDefinitions"], isExecutable: true),
]

/// The switches, a module of that one build; who breaks rules imports it inside of `#if MUTANTS`.
let mutants = hasMutants ? ["Mutants"] : []

/// A slice of the house for quick work on one module: `MARTLET_ONLY=Quorum,LogStorage swift build --build-tests`.
let only: Set<String>? = (hasMutants ? "martlet-sim" : Context.environment["MARTLET_ONLY"]).map { names in
    var wanted = Set(names.split(separator: ",").map(String.init))
    var grown = true
    while grown {
        let before = wanted.count
        for module in modules where wanted.contains(module.name) { wanted.formUnion(module.imports) }
        grown = wanted.count > before
    }
    return wanted
}
let built = modules.filter { only?.contains($0.name) ?? true }
let mutantTargets: [Target] = mutants.map { .target(name: $0, swiftSettings: strict) }

let packageOf: [String: String] = [
    "NIOCore": "swift-nio", "NIOPosix": "swift-nio", "Logging": "swift-log", "ArgumentParser": "swift-argument-parser",
    "DequeModule": "swift-collections", "OrderedCollections": "swift-collections",
    "HashTreeCollections": "swift-collections",
]
func packageProducts(_ names: [String]) -> [Target.Dependency] {
    names.map { .product(name: $0, package: packageOf[$0]!) }
}

let systemLibraries: [Target] = [
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CLz4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"])]),
]
let cTargets: [Target] = [
    .target(name: "CChecksums"),
    .target(name: "CPlatform"),
    .target(name: "CPolling"),
    // Snappy comes without a pkg-config file, so nothing else names its library to the linker.
    .target(
        name: "CCodecs", dependencies: ["CZlib", "CZstd", "CLz4", "CSnappy"],
        linkerSettings: [.linkedLibrary("snappy")]),
]

let moduleTargets: [Target] = built.map { module in
    let dependencies =
        (module.imports + mutants).map { Target.Dependency.target(name: $0) } + packageProducts(module.packages)
    let exclude = module.name == "WireMessages" ? ["Definitions"] : []
    return module.isExecutable
        ? .executableTarget(
            name: module.name, dependencies: dependencies, exclude: exclude,
            swiftSettings: strict + (hasFuzzer ? [.define("FUZZER")] : []))
        : .target(name: module.name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

/// What several test targets and the fuzzer share.
let testSupport: [(name: String, needs: [String])] = [
    ("MessageForge", ["WireDefinitions", "WireMessages", "WireProtocol", "Primitives"]),
    (
        "FuzzTargets",
        [
            "BrokerServer", "Coordinators", "Quorum", "Metadata", "LogStorage", "WireDefinitions", "WireMessages",
            "WireProtocol", "World", "Primitives", "MessageForge",
        ]
    ),
]
func needed(by target: (name: String, needs: [String])) -> Set<String> {
    let support = testSupport.filter { target.needs.contains($0.name) }
    return support.reduce(Set(target.needs.filter { packageOf[$0] == nil })) { found, used in
        found.subtracting([used.name]).union(needed(by: used))
    }
}
let supportTargets: [Target] = testSupport.filter { support in
    only.map { needed(by: support).isSubset(of: $0) } ?? true
}
.map { support in
    .target(
        name: support.name, dependencies: support.needs.map { .target(name: $0) }, path: "Tests/\(support.name)",
        swiftSettings: strict)
}

/// `Tests/fuzz.sh` builds this one, apart from the rest: with libFuzzer, which brings a `main` of its own.
let fuzzerTargets: [Target] =
    !hasFuzzer
    ? [] : [.executableTarget(name: "martlet-fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzzer/Driver")]

/// Test targets: what each needs beyond the module it is named after. `Golden` holds text scenarios and captured bytes.
let tests: [(name: String, needs: [String])] = [
    ("PrimitivesTests", ["Primitives"]),
    ("WireProtocolTests", ["WireProtocol", "Primitives"]),
    (
        "WireMessagesTests",
        ["WireMessages", "MessageForge", "wiregen", "WireDefinitions", "WireProtocol", "Primitives"]
    ),
    ("LogStorageTests", ["LogStorage", "LiveWorld", "WireProtocol", "World", "Primitives"]),
    ("MetadataTests", ["Metadata", "WireMessages", "WireProtocol", "Primitives"]),
    ("QuorumTests", ["Quorum", "Primitives"]),
    ("ReplicationTests", ["Replication", "Primitives"]),
    ("HistoriesTests", ["Histories", "Primitives"]),
    ("SecurityTests", ["Security", "Primitives"]),
    ("ControllerTests", ["Controller", "Metadata", "WireMessages", "WireProtocol", "Primitives"]),
    (
        "CoordinatorsTests",
        ["Coordinators", "Metadata", "WireMessages", "WireProtocol", "Primitives", "HashTreeCollections"]
    ),
    ("ClientCoreTests", ["ClientCore", "WireMessages", "WireProtocol", "World", "Primitives"]),
    ("TransportTests", ["Transport", "LiveWorld", "WireProtocol", "World", "Primitives", "NIOCore"]),
    (
        "BrokerServerTests",
        [
            "BrokerServer", "Controller", "Coordinators", "Security", "Replication", "Quorum", "ClientCore", "Metadata",
            "LogStorage", "LiveWorld", "WireMessages", "WireProtocol", "World", "Primitives",
        ]
    ),
    (
        "SimulatorTests",
        [
            "Simulator", "BrokerServer", "Controller", "Coordinators", "Replication", "Quorum", "ClientCore",
            "Metadata", "LogStorage", "WireMessages", "WireProtocol", "World", "Primitives",
        ]
    ),
    (
        "AdminToolsTests",
        ["AdminTools", "MartletClient", "ClientCore", "WireMessages", "WireProtocol", "World", "Primitives"]
    ),
    ("LocalClusterTests", ["LocalCluster", "LiveWorld", "World", "Primitives"]),
    ("ChaosTests", ["Chaos", "Primitives"]),
    (
        "AbuseTests",
        [
            "BrokerServer", "Transport", "LiveWorld", "WireMessages", "WireProtocol", "World", "Primitives", "Logging",
            "MessageForge", "WireDefinitions",
        ]
    ),
    ("FuzzTests", ["FuzzTargets", "MessageForge", "Primitives"]),
    ("TidyTests", []),
]
let testTargets: [Target] =
    tests.filter { test in
        let needed = needed(by: test)
        return only.map { needed.isSubset(of: $0) && (!needed.isEmpty || $0.contains("Tidy")) } ?? true
    }
    .map { test in
        .testTarget(
            name: test.name,
            dependencies: test.needs.map { packageOf[$0] == nil ? .target(name: $0) : packageProducts([$0])[0] },
            exclude: [],
            resources: [.copy("Golden")], swiftSettings: strict)
    }

let usedPackages = Set((built.flatMap(\.packages)).map { packageOf[$0]! })
let package = Package(
    name: "martlet",
    products: built.contains { $0.name == "MartletClient" }
        ? [.library(name: "MartletClient", targets: ["MartletClient"])] : [],
    dependencies: [
        Package.Dependency.package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    ].filter { dependency in
        guard case .sourceControl(_, let location, _) = dependency.kind else { return true }
        return usedPackages.contains { location.hasSuffix("/" + $0) }
    },
    targets: systemLibraries + cTargets + mutantTargets + moduleTargets + supportTargets + fuzzerTargets + testTargets
)
