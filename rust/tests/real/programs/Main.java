import java.io.BufferedReader;
import java.io.File;
import java.io.FileReader;
import java.io.FileWriter;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Files read and written in the ways that Java has: streams, channels, mappings, children, threads. */
public class Main {
    public static void main(String[] arguments) throws Exception {
        Files.write(Path.of("out/whole"), Files.readAllBytes(Path.of("in/0")));
        try (var reader = new BufferedReader(new FileReader("in/1")); var writer = new FileWriter("out/stream")) {
            writer.write(reader.readLine());
        }
        try (var from = FileChannel.open(Path.of("in/2"));
                var to = FileChannel.open(Path.of("out/channel"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            from.transferTo(0, from.size(), to);
        }
        try (var from = FileChannel.open(Path.of("in/3")); var to = new RandomAccessFile("out/mapped", "rw")) {
            var mapped = from.map(MapMode.READ_ONLY, 0, from.size());
            to.getChannel().map(MapMode.READ_WRITE, 0, mapped.remaining()).put(mapped);
        }
        Files.copy(Path.of("in/4"), Path.of("out/copy"));
        Files.move(Path.of("out/copy"), Path.of("out/moved"));
        var child = new ProcessBuilder("tr", "a-z", "A-Z")
                .redirectInput(new File("in/5")).redirectOutput(new File("out/child")).start();
        System.out.println(child.waitFor());
        var threads = new Thread[10];
        for (int index = 0; index < threads.length; index++) {
            int number = index + 10;
            threads[index] = new Thread(() -> copy(number));
            threads[index].start();
        }
        for (var thread : threads) {
            thread.join();
        }
    }

    private static void copy(int number) {
        try {
            Files.writeString(Path.of("out/" + number), Files.readString(Path.of("in/" + number)));
        } catch (IOException error) {
            throw new RuntimeException(error);
        }
    }
}
