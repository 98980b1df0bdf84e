import java.io.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/**
 * Groups of every kind whose one coordinator is killed while they work: each of the classic assignors, static members,
 * and the consumer protocol. A line from the standard input says that it is dead, and one that it is back.
 */
public class GroupsThroughAKill {
    static final int RECORDS = 240, PARTITIONS = 6;

    static Map<String, Object> settings(String servers, Object... more) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", servers));
        for (int index = 0; index < more.length; index += 2) settings.put((String) more[index], more[index + 1]);
        return settings;
    }

    /** One group with its members, each polled by a thread of its own. */
    static class Kind {
        final String servers, topic, group, name;
        final Set<String> seen = ConcurrentHashMap.newKeySet();
        final Map<Integer, Set<Integer>> owned = new ConcurrentHashMap<>();
        final List<Thread> threads = new ArrayList<>();
        volatile boolean isOver;
        volatile Throwable failure;

        Kind(String servers, String topic, String group, String name) {
            this.servers = servers;
            this.topic = topic;
            this.group = group;
            this.name = name;
        }

        void add() {
            int number = threads.size();
            Thread thread = new Thread(() -> live(number), name + "-" + number);
            threads.add(thread);
            thread.start();
        }

        void live(int number) {
            Map<String, Object> settings = settings(servers, "group.id", group, "auto.offset.reset", "earliest",
                "enable.auto.commit", false);
            if (name.equals("consumer")) {
                settings.put("group.protocol", "consumer");
            } else {
                String assignor = name.equals("static") ? "Range" : name;
                settings.put("partition.assignment.strategy",
                    "org.apache.kafka.clients.consumer." + assignor + "Assignor");
                settings.put("heartbeat.interval.ms", 300);
                settings.put("session.timeout.ms", 15_000);
                if (name.equals("static")) settings.put("group.instance.id", "member-" + number);
            }
            try (KafkaConsumer<String, String> member =
                     new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
                member.subscribe(List.of(topic));
                while (!isOver) {
                    ConsumerRecords<String, String> records = member.poll(Duration.ofMillis(100));
                    for (ConsumerRecord<String, String> record : records) seen.add(record.value());
                    Set<Integer> mine = new TreeSet<>();
                    for (TopicPartition place : member.assignment()) mine.add(place.partition());
                    owned.put(number, mine);
                    if (records.isEmpty()) continue;
                    try {
                        member.commitSync();
                    } catch (CommitFailedException | org.apache.kafka.common.errors.RetriableException again) {
                        // A rebalance, or nobody answered: the next commit says the same and more.
                    }
                }
                try {
                    member.commitSync();
                } catch (CommitFailedException again) {
                    // Another member's by now.
                }
            } catch (Throwable unexpected) {
                failure = unexpected;
            }
        }

        /** Each partition has one owner, and the members have about as many. */
        boolean isDivided() {
            List<Integer> all = new ArrayList<>();
            for (Set<Integer> one : owned.values()) all.addAll(one);
            return owned.size() == threads.size() && all.size() == PARTITIONS && new HashSet<>(all).size() == PARTITIONS
                && owned.values().stream().allMatch(one -> one.size() == PARTITIONS / threads.size());
        }
    }

    static void await(List<Kind> kinds, String what, java.util.function.Predicate<Kind> condition) throws Exception {
        long end = System.nanoTime() + 90_000_000_000L;
        while (true) {
            List<String> missing = new ArrayList<>();
            for (Kind kind : kinds) {
                if (kind.failure != null) throw new AssertionError(kind.name + ": " + what, kind.failure);
                if (!condition.test(kind)) missing.add(kind.name + " " + kind.seen.size() + " " + kind.owned);
            }
            if (missing.isEmpty()) break;
            if (System.nanoTime() > end) throw new AssertionError(what + ": not " + missing);
            Thread.sleep(50);
        }
        System.out.println("ok " + what);
    }

    static void write(String servers, String topic, int from, int to) throws Exception {
        try (Producer<String, String> producer = new KafkaProducer<>(
                settings(servers, "acks", "all"), new StringSerializer(), new StringSerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int n = from; n < to; n++) sent.add(producer.send(new ProducerRecord<>(topic, n % PARTITIONS, null, "" + n)));
            for (Future<RecordMetadata> one : sent) one.get(60, TimeUnit.SECONDS);
        }
    }

    /** Arguments: servers, topic, and for each kind NAME=GROUP. */
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
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        List<Kind> kinds = new ArrayList<>();
        for (int index = 2; index < arguments.length; index++) {
            String[] parts = arguments[index].split("=");
            Kind kind = new Kind(servers, topic, parts[1], parts[0]);
            kinds.add(kind);
            kind.add();
            kind.add();
        }
        write(servers, topic, 0, RECORDS / 2);
        await(kinds, "half is read by two members", kind -> kind.isDivided() && kind.seen.size() == RECORDS / 2);
        System.out.println("READY");
        input.readLine();
        write(servers, topic, RECORDS / 2, RECORDS);
        await(kinds, "the other half is read though the coordinator is dead", kind -> kind.seen.size() == RECORDS);
        for (Kind kind : kinds) kind.add();
        await(kinds, "a third member got its share of the new coordinator", Kind::isDivided);
        System.out.println("DIVIDED");
        input.readLine();
        for (Kind kind : kinds) kind.isOver = true;
        for (Kind kind : kinds) for (Thread thread : kind.threads) thread.join();
        try (Admin admin = Admin.create(settings(servers))) {
            for (Kind kind : kinds) {
                if (kind.failure != null) throw new AssertionError(kind.name, kind.failure);
                long sum = admin.listConsumerGroupOffsets(kind.group).partitionsToOffsetAndMetadata().get().values()
                    .stream().mapToLong(OffsetAndMetadata::offset).sum();
                if (sum != RECORDS) throw new AssertionError(kind.name + ": " + sum + " of " + RECORDS + " are committed");
            }
        }
        System.out.println("DONE");
    }
}
