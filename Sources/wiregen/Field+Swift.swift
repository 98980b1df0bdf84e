import WireDefinitions

/// How a field looks in Swift.
extension Field {
    var swiftType: String {
        let element =
            switch type.element {
            case .scalar(let scalar): scalar.swiftName
            case .structure(let name): name
            }
        return (type.isArray ? "[\(element)]" : element) + (isNullable ? "?" : "")
    }

    /// The field's name inside a function that has parameters of its own.
    var place: String {
        ["version", "reader", "writer", "tag", "tags", "mark"].contains(name) ? "self.\(name)" : SwiftName.escaped(name)
    }

    private var isNullByDefault: Bool {
        defaultText == "null" || (isNullable && defaultText == nil && type.element == .scalar(.records))
    }

    var swiftDefault: String {
        if isNullByDefault { return "nil" }
        if type.isArray { return "[]" }
        switch type.element {
        case .structure(let name): return "\(name)()"
        case .scalar(let scalar):
            switch scalar {
            case .string: return defaultText ?? "\"\""
            case .bytes, .records: return ".empty"
            case .uuid: return ".zero"
            case .bool: return defaultText ?? "false"
            default:
                let number = defaultText ?? "0"
                return scalar.wrapped == nil ? number : "\(scalar.swiftName)(\(number))"
            }
        }
    }

    /// An expression that is true where the value is not the default.
    var differsFromDefault: String {
        if isNullByDefault { return "\(place) != nil" }
        if type.isArray || type.element == .scalar(.bytes) {
            return isNullable ? "\(place)?.isEmpty != true" : "!\(place).isEmpty"
        }
        if type.element == .scalar(.bool) { return swiftDefault == "true" ? "!\(place)" : place }
        return "\(place) != \(swiftDefault)"
    }

    /// The part of `outer` in which the field exists, as an expression; nil where that is all of it.
    func condition(in outer: ClosedRange<Int>) -> String? { SwiftName.condition(versions, in: outer) }

    // MARK: - Statements

    var readStatements: [String] {
        guard let nullVersions else { return ["\(place) = \(readExpression(nullable: false))"] }
        guard let condition = SwiftName.condition(nullVersions, in: versions) else {
            return ["\(place) = \(readExpression(nullable: true))"]
        }
        return [
            "if \(condition) {", "    \(place) = \(readExpression(nullable: true))", "} else {",
            "    \(place) = \(readExpression(nullable: false))", "}",
        ]
    }

    var writeStatements: [String] {
        guard let nullVersions else { return [writeStatement(nullable: false, value: place)] }
        let nullable = writeStatement(nullable: true, value: place)
        guard let condition = SwiftName.condition(nullVersions, in: versions) else { return [nullable] }
        let filled = writeStatement(nullable: false, value: "\(place) ?? \(emptyValue)")
        return ["if \(condition) {", "    \(nullable)", "} else {", "    \(filled)", "}"]
    }

    private var emptyValue: String {
        if type.isArray { return "[]" }
        switch type.element {
        case .structure(let name): return "\(name)()"
        case .scalar(.string): return "\"\""
        case .scalar: return ".empty"
        }
    }

    private func readExpression(nullable: Bool) -> String {
        switch type.element {
        case .structure(let name):
            if type.isArray { return "try reader.\(nullable ? "nullableArray" : "array")(version)" }
            return nullable ? "try reader.nullableStruct(version)" : "try \(name)(from: &reader, version: version)"
        case .scalar(let scalar):
            if type.isArray { return "try reader.\(nullable ? "nullableValues" : "values")()" }
            if let plain = scalar.wrapped { return "\(scalar.swiftName)(try reader.\(plain.rawValue)())" }
            return "try reader.\(call(scalar, nullable: nullable))()"
        }
    }

    private func writeStatement(nullable: Bool, value: String) -> String {
        switch type.element {
        case .structure:
            if type.isArray { return "writer.\(nullable ? "nullableArray" : "array")(\(value), version)" }
            return nullable
                ? "writer.nullableStruct(\(value), version)" : "\(value).write(to: &writer, version: version)"
        case .scalar(let scalar):
            if type.isArray { return "writer.\(nullable ? "nullableValues" : "values")(\(value))" }
            if let plain = scalar.wrapped { return "writer.\(plain.rawValue)(\(value).value)" }
            return "writer.\(call(scalar, nullable: nullable))(\(value))"
        }
    }

    private func call(_ scalar: Scalar, nullable: Bool) -> String {
        switch scalar {
        case .string: nullable ? "nullableString" : "string"
        case .bytes: nullable ? "nullableByteString" : "byteString"
        case .records: nullable ? "nullableRecords" : "records"
        default: scalar.rawValue
        }
    }
}
