/// Which pages of a simulated file are not in the memory of their machine.
struct AbsentPages {
    private var numbers: Set<Int> = []

    private static let pageBytes = 4_096

    private static func pages(_ range: Range<Int>) -> ClosedRange<Int>? {
        range.isEmpty ? nil : range.lowerBound / pageBytes...(range.upperBound - 1) / pageBytes
    }

    mutating func leave(_ range: Range<Int>) {
        if let pages = AbsentPages.pages(range) { numbers.formUnion(pages) }
    }

    /// They are read, or written to, which reads what is not overwritten of them.
    mutating func comeBack(_ range: Range<Int>) {
        if !numbers.isEmpty, let pages = AbsentPages.pages(range) { numbers.subtract(pages) }
    }

    func isAnyAbsent(_ range: Range<Int>) -> Bool {
        guard !numbers.isEmpty, let pages = AbsentPages.pages(range) else { return false }
        return pages.contains { numbers.contains($0) }
    }
}
