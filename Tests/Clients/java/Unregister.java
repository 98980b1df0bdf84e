import java.util.*;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;

/** Makes a cluster forget a broker with the reference administration client. */
public class Unregister {
    public static void main(String[] arguments) throws Exception {
        int id = Integer.parseInt(arguments[1]);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", arguments[0]))) {
            admin.unregisterBroker(id).all().get(30, TimeUnit.SECONDS);
            DescribeClusterOptions all = new DescribeClusterOptions().includeFencedBrokers(true);
            long end = System.nanoTime() + 30_000_000_000L;
            while (admin.describeCluster(all).nodes().get(30, TimeUnit.SECONDS).stream().anyMatch(node -> node.id() == id)) {
                if (System.nanoTime() > end) throw new AssertionError("broker " + id + " is still there");
                Thread.sleep(50);
            }
        }
        System.out.println("DONE");
    }
}
