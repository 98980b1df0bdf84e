import AdminTools
import ArgumentParser
import Chaos
import Glibc
import LocalCluster

/// The one program: the server and every tool, as subcommands or under Kafka's names.
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet", abstract: "A Kafka-compatible event log in one binary.",
        version: "martlet \(Build.version) (speaks Kafka \(Build.kafkaVersion))",
        subcommands: [
            ServerCommand.self, ClusterCommand.self, TopicsCommand.self, ConsoleProducerCommand.self,
            ConsoleConsumerCommand.self, ConsumerGroupsCommand.self, MetadataQuorumCommand.self, StorageCommand.self,
            DumpLogCommand.self, PerfCommand.self, GetOffsetsCommand.self, DeleteRecordsCommand.self,
            ProducerPerfCommand.self, ConsumerPerfCommand.self, EndToEndLatencyCommand.self, GroupsCommand.self,
            ReassignPartitionsCommand.self, LeaderElectionCommand.self, ConfigsCommand.self,
            BrokerAPIVersionsCommand.self, LogDirsCommand.self, KafkaClusterCommand.self, VerifyCommand.self,
            FeaturesCommand.self, TransactionsCommand.self, ChaosCommand.self,
            ApplicationCommand.self, ContainerCommand.self,
        ])
}

exit(await ToolRunner.run(KafkaArguments.arguments(of: CommandLine.arguments), root: Martlet.self))
