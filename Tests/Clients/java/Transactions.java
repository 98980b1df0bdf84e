import java.time.Duration;
import java.util.*;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

/** Transactions of version 2 with the reference clients: an epoch for each, and partitions that brokers add. */
public class Transactions {
    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
        System.out.println("ok " + what);
    }

    static Map<String, Object> settings(String servers, Object... more) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", servers));
        for (int index = 0; index < more.length; index += 2) settings.put((String) more[index], more[index + 1]);
        return settings;
    }

    static KafkaProducer<String, String> producer(String servers, String id) {
        return new KafkaProducer<>(
            settings(servers, "transactional.id", id, "transaction.timeout.ms", 20_000, "max.block.ms", 30_000),
            new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer(String servers, String group, String isolation) {
        return new KafkaConsumer<>(
            settings(servers, "group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", false,
                "isolation.level", isolation),
            new StringDeserializer(), new StringDeserializer());
    }

    /** All that is read until there are so many, or for three seconds nothing comes. */
    static List<String> read(String servers, String topic, String isolation, int wanted) {
        List<String> values = new ArrayList<>();
        try (KafkaConsumer<String, String> reader = consumer(servers, "reader-" + UUID.randomUUID(), isolation)) {
            List<TopicPartition> places = new ArrayList<>();
            for (int index = 0; index < 3; index++) places.add(new TopicPartition(topic, index));
            reader.assign(places);
            long silentAt = System.nanoTime() + 3_000_000_000L;
            while (System.nanoTime() < silentAt || (values.size() < wanted && System.nanoTime() < silentAt + 20_000_000_000L)) {
                for (ConsumerRecord<String, String> record : reader.poll(Duration.ofMillis(200))) {
                    values.add(record.value());
                    silentAt = System.nanoTime() + 3_000_000_000L;
                }
            }
        }
        Collections.sort(values);
        return values;
    }

    public static void main(String[] arguments) {
        try {
            run(arguments);
        } catch (Throwable failure) {
            // The launcher of single files can't show every trace.
            failure.printStackTrace();
            System.exit(1);
        }
    }

    static void run(String[] arguments) throws Exception {
        String servers = arguments[0], topic = arguments[1];
        try (Admin admin = Admin.create(settings(servers))) {
            admin.createTopics(List.of(new NewTopic(topic, 3, (short) 3))).all().get(30, TimeUnit.SECONDS);
            FinalizedVersionRange level =
                admin.describeFeatures().featureMetadata().get().finalizedFeatures().get("transaction.version");
            check(level != null && level.maxVersionLevel() == 2, "transaction.version is 2");
            String id = topic + "-id";
            List<String> committed = new ArrayList<>();
            try (KafkaProducer<String, String> producer = producer(servers, id)) {
                producer.initTransactions();
                for (int number = 0; number < 30; number++) {
                    producer.beginTransaction();
                    for (int index = 0; index < 3; index++) {
                        producer.send(new ProducerRecord<>(topic, index, null, String.format("%03d-%d", number, index)));
                        if (number % 3 != 2) committed.add(String.format("%03d-%d", number, index));
                    }
                    // What was not sent when an abort comes is not sent at all: half of the aborts find something there.
                    if (number % 6 == 2) producer.flush();
                    if (number % 3 == 2) producer.abortTransaction(); else producer.commitTransaction();
                }
            }
            Collections.sort(committed);
            check(read(servers, topic, "read_committed", 60).equals(committed), "what is committed is read, and nothing else");
            check(read(servers, topic, "read_uncommitted", 75).size() >= 75, "what was aborted is there for who wants it");
            TransactionDescription described = admin.describeTransactions(List.of(id)).description(id).get();
            check(described.producerEpoch() >= 30, "each transaction had an epoch of its own: " + described.producerEpoch());
            Collection<TransactionListing> listed = admin.listTransactions().all().get();
            check(listed.stream().anyMatch(one -> one.transactionalId().equals(id)), "it is listed");

            offsets(servers, topic, admin);

            KafkaProducer<String, String> first = producer(servers, id);
            first.initTransactions();
            first.beginTransaction();
            first.send(new ProducerRecord<>(topic, 0, null, "of the first")).get(30, TimeUnit.SECONDS);
            KafkaProducer<String, String> second = producer(servers, id);
            second.initTransactions();
            try {
                first.commitTransaction();
                check(false, "the first one is fenced");
            } catch (ProducerFencedException | InvalidProducerEpochException fenced) {
                System.out.println("ok the first one is fenced: " + fenced.getClass().getSimpleName());
            }
            first.close(Duration.ZERO);
            second.beginTransaction();
            second.abortTransaction();
            second.beginTransaction();
            second.send(new ProducerRecord<>(topic, 0, null, "of the second"));
            second.commitTransaction();
            second.close();
            check(!read(servers, topic, "read_committed", 61).contains("of the first"), "what it wrote is aborted");

            KafkaProducer<String, String> left = producer(servers, id + "-left");
            left.initTransactions();
            left.beginTransaction();
            left.send(new ProducerRecord<>(topic, 1, null, "left open")).get(30, TimeUnit.SECONDS);
            admin.fenceProducers(List.of(id + "-left")).all().get(30, TimeUnit.SECONDS);
            try {
                left.commitTransaction();
                check(false, "who was fenced by the admin commits nothing");
            } catch (ProducerFencedException | InvalidProducerEpochException fenced) {
                System.out.println("ok who was fenced by the admin commits nothing");
            }
            left.close(Duration.ZERO);
        }
        System.out.println("DONE");
    }

    /** Consume, transform, produce: the offsets move with the records. */
    static void offsets(String servers, String topic, Admin admin) throws Exception {
        String group = topic + "-group", target = topic + "-target";
        admin.createTopics(List.of(new NewTopic(target, 3, (short) 3))).all().get(30, TimeUnit.SECONDS);
        TopicPartition place = new TopicPartition(topic, 0);
        try (KafkaConsumer<String, String> reader = consumer(servers, group, "read_committed");
             KafkaProducer<String, String> producer = producer(servers, group + "-id")) {
            producer.initTransactions();
            reader.subscribe(List.of(topic));
            int taken = 0;
            Map<TopicPartition, OffsetAndMetadata> ends = new HashMap<>();
            long deadline = System.nanoTime() + 60_000_000_000L;
            while (taken < 60 && System.nanoTime() < deadline) {
                ConsumerRecords<String, String> records = reader.poll(Duration.ofMillis(500));
                if (records.isEmpty()) continue;
                producer.beginTransaction();
                for (ConsumerRecord<String, String> record : records) {
                    producer.send(new ProducerRecord<>(target, record.partition(), null, "did " + record.value()));
                    ends.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
                    taken++;
                }
                producer.sendOffsetsToTransaction(ends, reader.groupMetadata());
                producer.commitTransaction();
            }
            check(taken == 60, "all was taken once");
            check(read(servers, target, "read_committed", 60).size() == 60, "all was done once");
            OffsetAndMetadata at = reader.committed(Set.of(place)).get(place);
            check(at != null && at.offset() == ends.get(place).offset(), "the offset has moved with it");
            producer.beginTransaction();
            producer.sendOffsetsToTransaction(Map.of(place, new OffsetAndMetadata(0)), reader.groupMetadata());
            producer.abortTransaction();
            check(reader.committed(Set.of(place)).get(place).offset() == at.offset(), "an abort moves nothing");
        }
    }
}
