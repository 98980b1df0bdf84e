import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.serialization.*;

/** Reads with client.rack: the records must come from the replica in that rack, live ones too. */
public class NearbyReads {
    static final int RECORDS = 2_000;

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
        System.out.println("ok " + what);
    }

    static int preferred(KafkaConsumer<?, ?> consumer) {
        for (Map.Entry<MetricName, ? extends Metric> metric : consumer.metrics().entrySet())
            if (metric.getKey().name().equals("preferred-read-replica"))
                return ((Number) metric.getValue().metricValue()).intValue();
        return -1;
    }

    static double bytesFrom(KafkaConsumer<?, ?> consumer, int node) {
        for (Map.Entry<MetricName, ? extends Metric> metric : consumer.metrics().entrySet())
            if (metric.getKey().name().equals("incoming-byte-total")
                    && ("node-" + node).equals(metric.getKey().tags().get("node-id")))
                return ((Number) metric.getValue().metricValue()).doubleValue();
        return 0;
    }

    public static void main(String[] arguments) throws Exception {
        String servers = arguments[0], topic = arguments[1], rack = arguments[2];
        int leader = Integer.parseInt(arguments[3]), near = Integer.parseInt(arguments[4]);
        TopicPartition partition = new TopicPartition(topic, 0);
        Producer<String, String> producer = new KafkaProducer<>(
            Map.of("bootstrap.servers", servers, "acks", "all", "linger.ms", 5), new StringSerializer(),
            new StringSerializer());
        String filler = "x".repeat(500);
        for (int n = 0; n < RECORDS; n++) producer.send(new ProducerRecord<>(topic, 0, "" + n, filler));
        producer.flush();
        KafkaConsumer<String, String> consumer = new KafkaConsumer<>(
            Map.of("bootstrap.servers", servers, "client.rack", rack, "auto.offset.reset", "earliest",
                "fetch.max.wait.ms", 500),
            new StringDeserializer(), new StringDeserializer());
        consumer.assign(List.of(partition));
        consumer.seekToBeginning(List.of(partition));
        long next = 0, end = System.currentTimeMillis() + 60_000;
        while (next < RECORDS && System.currentTimeMillis() < end)
            for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                check(record.offset() == next || record.offset() % 500 != 0, "in order at " + record.offset());
                if (record.offset() != next) throw new AssertionError(record.offset() + " instead of " + next);
                next++;
            }
        check(next == RECORDS, "every record was read");
        check(preferred(consumer) == near, "the replica in rack " + rack + " is preferred: " + preferred(consumer));
        double fromNear = bytesFrom(consumer, near), fromLeader = bytesFrom(consumer, leader);
        check(fromNear > 10 * fromLeader, "the records came from " + near + ": " + fromNear + " against " + fromLeader);
        // What is written now is readable there soon: the follower hears of its commitment at once.
        long worst = 0;
        for (int n = 0; n < 20; n++) {
            long sent = System.nanoTime();
            producer.send(new ProducerRecord<>(topic, 0, "live", "" + n)).get();
            boolean found = false;
            while (!found && System.nanoTime() - sent < 20_000_000_000L)
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(50)))
                    found |= record.value().equals("" + n);
            check(found, "live record " + n);
            worst = Math.max(worst, (System.nanoTime() - sent) / 1_000_000);
        }
        System.out.println("slowest live record: " + worst + " ms");
        check(preferred(consumer) == near, "still preferred");
        consumer.close();
        producer.close();
        System.out.println("DONE");
    }
}
