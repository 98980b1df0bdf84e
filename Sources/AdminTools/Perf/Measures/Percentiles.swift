/// The distribution of some times.
struct Percentiles: Sendable {
    private let sorted: [Int64]

    init(_ values: [Int64]) { sorted = values.sorted() }

    /// The value that `permille` of a thousand values do not exceed; 0 where there is none.
    func at(permille: Int) -> Int64 {
        if sorted.isEmpty { return 0 }
        return sorted[min(sorted.count * permille / 1_000, sorted.count - 1)]
    }

    var greatest: Int64 { sorted.last ?? 0 }
}
