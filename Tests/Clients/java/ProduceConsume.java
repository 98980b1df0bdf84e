import java.time.Duration;
import java.util.*;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/** Writes with the reference producer and reads with a group of consumers by one of the assignors. */
public class ProduceConsume {
    static final int RECORDS = 3_000;

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
        System.out.println("ok " + what);
    }

    static Map<String, Object> settings(String servers, Object... more) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", servers));
        for (int index = 0; index < more.length; index += 2) settings.put((String) more[index], more[index + 1]);
        return settings;
    }

    static KafkaConsumer<String, String> member(String servers, String group, String assignor) {
        return new KafkaConsumer<>(
            settings(servers, "group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", false,
                "partition.assignment.strategy", assignor, "heartbeat.interval.ms", 300, "session.timeout.ms", 10_000),
            new StringDeserializer(), new StringDeserializer());
    }

    public static void main(String[] arguments) throws Exception {
        String servers = arguments[0], topic = arguments[1], assignor = arguments[2], codec = arguments[3];
        try (Admin admin = Admin.create(settings(servers))) {
            admin.createTopics(List.of(new NewTopic(topic, 6, (short) 3))).all().get(30, TimeUnit.SECONDS);
        }
        try (Producer<String, String> producer = new KafkaProducer<>(
                settings(servers, "acks", "all", "compression.type", codec, "linger.ms", 5),
                new StringSerializer(), new StringSerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int n = 0; n < RECORDS; n++) {
                ProducerRecord<String, String> record = new ProducerRecord<>(topic, n % 6, "key-" + n, "value-" + n);
                record.headers().add("n", Integer.toString(n).getBytes());
                sent.add(producer.send(record));
            }
            Set<String> places = new HashSet<>();
            for (Future<RecordMetadata> one : sent) {
                RecordMetadata place = one.get(60, TimeUnit.SECONDS);
                places.add(place.partition() + "/" + place.offset());
            }
            check(places.size() == RECORDS, "each record has a place of its own");
        }

        String group = topic + "-group";
        KafkaConsumer<String, String> one = member(servers, group, assignor), two = member(servers, group, assignor);
        one.subscribe(List.of(topic));
        two.subscribe(List.of(topic));
        Map<Integer, List<String>> values = new HashMap<>();
        Set<String> seen = new HashSet<>();
        long end = System.currentTimeMillis() + 60_000;
        boolean isDivided = false;
        while (System.currentTimeMillis() < end && !(isDivided && seen.size() == RECORDS)) {
            for (KafkaConsumer<String, String> member : List.of(one, two)) {
                for (ConsumerRecord<String, String> record : member.poll(Duration.ofMillis(50))) {
                    if (!seen.add(record.partition() + "/" + record.offset())) continue;
                    values.computeIfAbsent(record.partition(), p -> new ArrayList<>()).add(record.value());
                }
                member.commitSync();
            }
            isDivided = one.assignment().size() == 3 && two.assignment().size() == 3;
        }
        check(isDivided, "each member has three of six partitions");
        check(seen.size() == RECORDS, "every record was read");
        for (int partition = 0; partition < 6; partition++) {
            List<String> wanted = new ArrayList<>();
            for (int n = partition; n < RECORDS; n += 6) wanted.add("value-" + n);
            check(wanted.equals(values.get(partition)), "partition " + partition + " is in order");
        }
        two.close();
        end = System.currentTimeMillis() + 30_000;
        while (System.currentTimeMillis() < end && one.assignment().size() != 6) one.poll(Duration.ofMillis(50));
        check(one.assignment().size() == 6, "the last member has all partitions");
        Map<TopicPartition, OffsetAndMetadata> committed = one.committed(one.assignment());
        long sum = committed.values().stream().mapToLong(OffsetAndMetadata::offset).sum();
        check(sum == RECORDS, "all is committed");
        Map<TopicPartition, Long> ends = one.endOffsets(one.assignment());
        check(ends.values().stream().mapToLong(Long::longValue).sum() == RECORDS, "end offsets count records");
        one.close();
        System.out.println("DONE");
    }
}
