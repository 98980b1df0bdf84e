import java.io.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

/**
 * Consume, transform, produce in transactions, while the coordinator of the group and of the transactional id is killed.
 * Ends when all records of the source have been done; who reads the target judges.
 */
public class PipeThroughAKill {
    static Map<String, Object> settings(String servers, Object... more) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", servers));
        for (int index = 0; index < more.length; index += 2) settings.put((String) more[index], more[index + 1]);
        return settings;
    }

    /** Arguments: servers, source, target, group, transactional id, group protocol, records. */
    public static void main(String[] arguments) {
        try {
            int total = Integer.parseInt(arguments[6]);
            int done = 0;
            boolean isFirst = true;
            // An application that is started again whenever it does not know what became of a transaction.
            while (done < total) {
                done = life(arguments, total, isFirst);
                isFirst = false;
            }
        } catch (Throwable failure) {
            // The launcher of single files can't show every trace.
            failure.printStackTrace();
            System.exit(1);
        }
        System.out.println("DONE");
    }

    /** Returns how many records of the source are done for good. */
    static int life(String[] arguments, int total, boolean isFirst) throws Exception {
        String servers = arguments[0], source = arguments[1], target = arguments[2], group = arguments[3];
        Map<TopicPartition, Long> done = new HashMap<>();
        try (KafkaConsumer<String, String> reader = new KafkaConsumer<>(
                 settings(servers, "group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", false,
                     "isolation.level", "read_committed", "group.protocol", arguments[5], "max.poll.records", 10),
                 new StringDeserializer(), new StringDeserializer());
             KafkaProducer<String, String> producer = new KafkaProducer<>(
                 settings(servers, "transactional.id", arguments[4], "transaction.timeout.ms", 20_000,
                     "max.block.ms", 30_000),
                 new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            reader.subscribe(List.of(source));
            int transactions = 0;
            while (true) {
                ConsumerRecords<String, String> records = reader.poll(Duration.ofMillis(200));
                for (TopicPartition place : reader.assignment()) done.put(place, reader.position(place));
                long sum = done.values().stream().mapToLong(Long::longValue).sum();
                if (records.isEmpty()) {
                    if (!done.isEmpty() && sum >= total) return total;
                    continue;
                }
                try {
                    producer.beginTransaction();
                    Map<TopicPartition, OffsetAndMetadata> ends = new HashMap<>();
                    for (ConsumerRecord<String, String> record : records) {
                        producer.send(new ProducerRecord<>(target, record.partition(), null, "did " + record.value()));
                        ends.put(new TopicPartition(record.topic(), record.partition()),
                            new OffsetAndMetadata(record.offset() + 1));
                    }
                    producer.sendOffsetsToTransaction(ends, reader.groupMetadata());
                    producer.commitTransaction();
                } catch (KafkaException unknown) {
                    System.out.println("again after " + unknown);
                    return 0;
                }
                if (isFirst && ++transactions == 5) System.out.println("READY");
                Thread.sleep(20);
            }
        }
    }
}
