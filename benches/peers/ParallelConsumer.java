// Confluent's parallel-consumer on the benches' topics: order by key, one call of the function a record.
//
// Reads COUNT records of TOPIC from the start, for at most SECONDS, and prints what it saw as one line of JSON: the
// records, the seconds from the first call to the end of the last one, the processor time of the whole process.
// WORK is `noop`, or `sleep`: then a record's value is the number of microseconds it takes.
//
//     java -cp 'JARS/*' ParallelConsumer.java BROKERS TOPIC GROUP COUNT SECONDS WORK CONCURRENCY

import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.CommitMode;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public final class ParallelConsumer {
    public static void main(String[] args) throws Exception {
        String brokers = args[0], topic = args[1], group = args[2];
        long count = Long.parseLong(args[3]), seconds = Long.parseLong(args[4]);
        boolean sleeps = args[5].equals("sleep");

        Properties settings = new Properties();
        settings.put("bootstrap.servers", brokers);
        settings.put("group.id", group);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("isolation.level", "read_committed");
        settings.put("check.crcs", "true");
        // Larger polls than the default of 500: fewer hand-overs to the workers.
        settings.put("max.poll.records", "5000");
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());

        ParallelStreamProcessor<byte[], byte[]> processor = ParallelStreamProcessor.createEosStreamProcessor(
            ParallelConsumerOptions.<byte[], byte[]>builder()
                .consumer(new KafkaConsumer<>(settings))
                .ordering(ProcessingOrder.KEY)
                .commitMode(CommitMode.PERIODIC_CONSUMER_ASYNCHRONOUS)
                .maxConcurrency(Integer.parseInt(args[6]))
                .build());
        processor.subscribe(List.of(topic));

        AtomicLong first = new AtomicLong(), done = new AtomicLong();
        CountDownLatch all = new CountDownLatch(1), begun = new CountDownLatch(1);
        processor.poll(context -> {
            if (first.get() == 0 && first.compareAndSet(0, System.nanoTime())) {
                begun.countDown();
            }
            if (sleeps) {
                String text = new String(context.value(), StandardCharsets.UTF_8);
                long until = System.nanoTime() + TimeUnit.MICROSECONDS.toNanos(Long.parseLong(text));
                // Thread.sleep counts whole milliseconds.
                for (long left = until - System.nanoTime(); left > 0; left = until - System.nanoTime()) {
                    LockSupport.parkNanos(left);
                }
            }
            if (done.incrementAndGet() == count) {
                all.countDown();
            }
        });
        if (!begun.await(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("no record within a minute");
        }
        all.await(seconds, TimeUnit.SECONDS);
        long records = done.get();
        double took = (System.nanoTime() - first.get()) / 1e9;
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        System.out.printf(Locale.ROOT, "{\"records\": %d, \"seconds\": %.6f, \"cpu_seconds\": %.3f}%n",
            records, took, system.getProcessCpuTime() / 1e9);
        System.out.flush();
        // Its close waits for what is in hand; nobody needs that here.
        Runtime.getRuntime().halt(0);
    }
}
