/// How far the tagged fields of one structure have been read.
package struct TagCursor {
    var left: UInt32
    var previous: UInt32?
    /// Where the field that is being read must end.
    var end: Int
    var unknown = 0
}

/// Tagged fields (KIP-482): known ones are read by tag, unknown ones skipped and never stored.
extension WireReader {
    /// Starts the tagged fields of a structure; ask `nextTag` until it returns nil.
    @_lifetime(self: copy self)
    package mutating func tags() throws(WireError) -> TagCursor {
        TagCursor(left: try unsignedVarint(), end: position)
    }

    /// The next tag, whose content stands at the position; checks that the one before had its declared size.
    @_lifetime(self: copy self)
    package mutating func nextTag(_ cursor: inout TagCursor) throws(WireError) -> UInt32? {
        guard position == cursor.end else { throw .taggedFieldSize(cursor.previous ?? 0) }
        guard cursor.left > 0 else { return nil }
        cursor.left -= 1
        let tag = try unsignedVarint()
        if let previous = cursor.previous, tag <= previous { throw .taggedFieldOutOfOrder(tag) }
        let size = Int(try unsignedVarint())
        guard size <= remaining else { throw .truncated(needed: size, remaining: remaining) }
        cursor.previous = tag
        cursor.end = position + size
        return tag
    }

    /// Skips the field whose tag is not known.
    @_lifetime(self: copy self)
    package mutating func skipTag(_ cursor: inout TagCursor) throws(WireError) {
        cursor.unknown += 1
        unknownTags += 1
        guard cursor.unknown <= WireReader.unknownTagsMax, unknownTags <= WireReader.unknownTagsInMessageMax else {
            throw .tooManyTaggedFields
        }
        try skip(cursor.end - position)
    }

    /// Ends a structure that has no tagged fields of its own: skips unknown ones where the version is flexible.
    @_lifetime(self: copy self)
    package mutating func endStruct() throws(WireError) {
        guard isFlexible else { return }
        var cursor = try tags()
        while try nextTag(&cursor) != nil { try skipTag(&cursor) }
    }
}
