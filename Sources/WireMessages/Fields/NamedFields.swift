/// A structure whose fields can be listed by their names: every record of a log, so that tools can show it.
package protocol NamedFields: FieldConvertible {
    /// The fields that the structure has in a version, in the order of the schema; tagged ones that have their default
    /// are left out.
    func namedFields(version: Int16) -> [NamedField]
}

extension NamedFields {
    package func fieldValue(version: Int16) -> FieldValue { .structure(namedFields(version: version)) }
}

/// One field with the name that it has in Kafka's schemas.
package struct NamedField: Hashable, Sendable {
    package let name: String
    package let value: FieldValue

    package init(name: String, value: FieldValue) {
        self.name = name
        self.value = value
    }
}

extension [NamedField] {
    mutating func add(_ name: String, _ value: some FieldConvertible, _ version: Int16) {
        append(NamedField(name: name, value: value.fieldValue(version: version)))
    }
}
