import Primitives
import Testing

@Suite("Error codes and API keys")
struct ErrorCodeTests {
    @Test("Codes carry Kafka's names")
    func names() {
        #expect(ErrorCode.noError.name == "NONE")
        #expect(ErrorCode(-1).name == "UNKNOWN_SERVER_ERROR")
        #expect(ErrorCode.notLeaderOrFollower.name == "NOT_LEADER_OR_FOLLOWER")
        #expect(ErrorCode(133).name == "SHARE_SESSION_LIMIT_REACHED")
        #expect(ErrorCode(999).name == "UNKNOWN_999")
    }

    @Test("Every code from -1 to 133 has a name of its own")
    func complete() {
        let names = (-1...133).map { ErrorCode($0).name }
        #expect(Set(names).count == 135)
        #expect(!names.contains { $0.hasPrefix("UNKNOWN_1") })
    }

    @Test("What clients repeat by themselves is told apart")
    func retriable() {
        #expect(ErrorCode.notLeaderOrFollower.isRetriable)
        #expect(ErrorCode.corruptMessage.isRetriable)
        #expect(!ErrorCode.unknownServerError.isRetriable)
        #expect(!ErrorCode.messageTooLarge.isRetriable)
    }
}

@Suite("The seeded generator")
struct SeededGeneratorTests {
    @Test("The same seed gives the numbers of SplitMix64")
    func numbers() {
        // The first outputs for seed 0, as published with the algorithm.
        var generator = SeededGenerator(seed: 0)
        #expect(generator.next() == 0xE220_A839_7B1D_CDAF)
        #expect(generator.next() == 0x6E78_9E6A_A1B9_65F4)
        #expect(generator.next() == 0x06C4_5D18_8009_454F)
    }
}
