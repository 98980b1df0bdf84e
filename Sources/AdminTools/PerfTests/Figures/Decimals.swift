/// Numbers as `printf` writes them, with a fixed number of digits behind the point.
package enum Decimals {
    /// `%.4f` and the like; ties are rounded away from zero, as Java does.
    package static func text(_ value: Double, digits: Int) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        let power = (0..<digits).reduce(1.0) { product, _ in product * 10 }
        let scaled = (value.magnitude * power).rounded(.toNearestOrAwayFromZero)
        guard let whole = Int64(exactly: scaled) else { return "\(value)" }
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        let unit = Int64(power)
        let fraction = String(whole % unit)
        return "\(sign)\(whole / unit)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
