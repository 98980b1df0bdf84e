import java.util.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

/** Writes to each partition in turn with the settings that a Java producer has by default, until its input ends; prints
 * the partition and the time (monotonic nanoseconds) of each acknowledgement. */
public class SteadyProducer {
    public static void main(String[] arguments) throws Exception {
        String servers = arguments[0], topic = arguments[1];
        int partitions = Integer.parseInt(arguments[2]);
        StringBuffer answers = new StringBuffer();
        try (Producer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", (Object) servers), new ByteArraySerializer(), new ByteArraySerializer())) {
            // The checks pass over records whose number is negative.
            byte[] value = {-1, -1, -1, -1, -1, -1, -1, -1};
            System.out.println("BEGUN");
            for (int count = 0; System.in.available() == 0; count++) {
                int partition = count % partitions;
                producer.send(new ProducerRecord<>(topic, partition, null, value), (metadata, error) -> {
                    if (error == null) answers.append(partition + " " + System.nanoTime() + "\n");
                    else answers.append("FAILED " + error + "\n");
                });
                Thread.sleep(5);
            }
        }
        System.out.print(answers);
        System.out.println("DONE");
    }
}
