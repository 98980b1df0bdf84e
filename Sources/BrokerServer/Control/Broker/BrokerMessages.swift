import Controller
import Metadata
import Primitives
import WireMessages

extension BrokerRegistrationRequest {
    init(_ identity: BrokerIdentity) {
        self.init()
        brokerID = identity.id
        clusterID = identity.clusterID
        incarnationID = identity.incarnationID
        listeners = identity.listeners.map {
            var listener = Listener()
            listener.name = $0.name
            listener.host = $0.host
            listener.port = $0.port
            listener.securityProtocol = $0.securityProtocol
            return listener
        }
        features = ClusterFeatures.supported.map {
            var feature = Feature()
            feature.name = $0.name
            feature.minSupportedVersion = $0.levels.lowerBound
            feature.maxSupportedVersion = $0.levels.upperBound
            return feature
        }
        rack = identity.rack
        logDirs = identity.directories
        if let epoch = identity.cleanlyEndedEpoch { previousBrokerEpoch = epoch }
        settings = identity.settings.sorted { $0.key < $1.key }.map { name, value in
            var setting = Setting()
            setting.name = name
            setting.value = value
            return setting
        }
    }
}

extension BrokerHeartbeatRequest.RecoveredReplica {
    init(_ report: RecoveryReport) {
        self.init()
        topicID = report.partition.topic
        partitionIndex = report.partition.index
        leaderEpoch = report.leaderEpoch
        directoryID = report.directory
        if let epoch = report.lastEpoch { lastEpoch = epoch }
        logEndOffset = report.logEnd
        epochStarts = report.epochStarts.map {
            var start = BrokerHeartbeatRequest.EpochStart()
            start.epoch = $0.epoch
            start.startOffset = $0.startOffset
            return start
        }
    }

    /// The report as the controller takes it.
    var report: RecoveryReport {
        RecoveryReport(
            partition: TopicPartitionID(topicID, partitionIndex), leaderEpoch: leaderEpoch, directory: directoryID,
            lastEpoch: lastEpoch.value >= 0 ? lastEpoch : nil, logEnd: logEndOffset,
            epochStarts: epochStarts.suffix(RecoveryReport.epochsMax).map {
                RecoveryReport.EpochStart(epoch: $0.epoch, startOffset: $0.startOffset)
            })
    }
}

extension ControllerRegistrationRequest {
    init(_ registration: ControllerRegistration) {
        self.init()
        controllerID = registration.id
        incarnationID = registration.incarnationID
        listeners = registration.listeners.map {
            var listener = Listener()
            listener.name = $0.name
            listener.host = $0.host
            listener.port = $0.port
            listener.securityProtocol = $0.securityProtocol
            return listener
        }
        features = registration.supportedFeatures.map {
            var feature = Feature()
            feature.name = $0.name
            feature.minSupportedVersion = $0.levels.lowerBound
            feature.maxSupportedVersion = $0.levels.upperBound
            return feature
        }
    }
}
