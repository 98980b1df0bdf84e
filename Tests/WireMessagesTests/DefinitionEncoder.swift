import Primitives
import WireProtocol

@testable import wiregen

/// A second encoder beside the generated code: walks over a definition and writes random values as the protocol says.
///
/// The bytes are canonical (tagged fields only where they differ from their defaults), so reading and writing them
/// again must give the same bytes.
struct DefinitionEncoder {
    private let definition: Definition
    private let structures: [String: Structure]
    private let version: Int
    private var generator: SeededGenerator
    private var bytes: [UInt8] = []
    /// How many elements an array gets at most.
    private let elementsMax: UInt64

    private var isFlexible: Bool { definition.firstFlexible.map { version >= $0 } ?? false }

    /// The bytes of `message` at `version` with the values that `seed` gives.
    static func encode(
        _ message: Message, of definition: Definition, version: Int, seed: UInt64, elementsMax: UInt64 = 3
    ) -> [UInt8] {
        var encoder = DefinitionEncoder(
            definition: definition,
            structures: Dictionary(uniqueKeysWithValues: message.structures.map { ($0.name, $0) }), version: version,
            generator: SeededGenerator(seed: seed), elementsMax: elementsMax)
        encoder.structure(message.structures[0])
        return encoder.bytes
    }

    private mutating func structure(_ structure: Structure) {
        for field in structure.fields where field.tag == nil && field.versions.contains(version) {
            value(field, mayBeDefault: true)
        }
        guard isFlexible else { return }
        let present = structure.fields.filter { $0.tag != nil && $0.versions.contains(version) }
            .sorted { ($0.tag ?? 0) < ($1.tag ?? 0) }.filter { _ in generator.chance(2, in: 3) }
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
        if mayBeNull, mayBeDefault || field.defaultText != "null", generator.chance(1, in: 3) {
            return null(field.type)
        }
        if field.type.isArray {
            let count = Int(generator.next() % elementsMax) + (mayBeDefault ? 0 : 1)
            if isFlexible { unsignedVarint(count + 1) } else { integer(count, bytes: 4) }
            for _ in 0..<count { element(field.type.element, mayBeDefault: true, isNullable: false) }
        } else {
            element(field.type.element, mayBeDefault: mayBeDefault, isNullable: mayBeNull)
        }
    }

    private mutating func null(_ type: FieldType) {
        if case .structure = type.element, !type.isArray { return integer(-1, bytes: 1) }
        if isFlexible { return bytes.append(0) }
        integer(-1, bytes: type == FieldType(element: .scalar(.string), isArray: false) ? 2 : 4)
    }

    private mutating func element(_ element: FieldType.Element, mayBeDefault: Bool, isNullable: Bool) {
        switch element {
        case .structure(let name):
            guard let nested = structures[name] else { preconditionFailure("no structure \(name)") }
            if isNullable { bytes.append(1) }
            structure(nested)
        case .scalar(let scalar): self.scalar(scalar.wrapped ?? scalar, mayBeDefault: mayBeDefault)
        }
    }

    private mutating func scalar(_ scalar: Scalar, mayBeDefault: Bool) {
        // Any number but those that are defaults somewhere.
        let number = Int(generator.next() % 100) + 11
        switch scalar {
        case .bool: bytes.append(mayBeDefault ? UInt8(generator.next() % 2) : 1)
        case .int8: integer(number, bytes: 1)
        case .int16, .uint16: integer(number * 131, bytes: 2)
        case .int32, .uint32: integer(number * 8_000_009, bytes: 4)
        case .int64: integer(number * 70_000_000_000_011, bytes: 8)
        case .double: integer(Int(bitPattern: UInt(Double(number).bitPattern)), bytes: 8)
        case .uuid:
            integer(Int(truncatingIfNeeded: generator.next()), bytes: 8)
            integer(Int(truncatingIfNeeded: generator.next()), bytes: 8)
        case .string:
            let text = String(
                repeating: generator.chance(1, in: 4) ? "ü" : "x", count: number % 24 + (mayBeDefault ? 0 : 1))
            if isFlexible { unsignedVarint(text.utf8.count + 1) } else { integer(text.utf8.count, bytes: 2) }
            bytes += Array(text.utf8)
        case .bytes, .records:
            let count = number % 40 + (mayBeDefault ? 0 : 1)
            if isFlexible { unsignedVarint(count + 1) } else { integer(count, bytes: 4) }
            bytes += Array(repeating: 0xB7, count: count)
        default: preconditionFailure("a wrapped number inside a wrapped number")
        }
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
