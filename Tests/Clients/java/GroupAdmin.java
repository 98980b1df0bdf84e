import java.time.Duration;
import java.util.*;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;

/** Lists, describes, resets and deletes groups with the reference administration client. */
public class GroupAdmin {
    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
        System.out.println("ok " + what);
    }

    static Throwable failure(KafkaFuture<?> future) throws Exception {
        try {
            future.get(30, TimeUnit.SECONDS);
            return null;
        } catch (ExecutionException error) {
            return error.getCause();
        }
    }

    static <T> T get(KafkaFuture<T> future) throws Exception { return future.get(30, TimeUnit.SECONDS); }

    static List<String> listed(Admin admin, ListGroupsOptions options) throws Exception {
        return get(admin.listGroups(options).all()).stream().map(GroupListing::groupId).toList();
    }

    public static void main(String[] arguments) throws Exception {
        String topic = arguments[1], other = topic + "-other", group = topic + "-group", simple = topic + "-simple";
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", arguments[0]))) {
            get(admin.createTopics(List.of(new NewTopic(topic, 2, (short) 3), new NewTopic(other, 1, (short) 3))).all());
            TopicPartition first = new TopicPartition(topic, 0), second = new TopicPartition(topic, 1);
            TopicPartition elsewhere = new TopicPartition(other, 0);
            Map<TopicPartition, OffsetAndMetadata> offsets = Map.of(
                first, new OffsetAndMetadata(0, Optional.empty(), "note"), elsewhere, new OffsetAndMetadata(0));
            get(admin.alterConsumerGroupOffsets(group, offsets).all());
            get(admin.alterConsumerGroupOffsets(simple, offsets).all());
            check(get(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata()).equals(offsets), "offsets are set");
            check(
                get(admin.describeConsumerGroups(List.of(group)).describedGroups().get(group)).groupState() == GroupState.EMPTY,
                "a group of offsets alone is empty");
            Throwable missing = failure(admin.describeConsumerGroups(List.of("nobody")).describedGroups().get("nobody"));
            check(missing instanceof GroupIdNotFoundException, "a group that does not exist is not found");

            Map<String, Object> settings = new HashMap<>(Map.of(
                "bootstrap.servers", arguments[0], "group.id", group, "group.instance.id", "one", "client.id", "reader",
                "auto.offset.reset", "earliest", "key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer",
                "value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer"));
            try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
                consumer.subscribe(List.of(topic));
                for (int attempt = 0; attempt < 200 && consumer.assignment().size() < 2; attempt++) consumer.poll(Duration.ofMillis(100));
                consumer.commitSync();
                ClassicGroupDescription described =
                    get(admin.describeClassicGroups(List.of(group)).describedGroups().get(group));
                check(described.state() == ClassicGroupState.STABLE && described.members().size() == 1, "it is stable");
                MemberDescription member = described.members().iterator().next();
                check(member.groupInstanceId().get().equals("one") && member.clientId().equals("reader"), "its member is named");
                check(member.assignment().topicPartitions().equals(Set.of(first, second)), "its member has both partitions");

                check(listed(admin, new ListGroupsOptions().inGroupStates(Set.of(GroupState.STABLE))).contains(group), "listed by state");
                check(!listed(admin, new ListGroupsOptions().inGroupStates(Set.of(GroupState.EMPTY))).contains(group), "left out by state");
                check(listed(admin, new ListGroupsOptions().withTypes(Set.of(GroupType.CLASSIC))).contains(group), "listed by type");
                check(!listed(admin, new ListGroupsOptions().withTypes(Set.of(GroupType.CONSUMER))).contains(group), "left out by type");

                check(failure(admin.deleteConsumerGroups(List.of(group)).all()) instanceof GroupNotEmptyException, "not deleted with members");
                check(failure(admin.alterConsumerGroupOffsets(group, offsets).all()) instanceof UnknownMemberIdException, "not reset with members");
                DeleteConsumerGroupOffsetsResult deleted = admin.deleteConsumerGroupOffsets(group, Set.of(first, elsewhere));
                check(failure(deleted.partitionResult(first)) instanceof GroupSubscribedToTopicException, "offsets that are read stay");
                check(failure(deleted.partitionResult(elsewhere)) == null, "offsets that are not read go");
                check(!get(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata()).containsKey(elsewhere), "they are gone");
                get(admin.removeMembersFromConsumerGroup(
                    group, new RemoveMembersFromConsumerGroupOptions(Set.of(new MemberToRemove("one")))).all());
                check(
                    get(admin.describeClassicGroups(List.of(group)).describedGroups().get(group)).state() == ClassicGroupState.EMPTY,
                    "a member is removed by its name");
            }
            check(failure(admin.deleteConsumerGroupOffsets(simple, Set.of(first)).all()) == null, "offsets of a simple group go");
            DeleteConsumerGroupsResult gone = admin.deleteConsumerGroups(List.of(group, simple, "nobody"));
            check(failure(gone.deletedGroups().get("nobody")) instanceof GroupIdNotFoundException, "nobody can't be deleted");
            check(failure(gone.deletedGroups().get(group)) == null && failure(gone.deletedGroups().get(simple)) == null, "groups are deleted");
            check(Collections.disjoint(listed(admin, new ListGroupsOptions()), List.of(group, simple)), "they are not listed");
        }
        System.out.println("DONE");
    }
}
