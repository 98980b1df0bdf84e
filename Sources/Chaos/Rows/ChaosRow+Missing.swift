/// Rows of the matrix that can't be run, each with its reason.
extension ChaosRow {
    static let missingRows: [ChaosRow] = [
        .notRun("F38", "mixed releases", "nothing lost", because: "there is one release of Martlet so far")
    ]
}
