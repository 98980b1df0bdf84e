import java.util.*;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Creates, describes and deletes topics with the reference administration client. */
public class AdminRoundTrip {
    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
        System.out.println("ok " + what);
    }

    static Throwable failure(org.apache.kafka.common.KafkaFuture<?> future) throws Exception {
        try {
            future.get(30, TimeUnit.SECONDS);
            return null;
        } catch (ExecutionException error) {
            return error.getCause();
        }
    }

    public static void main(String[] arguments) throws Exception {
        String topic = arguments[1];
        Map<String, Object> settings = Map.of("bootstrap.servers", arguments[0]);
        try (Admin admin = Admin.create(settings)) {
            DescribeClusterResult cluster = admin.describeCluster();
            check(cluster.nodes().get(30, TimeUnit.SECONDS).size() == 3, "three brokers are alive");
            check(cluster.controller().get() != null, "a controller is named");
            check(!cluster.clusterId().get().isEmpty(), "the cluster has an id");

            NewTopic wanted = new NewTopic(topic, 6, (short) 3).configs(Map.of("retention.ms", "86400000"));
            CreateTopicsResult created = admin.createTopics(List.of(wanted));
            created.all().get(30, TimeUnit.SECONDS);
            check(created.numPartitions(topic).get() == 6, "the answer tells the partitions");
            check(created.replicationFactor(topic).get() == 3, "the answer tells the replicas");
            check(failure(admin.createTopics(List.of(wanted)).all()) instanceof TopicExistsException, "twice is refused");

            TopicDescription described = null;
            for (int attempt = 0; attempt < 100 && described == null; attempt++) {
                try {
                    described = admin.describeTopics(List.of(topic)).allTopicNames().get(30, TimeUnit.SECONDS).get(topic);
                } catch (ExecutionException error) {
                    if (!(error.getCause() instanceof UnknownTopicOrPartitionException)) throw error;
                    Thread.sleep(50);
                }
            }
            check(described != null && described.partitions().size() == 6, "six partitions are described");
            check(described.partitions().stream().allMatch(p -> p.isr().size() == 3), "three replicas are in sync");
            long leaders = described.partitions().stream().map(p -> p.leader().id()).distinct().count();
            check(leaders == 3, "each broker leads");

            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            Config config = admin.describeConfigs(List.of(resource)).all().get(30, TimeUnit.SECONDS).get(resource);
            check("86400000".equals(config.get("retention.ms").value()), "the topic's config is described");
            check(admin.listTopics().names().get(30, TimeUnit.SECONDS).contains(topic), "the topic is listed");

            QuorumInfo quorum = admin.describeMetadataQuorum().quorumInfo().get(30, TimeUnit.SECONDS);
            check(quorum.voters().size() == 3, "three voters are described");
            check(quorum.leaderId() >= 1 && quorum.leaderId() <= 3, "the quorum has a leader");

            admin.deleteTopics(List.of(topic)).all().get(30, TimeUnit.SECONDS);
            boolean isGone = false;
            for (int attempt = 0; attempt < 100 && !isGone; attempt++) {
                isGone = !admin.listTopics().names().get(30, TimeUnit.SECONDS).contains(topic);
                if (!isGone) Thread.sleep(50);
            }
            check(isGone, "the deleted topic is gone");
        }
        System.out.println("DONE");
    }
}
