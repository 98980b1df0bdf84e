package import WireDefinitions

/// A second encoder beside the generated code: walks over a definition and writes chosen values as the protocol says.
///
/// The bytes are canonical where no tagged field gets its default, so reading and writing them again must give the
/// same bytes.
package struct DefinitionEncoder<Values: ValueChooser> {
    private let definition: Definition
    private let structures: [String: Structure]
    private let version: Int
    private var values: Values
    private var bytes: [UInt8] = []

    private var isFlexible: Bool { definition.firstFlexible.map { version >= $0 } ?? false }

    /// The bytes of `message` at `version`.
    package static func encode(
        _ message: Message, of definition: Definition, version: Int, values: inout Values
    ) -> [UInt8] {
        var encoder = DefinitionEncoder(
            definition: definition,
            structures: Dictionary(uniqueKeysWithValues: message.structures.map { ($0.name, $0) }), version: version,
            values: values)
        encoder.structure(message.structures[0])
        values = encoder.values
        return encoder.bytes
    }

    private mutating func structure(_ structure: Structure) {
        for field in structure.fields where field.tag == nil && field.versions.contains(version) {
            value(field, mayBeDefault: true)
        }
        guard isFlexible else { return }
        let present = structure.fields.filter { $0.tag != nil && $0.versions.contains(version) }
            .sorted { ($0.tag ?? 0) < ($1.tag ?? 0) }.filter { values.isPresent($0) }
        unsignedVarint(present.count)
        for field in present {
            unsignedVarint(field.tag ?? 0)
            let outer = bytes
            bytes = []
            value(field, mayBeDefault: false)
            let content = bytes
            bytes = outer
            unsignedVarint(content.count)
            bytes += content
        }
    }

    private mutating func value(_ field: Field, mayBeDefault: Bool) {
        let mayBeNull = field.nullVersions?.contains(version) == true
        if mayBeNull, mayBeDefault || field.defaultText != "null", values.isNull(field) { return null(field.type) }
        if field.type.isArray {
            let count = values.count(field, least: mayBeDefault ? 0 : 1)
            if isFlexible { unsignedVarint(count + 1) } else { integer(count, bytes: 4) }
            for _ in 0..<count { element(field, mayBeDefault: true, isNullable: false) }
        } else {
            element(field, mayBeDefault: mayBeDefault, isNullable: mayBeNull)
        }
    }

    private mutating func null(_ type: FieldType) {
        if case .structure = type.element, !type.isArray { return integer(-1, bytes: 1) }
        if isFlexible { return bytes.append(0) }
        integer(-1, bytes: type.element == .scalar(.string) && !type.isArray ? 2 : 4)
    }

    private mutating func element(_ field: Field, mayBeDefault: Bool, isNullable: Bool) {
        switch field.type.element {
        case .structure(let name):
            guard let nested = structures[name] else { preconditionFailure("no structure \(name)") }
            if isNullable { bytes.append(1) }
            structure(nested)
        case .scalar(let scalar): self.scalar(scalar.wrapped ?? scalar, field, mayBeDefault: mayBeDefault)
        }
    }

    private mutating func scalar(_ scalar: Scalar, _ field: Field, mayBeDefault: Bool) {
        switch scalar {
        case .bool: bytes.append(values.truth(field, mayBeFalse: mayBeDefault) ? 1 : 0)
        case .int8: number(field, bytes: 1)
        case .int16, .uint16: number(field, bytes: 2)
        case .int32, .uint32: number(field, bytes: 4)
        case .int64: number(field, bytes: 8)
        case .double: integer(Int(bitPattern: UInt(Double(values.number(field, bytes: 8)).bitPattern)), bytes: 8)
        case .uuid:
            for _ in 0..<2 { integer(Int(truncatingIfNeeded: values.half(field)), bytes: 8) }
        case .string:
            let text = Array(values.text(field, mayBeEmpty: mayBeDefault).utf8)
            if isFlexible { unsignedVarint(text.count + 1) } else { integer(text.count, bytes: 2) }
            bytes += text
        case .bytes, .records:
            let content = values.bytes(field, mayBeEmpty: mayBeDefault)
            if isFlexible { unsignedVarint(content.count + 1) } else { integer(content.count, bytes: 4) }
            bytes += content
        default: preconditionFailure("a wrapped number inside a wrapped number")
        }
    }

    private mutating func number(_ field: Field, bytes count: Int) {
        integer(Int(values.number(field, bytes: count)), bytes: count)
    }

    private mutating func integer(_ value: Int, bytes count: Int) {
        for index in stride(from: count - 1, through: 0, by: -1) {
            bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index)))
        }
    }

    private mutating func unsignedVarint(_ value: Int) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

extension DefinitionEncoder where Values == OrdinaryValues {
    /// The bytes of `message` at `version` with the values that `seed` gives.
    package static func encode(
        _ message: Message, of definition: Definition, version: Int, seed: UInt64, elementsMax: UInt64 = 3
    ) -> [UInt8] {
        var values = OrdinaryValues(seed: seed, elementsMax: elementsMax)
        return encode(message, of: definition, version: version, values: &values)
    }
}
