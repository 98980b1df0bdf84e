/// The options of `dump-log` and what they come to.
struct DumpLogOptions {
    static let files = ToolOption(
        "files", .required("file1,file2,..."), help: "REQUIRED: The log and index files to be dumped.")
    static let printsData = ToolOption(
        "print-data-log", help: "Print the contents of records; set by every decoder option.")
    static let isDeep = ToolOption("deep-iteration", help: "Print each record; set by print-data-log.")
    static let verifiesOnly = ToolOption("verify-index-only", help: "Check indexes without printing them.")
    static let checksShape = ToolOption(
        "index-sanity-check", help: "Check only what a broker checks of an index when it starts.")
    static let messageSize = ToolOption(
        "max-message-size", .required("size"), help: "The largest batch. (default: 5242880)")
    static let bytesMax = ToolOption(
        "max-bytes", .required("size"), help: "Read only so many bytes of each log file.")
    static let skipsMetadata = ToolOption(
        "skip-record-metadata", help: "Print only the contents of records, and no control records.")
    static let keyDecoder = ToolOption(
        "key-decoder-class", .optional("class", whenAlone: "StringDecoder"),
        help: "How keys are shown: StringDecoder, IntegerDecoder or LongDecoder.")
    static let valueDecoder = ToolOption(
        "value-decoder-class", .optional("class", whenAlone: "StringDecoder"),
        help: "How values are shown: StringDecoder, IntegerDecoder or LongDecoder.")
    static let offsets = ToolOption("offsets-decoder", help: "The log is one of __consumer_offsets.")
    static let transactions = ToolOption("transaction-log-decoder", help: "The log is one of __transaction_state.")
    static let metadata = ToolOption("cluster-metadata-decoder", help: "The log is that of the cluster metadata.")
    static let remoteMetadata = ToolOption(
        "remote-log-metadata-decoder", help: "Refused: there is no remote storage whose metadata it would show.")
    static let shareStates = ToolOption("share-group-state-decoder", help: "The log is one of __share_group_state.")

    static let table = OptionTable(
        purpose: "This tool helps to parse a log file and dump its contents to the console, useful for debugging a "
            + "seemingly corrupt log segment.",
        [
            files, printsData, isDeep, verifiesOnly, checksShape, messageSize, bytesMax, skipsMetadata, keyDecoder,
            valueDecoder, offsets, transactions, metadata, remoteMetadata, shareStates,
        ])

    private static let decoders = [
        offsets, transactions, metadata, remoteMetadata, shareStates, keyDecoder, valueDecoder,
    ]

    let decoder: any RecordDecoder
    let detail: BatchText.Detail
    let batchBytesMax: Int
    /// Nil for the whole file.
    let bytesMax: Int64?
    let checksShape: Bool
    let verifiesOnly: Bool

    init(_ given: GivenOptions) throws(ToolFailure) {
        if given.has(DumpLogOptions.remoteMetadata) {
            throw ToolFailure("--remote-log-metadata-decoder: remote storage is not supported")
        }
        decoder = try DumpLogOptions.decoder(given)
        var detail = BatchText.Detail()
        detail.showsData = given.has(DumpLogOptions.printsData) || DumpLogOptions.decoders.contains(where: given.has)
        detail.showsRecords = given.has(DumpLogOptions.isDeep) || detail.showsData
        detail.skipsMetadata = given.has(DumpLogOptions.skipsMetadata)
        self.detail = detail
        batchBytesMax = try given.number(DumpLogOptions.messageSize) ?? 5_242_880
        bytesMax = try given.number(DumpLogOptions.bytesMax)
        checksShape = given.has(DumpLogOptions.checksShape)
        verifiesOnly = given.has(DumpLogOptions.verifiesOnly)
    }

    private static func decoder(_ given: GivenOptions) throws(ToolFailure) -> any RecordDecoder {
        if given.has(offsets) { return CoordinatorDecoder(.groups) }
        if given.has(transactions) { return CoordinatorDecoder(.transactions) }
        if given.has(metadata) { return MetadataDecoder() }
        if given.has(shareStates) { return CoordinatorDecoder(.shareStates) }
        return try PlainDecoder(keyClass: try given.text(keyDecoder), valueClass: try given.text(valueDecoder))
    }
}
