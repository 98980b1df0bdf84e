import Metadata
import Primitives
import Testing
import WireMessages

@testable import Controller

/// Brokers that beat each 100 ms, for the rules of failure detection.
private struct Ward {
    var cluster: Cluster
    let ids: [Int32]
    /// Who says nothing.
    var silent: Set<Int32> = []
    /// What each broker sees of others.
    var sightings: [Int32: [PeerSighting]] = [:]
    var unfetchable: [Int32: [BrokerID: Int64]] = [:]
    /// Of the first and the second log directory of each broker.
    var flush: [Int32: Int64] = [:]
    var secondFlush: [Int32: Int64] = [:]
    var lag: [Int32: Int64] = [:]
    var well: [Int32: Int64] = [:]
    var ownLag: Int64 = 0
    var found: [Detection] = []
    /// The suspects that the last answer to each broker named.
    var named: [Int32: [BrokerID]] = [:]

    init(_ ids: [Int32] = [1, 2, 3], own: Int32? = 1, _ adjust: (inout DetectionSettings) -> Void = { _ in }) {
        self.ids = ids
        cluster = Cluster(brokers: ids) { configuration in
            configuration.detection.ownNode = own.map { BrokerID($0) }
            adjust(&configuration.detection)
        }
        run(milliseconds: 2_000)
    }

    /// A beat of each broker that speaks each 100 ms, a look of the controller each 50 ms.
    mutating func run(milliseconds: Int64) {
        for step in 0..<(milliseconds / 50) {
            cluster.wait(milliseconds: 50)
            if step.isMultiple(of: 2) { beat() }
            while let detection = cluster.commit(
                cluster.controller.judgeBrokers(ownLagMilliseconds: ownLag, now: cluster.now))
            {
                found.append(detection)
            }
        }
    }

    static func directory(of id: Int32) -> DirectoryID { DirectoryID(high: 1_000, low: UInt64(id)) }
    static func secondDirectory(of id: Int32) -> DirectoryID { DirectoryID(high: 2_000, low: UInt64(id)) }

    mutating func beat() {
        for id in ids where !silent.contains(id) {
            var vitals = BrokerVitals()
            vitals.lagMilliseconds = lag[id] ?? 0
            vitals.wellMilliseconds = well[id]
            if let first = flush[id] { vitals.flushMilliseconds[Ward.directory(of: id)] = first }
            if let second = secondFlush[id] { vitals.flushMilliseconds[Ward.secondDirectory(of: id)] = second }
            vitals.unfetchable = unfetchable[id] ?? [:]
            vitals.sightings = sightings[id] ?? []
            named[id] = cluster.heartbeat(id) { vitals.write(into: &$0) }.suspects
        }
    }

    /// A topic of one partition with these replicas.
    mutating func topic(_ name: String, _ replicas: [Int32], configs: [(String, String)] = []) {
        let result = cluster.createTopic(name, partitions: -1, replicas: -1, configs: configs, assignments: [replicas])
        #expect(result.errorCode == .noError)
    }

    mutating func sees(_ id: Int32, _ peer: Int32, _ kind: PeerSighting.Kind = .silent, milliseconds: Int64 = 300) {
        sightings[id, default: []].append(
            PeerSighting(
                peer: BrokerID(peer), epoch: cluster.epoch(peer), kind: kind, milliseconds: milliseconds))
    }

    /// Milliseconds until `broker` is fenced, 10 s at most.
    mutating func timeToFence(_ broker: Int32) throws -> Int64? {
        for time in stride(from: Int64(0), to: 10_000, by: 50) {
            if try cluster.broker(broker).isFenced { return time }
            run(milliseconds: 50)
        }
        return nil
    }
}

@Suite("Failure detection by evidence")
struct FailureDetectionTests {
    @Test("R2: a broker that is silent to the controller and to another broker is fenced within 0.9 s")
    func silence() throws {
        var ward = Ward()
        ward.topic("t", [3, 1, 2])
        ward.silent = [3]
        ward.sees(2, 3)
        let time = try #require(try ward.timeToFence(3))
        #expect((700...900).contains(time))
        #expect(ward.found.map(\.rule) == [.silence])
        #expect(try ward.cluster.partition().leader == BrokerID(1))
        #expect(try ward.cluster.partition().isrNumbers == [1, 2])
    }

    @Test("R2: without another broker that is not answered either, silence is no reason")
    func noWitness() throws {
        var ward = Ward()
        ward.silent = [3]
        #expect(try ward.timeToFence(3) == nil)
        // The broker of the controller's own process sees with the controller's eyes.
        ward.sees(1, 3)
        #expect(try ward.timeToFence(3) == nil)
        ward.sees(2, 3)
        #expect(try ward.timeToFence(3) == 50)
    }

    @Test("R2: a witness whose own loop is held up is not believed")
    func laggingWitness() throws {
        var ward = Ward()
        ward.silent = [3]
        ward.sees(2, 3)
        ward.lag[2] = 150
        #expect(try ward.timeToFence(3) == nil)
    }

    @Test("R2: a witness that was held up before it looked is believed again after a second, not before")
    func recoveredWitness() throws {
        var ward = Ward()
        ward.silent = [3]
        ward.sees(2, 3)
        ward.lag[2] = 1_500
        ward.well[2] = 999
        #expect(try ward.timeToFence(3) == nil)
        ward.well[2] = 1_000
        #expect(try #require(try ward.timeToFence(3)) <= 150)
    }

    @Test("R2: a sighting of an earlier life counts for nothing")
    func oldLife() throws {
        var ward = Ward()
        ward.sees(2, 3)
        ward.cluster.join(3, life: 2)
        ward.run(milliseconds: 1_000)
        ward.silent = [3]
        #expect(try ward.timeToFence(3) == nil)
    }

    @Test("R2: a controller whose own loop is held up judges nobody")
    func ownLag() throws {
        var ward = Ward()
        ward.silent = [3]
        ward.sees(2, 3)
        ward.ownLag = 100
        #expect(try ward.timeToFence(3) == nil)
        ward.ownLag = 99
        #expect(try ward.timeToFence(3) == 50)
    }

    @Test("R2: where most others are late too, the fault is the controller's")
    func mostOthersLate() throws {
        var ward = Ward([1, 2, 3, 4, 5])
        ward.silent = [3, 4, 5]
        ward.sees(2, 3)
        ward.sees(2, 4)
        ward.sees(2, 5)
        #expect(try ward.timeToFence(3) == nil)
        #expect(ward.found.isEmpty)
    }

    @Test("R2: who pauses often, or says that its loop is held up, is given more time")
    func rhythm() throws {
        var pausing = Ward()
        for _ in 0..<5 {
            pausing.silent = [3]
            pausing.run(milliseconds: 700)
            pausing.silent = []
            pausing.run(milliseconds: 300)
        }
        pausing.sees(2, 3)
        pausing.silent = [3]
        pausing.run(milliseconds: 1_300)
        #expect(try !pausing.cluster.broker(3).isFenced)
        pausing.run(milliseconds: 1_000)
        #expect(try pausing.cluster.broker(3).isFenced)

        var lagging = Ward()
        lagging.lag[3] = 400
        lagging.run(milliseconds: 200)
        lagging.silent = [3]
        lagging.sees(2, 3)
        lagging.run(milliseconds: 1_400)
        #expect(try !lagging.cluster.broker(3).isFenced)
        lagging.run(milliseconds: 400)
        #expect(try lagging.cluster.broker(3).isFenced)
    }

    @Test("R2 is not about brokers of another make, and can be switched off")
    func strangers() throws {
        var ward = Ward { $0.silenceMilliseconds = 0 }
        ward.silent = [3]
        ward.sees(2, 3)
        #expect(try ward.timeToFence(3) == nil)
        #expect(ward.named[2] == [])

        var mixed = Ward()
        mixed.cluster.heartbeat(3)  // says nothing of its loop
        mixed.silent = [3]
        mixed.sees(2, 3)
        #expect(try mixed.timeToFence(3) == nil)
    }

    @Test("The others are asked to look at a broker that is late, and no longer when it is back")
    func suspects() {
        var ward = Ward()
        ward.silent = [3]
        ward.run(milliseconds: 300)
        #expect(ward.named[2] == [])
        ward.run(milliseconds: 300)
        #expect(ward.named[2] == [BrokerID(3)])
        ward.silent = []
        ward.run(milliseconds: 200)
        #expect(ward.named[2] == [])
    }

    @Test("R3: a whole session of silence is enough, with no witness at all")
    func session() throws {
        var ward = Ward()
        ward.silent = [3]
        ward.run(milliseconds: 2_800)
        #expect(ward.cluster.commit(ward.cluster.controller.fenceSilentBroker(now: ward.cluster.now)) == nil)
        ward.run(milliseconds: 300)
        #expect(ward.cluster.commit(ward.cluster.controller.fenceSilentBroker(now: ward.cluster.now)) == BrokerID(3))
    }

    @Test("R4: a leader that most of its followers can't fetch from loses the partition, and is not fenced")
    func unfetchable() throws {
        var ward = Ward()
        ward.topic("t", [3, 1, 2])
        ward.unfetchable = [1: [BrokerID(3): 1_200]]
        ward.run(milliseconds: 500)
        #expect(try ward.cluster.partition().leader == BrokerID(3))
        ward.unfetchable[2] = [BrokerID(3): 900]
        ward.run(milliseconds: 200)
        #expect(try ward.cluster.partition().leader == BrokerID(3))
        ward.unfetchable[2] = [BrokerID(3): 1_000]
        ward.run(milliseconds: 200)
        let partition = try ward.cluster.partition()
        #expect(partition.leader == BrokerID(1) && partition.isrNumbers == [1, 2])
        #expect(try !ward.cluster.broker(3).isFenced)
        #expect(ward.found.map(\.rule) == [.unfetchable])
    }

    @Test("R4: who is accused by as many as it accuses with is not believed")
    func isolatedAccuser() throws {
        var ward = Ward()
        ward.topic("t", [3, 1])
        ward.topic("u", [1, 3])
        ward.unfetchable = [1: [BrokerID(3): 2_000], 3: [BrokerID(1): 2_000]]
        ward.run(milliseconds: 1_000)
        #expect(ward.found.isEmpty)
        #expect(try ward.cluster.partition("t").leader == BrokerID(3))
    }

    @Test("R4: an accuser that is late, and a leader that is, are left to the other rules")
    func lateAccuser() throws {
        var ward = Ward()
        ward.topic("t", [3, 1, 2])
        ward.unfetchable = [1: [BrokerID(3): 500], 2: [BrokerID(3): 500]]
        ward.run(milliseconds: 200)
        ward.silent = [3]
        ward.unfetchable = [1: [BrokerID(3): 2_000], 2: [BrokerID(3): 2_000]]
        ward.run(milliseconds: 600)
        ward.silent = [3, 2]
        ward.run(milliseconds: 200)
        #expect(ward.found.allSatisfy { $0.rule != .unfetchable || $0.milliseconds != nil } || !ward.found.isEmpty)
        #expect(try !ward.cluster.broker(3).isFenced)
    }

    @Test("R5: a leader whose flushes take long for three seconds hands over, and leaves the ISR where it can")
    func slowFlush() throws {
        var ward = Ward()
        ward.topic("t", [3, 1, 2], configs: [("min.insync.replicas", "2")])
        ward.topic("all", [3, 1, 2], configs: [("min.insync.replicas", "3")])
        ward.topic("alone", [3])
        ward.flush = [1: 5, 3: 1_500]
        ward.run(milliseconds: 2_800)
        #expect(ward.found.isEmpty)
        ward.run(milliseconds: 400)
        #expect(ward.found.map(\.rule) == [.slowFlush])
        let partition = try ward.cluster.partition("t")
        #expect(partition.leader == BrokerID(1) && partition.isrNumbers == [1, 2])
        let all = try ward.cluster.partition("all")
        #expect(all.leader == BrokerID(1) && all.isrNumbers.sorted() == [1, 2, 3])
        #expect(try ward.cluster.partition("alone").leader == BrokerID(3))
        #expect(try !ward.cluster.broker(3).isFenced)
    }

    @Test("R5: one quick look in between begins the three seconds anew; where all disks are slow nothing moves")
    func slowFlushBreaks() throws {
        var ward = Ward()
        ward.topic("t", [3, 1, 2])
        ward.flush = [3: 1_500]
        ward.run(milliseconds: 2_000)
        ward.flush = [3: 200]
        ward.run(milliseconds: 200)
        ward.flush = [3: 1_500]
        ward.run(milliseconds: 2_000)
        #expect(ward.found.isEmpty)
        ward.flush = [1: 900, 2: 1_100, 3: 1_500]
        ward.run(milliseconds: 6_000)
        #expect(ward.found.isEmpty)
    }

    @Test("R5: only what lies on the gray disk moves")
    func oneSlowDirectory() throws {
        var ward = Ward()
        var request = Cluster.registration(3, life: 2)
        request.logDirs.append(Ward.secondDirectory(of: 3))
        ward.cluster.fence(3)
        ward.cluster.register(request)
        ward.cluster.heartbeat(3)
        ward.topic("gray", [3, 1, 2])
        ward.topic("well", [3, 1, 2])
        ward.topic("untold", [3, 1, 2])
        for (name, directory) in [("gray", Ward.directory(of: 3)), ("well", Ward.secondDirectory(of: 3))] {
            let topic = ward.cluster.image.topics.id(of: name)
            #expect(ward.cluster.assign(3, to: directory, topic: topic) == .noError)
        }
        // The disk of 1 is not much better, that of 2 is.
        (ward.flush, ward.secondFlush) = ([1: 900, 2: 5, 3: 1_500], [3: 5])
        ward.run(milliseconds: 6_000)
        #expect(ward.found.map(\.rule) == [.slowFlush])
        #expect(ward.found.first?.partitions == 1)
        let gray = try ward.cluster.partition("gray")
        #expect(gray.leader != BrokerID(3) && !gray.isrNumbers.contains(3))
        #expect(try ward.cluster.partition("well").leader == BrokerID(3))
        #expect(try ward.cluster.partition("untold").leader == BrokerID(3))
    }

    @Test("R6: a guess never leaves less than a majority; a proof does")
    func majority() throws {
        var ward = Ward()
        ward.silent = [3]
        ward.sees(2, 3)
        ward.run(milliseconds: 1_500)
        #expect(try ward.cluster.broker(3).isFenced)
        ward.silent = [3, 2]
        ward.sees(1, 2)
        ward.run(milliseconds: 2_000)
        #expect(try !ward.cluster.broker(2).isFenced)
        ward.cluster.fence(2)
        #expect(try ward.cluster.broker(2).isFenced)
    }

    @Test("R6: at most two brokers are fenced by silence in ten seconds")
    func rate() throws {
        var ward = Ward([1, 2, 3, 4, 5, 6, 7, 8, 9])
        for victim: Int32 in [7, 8, 9] { ward.sees(2, victim) }
        ward.silent = [7, 8, 9]
        ward.run(milliseconds: 2_000)
        #expect(ward.found.map(\.broker.value) == [7, 8])
        ward.run(milliseconds: 8_600)
        #expect(ward.found.map(\.broker.value) == [7, 8])
        ward.run(milliseconds: 400)
        #expect(ward.found.map(\.broker.value) == [7, 8, 9])
    }

    @Test("R6: who was suspected leads nothing that another can lead for 5 s, then 10 s; and all that nobody else can")
    func holdDown() throws {
        var ward = Ward([1, 2, 3, 4])
        ward.topic("alone", [3])
        for (times, hold) in [(1, Int64(5_000)), (2, 10_000)] {
            ward.sightings = [:]
            ward.sees(2, 3)
            ward.silent = [3]
            ward.run(milliseconds: 1_500)
            #expect(try ward.cluster.broker(3).isFenced)
            ward.silent = []
            ward.sightings = [:]
            ward.run(milliseconds: 200)
            #expect(try !ward.cluster.broker(3).isFenced)
            #expect(try ward.cluster.partition("alone").leader == BrokerID(3))
            #expect(ward.found.count == times)
            let topic = "t\(times)"
            ward.topic(topic, [4, 3, 2])
            ward.run(milliseconds: hold - 600)
            var held = ward
            held.cluster.fence(4)
            #expect(try held.cluster.partition(topic).leader == BrokerID(2))
            ward.run(milliseconds: 700)
            var free = ward
            free.cluster.fence(4)
            #expect(try free.cluster.partition(topic).leader == BrokerID(3))
        }
    }

    @Test("R7: who died silently with the former controller is fenced when two others say for how long")
    func unheard() throws {
        var ward = Ward(own: 2)
        var registered = Cluster.registration(3, life: 2)
        registered.settings = []
        ward.cluster.register(registered)
        ward.cluster.heartbeat(3)
        let image = ward.cluster.image
        // Another controller takes over, on node 2.
        ward.cluster.controller = ClusterController(
            configuration: ward.cluster.controller.configuration, image: image, now: ward.cluster.now)
        ward.silent = [3]
        ward.sees(1, 3, milliseconds: 900)
        ward.run(milliseconds: 500)
        #expect(try !ward.cluster.broker(3).isFenced)
        #expect(ward.named[1] == [BrokerID(3)])
        ward.sees(2, 3, milliseconds: 700)
        ward.run(milliseconds: 300)
        #expect(try !ward.cluster.broker(3).isFenced)
        ward.sightings[2] = []
        ward.sees(2, 3, milliseconds: 800)
        ward.run(milliseconds: 150)
        #expect(try ward.cluster.broker(3).isFenced)
    }

    @Test("R1: peers that are refused are counted, those who are late or held up are not")
    func witnessesOfDeath() {
        var ward = Ward([1, 2, 3, 4])
        ward.sees(2, 3, .gone)
        ward.sees(4, 3, .gone)
        ward.sees(1, 3, .silent)
        ward.run(milliseconds: 200)
        #expect(ward.cluster.controller.witnessesOfDeath(BrokerID(3), now: ward.cluster.now) == 2)
        ward.lag[4] = 500
        ward.run(milliseconds: 200)
        #expect(ward.cluster.controller.witnessesOfDeath(BrokerID(3), now: ward.cluster.now) == 1)
    }

    @Test("A loop's hold-up is remembered for two seconds at least, four at most")
    func lagWindow() {
        var now = MonotonicInstant(0)
        var window = LagWindow(now: now)
        window.note(lateMilliseconds: 300, now: now)
        for time: Int64 in stride(from: 50, through: 5_000, by: 50) {
            now = MonotonicInstant(time * 1_000_000)
            window.note(lateMilliseconds: 1, now: now)
            let lag = window.milliseconds(now: now)
            if time < 2_000 { #expect(lag == 300) }
            if time >= 4_000 { #expect(lag == 1) }
        }
    }
}
