import Controller
import Primitives
import Testing

@Suite("What a broker sees of its peers")
struct PeerSightingsTests {
    private let peer = BrokerID(3)
    private let life = BrokerEpoch(7)

    private func suspected(_ seen: PeerSightings, now: Int64 = 1_250) -> Set<BrokerID> {
        seen.suspected(now: at(now), hidingMilliseconds: 3_000)
    }

    private func at(_ milliseconds: Int64) -> MonotonicInstant { MonotonicInstant(milliseconds * 1_000_000) }

    @Test("E4: a peer that does not answer is reported with the time since it was last heard, until it answers")
    func silent() {
        var seen = PeerSightings()
        let begins = seen.doubt(peer, epoch: life, .silence, since: at(600), now: at(1_000))
        #expect(begins && seen.reports(now: at(1_000)).isEmpty && suspected(seen).isEmpty)
        let repeats = seen.doubt(peer, epoch: life, .silence, since: at(1_050), now: at(1_100))
        #expect(!repeats)
        let asksAgain = seen.found(.silent, of: peer, epoch: life, now: at(1_250))
        #expect(asksAgain && suspected(seen) == [peer])
        let report = PeerSighting(peer: peer, epoch: life, kind: .silent, milliseconds: 650)
        #expect(seen.reports(now: at(1_250)) == [report])
        let goesOn = seen.found(.answered, of: peer, epoch: life, now: at(1_300))
        #expect(!goesOn && suspected(seen).isEmpty && seen.reports(now: at(1_300)).isEmpty)
    }

    @Test("Asking ends a second after the last doubt")
    func ends() {
        var seen = PeerSightings()
        _ = seen.doubt(peer, epoch: life, .silence, since: at(0), now: at(0))
        _ = seen.doubt(peer, epoch: life, .silence, since: at(500), now: at(500))
        let early = seen.found(.silent, of: peer, epoch: life, now: at(1_499))
        let late = seen.found(.silent, of: peer, epoch: life, now: at(1_500))
        #expect(early && !late && suspected(seen).isEmpty)
    }

    @Test("A peer whose connection ended is suspected at once, one that is late only when it does not answer")
    func suspicion() {
        var seen = PeerSightings()
        _ = seen.doubt(peer, epoch: life, .silence, since: at(0), now: at(0))
        #expect(suspected(seen).isEmpty)
        _ = seen.doubt(peer, epoch: life, .connectionLost, since: at(0), now: at(0))
        #expect(suspected(seen) == [peer])
    }

    @Test("A peer that is gone stays so until its registration says something newer")
    func gone() {
        var seen = PeerSightings()
        _ = seen.doubt(peer, epoch: life, .connectionLost, since: at(0), now: at(0))
        let asksAgain = seen.found(.gone, of: peer, epoch: life, now: at(10))
        #expect(!asksAgain && seen.reports(now: at(5_000)).map(\.kind) == [.gone])
        seen.changed(peer, unfencedEpoch: life)
        #expect(suspected(seen) == [peer])
        seen.changed(peer, unfencedEpoch: nil)
        #expect(suspected(seen).isEmpty && seen.reports(now: at(5_000)).isEmpty)
    }

    @Test("What is found of an earlier life says nothing of the present one")
    func earlierLife() {
        var seen = PeerSightings()
        _ = seen.doubt(peer, epoch: life, .silence, since: at(0), now: at(0))
        let begins = seen.doubt(peer, epoch: BrokerEpoch(8), .silence, since: at(10), now: at(10))
        let asksAgain = seen.found(.gone, of: peer, epoch: life, now: at(20))
        #expect(begins && !asksAgain && seen.reports(now: at(20)).isEmpty)
    }

    @Test("Silence that the controller does not share hides nobody longer than a session")
    func brokenLink() {
        var seen = PeerSightings()
        _ = seen.doubt(peer, epoch: life, .connectionLost, since: at(0), now: at(0))
        for moment in stride(from: Int64(250), to: 6_000, by: 250) {
            _ = seen.doubt(peer, epoch: life, .silence, since: at(0), now: at(moment))
            _ = seen.found(.silent, of: peer, epoch: life, now: at(moment))
            #expect(suspected(seen, now: moment) == (moment < 3_000 ? [peer] : []), "at \(moment) ms")
            #expect(!seen.reports(now: at(moment)).isEmpty)
        }
        _ = seen.found(.gone, of: peer, epoch: life, now: at(6_000))
        #expect(suspected(seen, now: 6_000) == [peer])
    }
}
