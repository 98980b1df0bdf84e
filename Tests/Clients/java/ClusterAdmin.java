import java.util.*;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.StringSerializer;

/** What the reference administration client asks of brokers, settings, partitions, logs and offsets. */
public class ClusterAdmin {
    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
        System.out.println("ok " + what);
    }

    static <T> T get(KafkaFuture<T> future) throws Exception { return future.get(30, TimeUnit.SECONDS); }

    static void refused(Class<? extends Throwable> expected, KafkaFuture<?> future, String what) throws Exception {
        Throwable found = null;
        try {
            get(future);
        } catch (ExecutionException error) {
            found = error.getCause();
        }
        check(expected.isInstance(found), what + ": " + found);
    }

    interface Condition { boolean holds() throws Exception; }

    /** Waits for what a cluster does by itself. */
    static void eventually(String what, Condition condition) throws Exception {
        long end = System.nanoTime() + 30_000_000_000L;
        boolean holds = false;
        while (!holds && System.nanoTime() < end) {
            try {
                holds = condition.holds();
            } catch (ExecutionException error) {
                if (!(error.getCause() instanceof RetriableException)) throw error;
            }
            if (!holds) Thread.sleep(50);
        }
        check(holds, what);
    }

    final Admin admin;
    final String bootstrap, topic;

    ClusterAdmin(Admin admin, String bootstrap, String topic) {
        this.admin = admin;
        this.bootstrap = bootstrap;
        this.topic = topic;
    }

    TopicPartitionInfo partition(int number) throws Exception {
        return get(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic).partitions().get(number);
    }

    void brokers() throws Exception {
        DescribeClusterResult cluster = admin.describeCluster(new DescribeClusterOptions().includeFencedBrokers(true));
        check(get(cluster.nodes()).stream().noneMatch(Node::isFenced), "no broker is fenced");
        FeatureMetadata features = get(admin.describeFeatures().featureMetadata());
        check(features.finalizedFeatures().containsKey("metadata.version"), "the level of the metadata is told");
        check(features.finalizedFeaturesEpoch().isPresent(), "and since when");
        refused(BrokerIdNotRegisteredException.class, admin.unregisterBroker(77).all(), "who is not there is not unregistered");
    }

    void topics() throws Exception {
        CreateTopicsOptions dry = new CreateTopicsOptions().validateOnly(true);
        CreateTopicsResult tried = admin.createTopics(List.of(new NewTopic(topic, Optional.empty(), Optional.empty())), dry);
        check(get(tried.replicationFactor(topic)) >= 1, "a dry run tells what would be");
        check(!get(admin.listTopics().names()).contains(topic), "and makes nothing");
        refused(InvalidReplicationFactorException.class,
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 9)), dry).all(), "nine replicas on three brokers");
        refused(InvalidPartitionsException.class,
            admin.createTopics(List.of(new NewTopic(topic, 0, (short) 1)), dry).all(), "no partition");
        refused(InvalidTopicException.class,
            admin.createTopics(List.of(new NewTopic("a/b", 1, (short) 1)), dry).all(), "a name with a slash");
        refused(InvalidConfigurationException.class,
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(Map.of("no.such", "1"))), dry).all(),
            "a setting that does not exist");
        NewTopic wanted = new NewTopic(topic, Map.of(0, List.of(2, 3), 1, List.of(3, 1)));
        CreateTopicsResult made = admin.createTopics(List.of(wanted));
        Uuid id = get(made.topicId(topic));
        check(!id.equals(Uuid.ZERO_UUID), "a topic has an id");
        eventually("a topic is found by its id", () ->
            get(admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds()).get(id).name().equals(topic));
        eventually("replicas stand where they were wanted", () ->
            partition(0).replicas().stream().map(Node::id).toList().equals(List.of(2, 3)) && partition(0).isr().size() == 2);
        get(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3, List.of(List.of(1, 2))))).all());
        eventually("a partition is added where it was wanted", () ->
            get(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic).partitions().size() == 3
                && partition(2).leader() != null && partition(2).leader().id() == 1);
        refused(InvalidPartitionsException.class,
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(2))).all(), "partitions do not become fewer");
    }

    void settings() throws Exception {
        ConfigResource ofTopic = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        ConfigResource ofBroker = new ConfigResource(ConfigResource.Type.BROKER, "1");
        AlterConfigOp set = new AlterConfigOp(new ConfigEntry(TopicConfig.RETENTION_MS_CONFIG, "7000000"), AlterConfigOp.OpType.SET);
        get(admin.incrementalAlterConfigs(Map.of(ofTopic, List.of(set))).all());
        DescribeConfigsOptions full = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        eventually("a topic's setting is its own", () -> {
            ConfigEntry entry = get(admin.describeConfigs(List.of(ofTopic), full).all()).get(ofTopic).get(set.configEntry().name());
            return entry.value().equals("7000000") && entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG
                && entry.synonyms().size() >= 2 && !entry.documentation().isEmpty();
        });
        Config broker = get(admin.describeConfigs(List.of(ofBroker), full).all()).get(ofBroker);
        check(broker.get("node.id").value().equals("1") && broker.get("node.id").isReadOnly(), "a broker's id is read only");
        check(broker.get("log.retention.hours").type() == ConfigEntry.ConfigType.INT, "settings have types");
        AlterConfigOp odd = new AlterConfigOp(new ConfigEntry(TopicConfig.RETENTION_MS_CONFIG, "soon"), AlterConfigOp.OpType.SET);
        refused(InvalidConfigurationException.class,
            admin.incrementalAlterConfigs(Map.of(ofTopic, List.of(odd))).all(), "a number that is none");
        AlterConfigOp late = new AlterConfigOp(new ConfigEntry("num.recovery.threads.per.data.dir", "4"), AlterConfigOp.OpType.SET);
        refused(InvalidRequestException.class,
            admin.incrementalAlterConfigs(Map.of(ofBroker, List.of(late))).all(), "what acts from the next start on");
        AlterConfigOp drop = new AlterConfigOp(new ConfigEntry(TopicConfig.RETENTION_MS_CONFIG, ""), AlterConfigOp.OpType.DELETE);
        get(admin.incrementalAlterConfigs(Map.of(ofTopic, List.of(drop))).all());
        eventually("a setting that is taken back is the default again", () ->
            get(admin.describeConfigs(List.of(ofTopic)).all()).get(ofTopic).get(set.configEntry().name()).isDefault());
        check(get(admin.listConfigResources(Set.of(ConfigResource.Type.TOPIC), new ListConfigResourcesOptions()).all())
            .stream().anyMatch(resource -> resource.name().equals(topic)), "what has settings is listed");
    }

    void offsets() throws Exception {
        TopicPartition place = new TopicPartition(topic, 0);
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "acks", "all");
        try (Producer<String, String> producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (long time : new long[] {1_000, 5_000, 3_000, 4_000})
                producer.send(new ProducerRecord<>(topic, 0, time, "k", "v")).get(30, TimeUnit.SECONDS);
        }
        Map<OffsetSpec, Long> expected = new LinkedHashMap<>();
        expected.put(OffsetSpec.earliest(), 0L);
        expected.put(OffsetSpec.latest(), 4L);
        expected.put(OffsetSpec.maxTimestamp(), 1L);
        expected.put(OffsetSpec.forTimestamp(2_000), 1L);
        expected.put(OffsetSpec.forTimestamp(9_000), -1L);
        expected.put(OffsetSpec.earliestLocal(), 0L);
        for (Map.Entry<OffsetSpec, Long> entry : expected.entrySet()) {
            String name = entry.getKey().getClass().getSimpleName();
            long found = get(admin.listOffsets(Map.of(place, entry.getKey())).partitionResult(place)).offset();
            check(found == entry.getValue(), name + " is at " + found);
        }
        long start = get(admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(2))).lowWatermarks().get(place)).lowWatermark();
        check(start == 2, "records are deleted before an offset");
        check(get(admin.listOffsets(Map.of(place, OffsetSpec.earliest())).partitionResult(place)).offset() == 2, "the log starts there");
        refused(OffsetOutOfRangeException.class,
            admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(99))).lowWatermarks().get(place), "not beyond its end");
    }

    void logs() throws Exception {
        TopicPartition place = new TopicPartition(topic, 0);
        Map<String, LogDirDescription> directories = get(admin.describeLogDirs(List.of(2)).descriptions().get(2));
        check(directories.size() == 1, "a broker tells its directories");
        LogDirDescription directory = directories.values().iterator().next();
        check(directory.error() == null && directory.replicaInfos().get(place).size() > 0, "and the size of a replica");
        check(directory.totalBytes().isPresent() && directory.usableBytes().isPresent(), "and the room in them");
        TopicPartitionReplica replica = new TopicPartitionReplica(topic, 0, 2);
        var info = get(admin.describeReplicaLogDirs(List.of(replica)).values().get(replica));
        check(directories.containsKey(info.getCurrentReplicaLogDir()), "a replica is found in one of them");
        check(info.getFutureReplicaLogDir() == null, "and moves nowhere");
        get(admin.alterReplicaLogDirs(Map.of(replica, info.getCurrentReplicaLogDir())).all());
        refused(LogDirNotFoundException.class,
            admin.alterReplicaLogDirs(Map.of(replica, "/no/such/directory")).all(), "a replica moves to no unknown directory");
        TopicPartitionReplica none = new TopicPartitionReplica(topic + "-none", 0, 2);
        refused(UnknownTopicOrPartitionException.class,
            admin.alterReplicaLogDirs(Map.of(none, info.getCurrentReplicaLogDir())).all(), "nor one that is not there");
    }

    void moves() throws Exception {
        TopicPartition place = new TopicPartition(topic, 0);
        get(admin.alterPartitionReassignments(Map.of(place, Optional.of(new NewPartitionReassignment(List.of(1, 2, 3))))).all());
        eventually("a partition gets its new replicas", () ->
            partition(0).isr().size() == 3 && get(admin.listPartitionReassignments().reassignments()).isEmpty());
        refused(InvalidReplicaAssignmentException.class,
            admin.alterPartitionReassignments(Map.of(place, Optional.of(new NewPartitionReassignment(List.of(1, 77))))).all(),
            "not to a broker that is not there");
        refused(NoReassignmentInProgressException.class,
            admin.alterPartitionReassignments(Map.of(place, Optional.empty())).all(), "nothing is left to cancel");
        Set<TopicPartition> places = Set.of(place);
        eventually("its first replica leads once it is elected", () -> {
            var answer = get(admin.electLeaders(ElectionType.PREFERRED, places).partitions()).get(place);
            boolean isDone = answer.isEmpty() || answer.get() instanceof ElectionNotNeededException;
            return isDone && partition(0).leader().id() == 1;
        });
    }

    public static void main(String[] arguments) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", arguments[0]))) {
            ClusterAdmin test = new ClusterAdmin(admin, arguments[0], arguments[1]);
            test.brokers();
            test.topics();
            test.settings();
            test.offsets();
            test.logs();
            test.moves();
            get(admin.deleteTopics(List.of(arguments[1])).all());
        }
        System.out.println("DONE");
    }
}
