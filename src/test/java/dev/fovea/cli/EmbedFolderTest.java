package dev.fovea.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.app.TestGateway;
import dev.fovea.rpc.Requests;
import dev.fovea.v1.EmbeddingServiceGrpc;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `fovea embed --from FOLDER --to FOLDER` as a person types it, against a running server.
@Timeout(120)
final class EmbedFolderTest {
  private static final Path CAT = Path.of("examples/cat.jpg");
  private static final Path APPLES = Path.of("examples/three-apples.jpg");

  private static TestGateway gateway;

  @TempDir private Path folder;
  private Path from;
  private Path to;

  @BeforeAll
  static void start() {
    gateway = TestGateway.start();
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  private record Told(int exit, String out, String err) {}

  private Told run(TestGateway server, String... more) {
    return run(server.port(), more);
  }

  private Told run(int port, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of("embed", "--server=127.0.0.1:" + port, "--from=" + from, "--to=" + to));
    args.addAll(Arrays.asList(more));
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exit =
        Fovea.run(
            new PrintWriter(out, true), new PrintWriter(err, true), args.toArray(new String[0]));
    return new Told(exit, out.toString(), err.toString());
  }

  /// Seven images, one of them broken, in two folders.
  @BeforeEach
  void lay() throws IOException {
    from = Files.createDirectories(folder.resolve("from/deep"));
    from = from.getParent();
    to = folder.resolve("to");
    for (String name : List.of("a.jpg", "b.JPEG", "deep/c.jpg", "deep/d.jpg", "e.jpg", "g.jpg")) {
      Files.copy(name.charAt(name.length() - 5) % 2 == 0 ? CAT : APPLES, from.resolve(name));
    }
    Files.writeString(from.resolve("f.png"), "no picture");
    Files.writeString(from.resolve("notes.txt"), "no image");
  }

  @Test
  void writesNumPyPartsInTheOrderOfTheList() throws IOException {
    Told told = run(gateway, "--part-size", "3");

    assertThat(told.exit()).isEqualTo(1);
    assertThat(told.out())
        .contains("7 images: 6 embedded, 1 refused, 0 done before; ", "images/s", "failures");
    assertThat(names())
        .containsExactly(
            "images.txt",
            "job.json",
            "part-00000.ids.txt",
            "part-00000.npy",
            "part-00001.failures.jsonl",
            "part-00001.ids.txt",
            "part-00001.npy",
            "part-00002.ids.txt",
            "part-00002.npy");
    assertThat(Files.readAllLines(to.resolve("part-00000.ids.txt")))
        .containsExactly("a.jpg", "b.JPEG", "deep/c.jpg");
    assertThat(Files.readAllLines(to.resolve("part-00001.ids.txt")))
        .containsExactly("deep/d.jpg", "e.jpg");
    float[][] rows = npy(to.resolve("part-00000.npy"));
    assertThat(rows.length).isEqualTo(3);
    assertClose(rows[0], vector(from.resolve("a.jpg")));
    assertClose(rows[2], vector(from.resolve("deep/c.jpg")));
    JsonNode failure =
        new ObjectMapper().readTree(to.resolve("part-00001.failures.jsonl").toFile());
    assertThat(failure.path("id").asText()).isEqualTo("f.png");
    assertThat(failure.path("reason").asText()).isEqualTo("UNSUPPORTED_IMAGE_FORMAT");
  }

  @Test
  void writesJsonLines() throws IOException {
    Told told = run(gateway, "--format", "jsonl");

    assertThat(told.err()).isEmpty();
    List<String> lines = Files.readAllLines(to.resolve("part-00000.jsonl"));
    assertThat(lines).hasSize(6);
    JsonNode first = new ObjectMapper().readTree(lines.getFirst());
    assertThat(first.path("id").asText()).isEqualTo("a.jpg");
    assertThat(first.path("width").asInt()).isPositive();
    float[] expected = vector(from.resolve("a.jpg"));
    assertThat(first.path("vector").size()).isEqualTo(expected.length);
    assertThat((float) first.path("vector").path(0).asDouble())
        .isCloseTo(expected[0], within(1e-5f));
  }

  @Test
  void writesParquet() throws IOException {
    Told told = run(gateway, "--format", "parquet", "--part-size", "4");

    assertThat(told.err()).isEmpty();
    assertThat(names()).contains("part-00000.parquet", "part-00001.parquet");
    List<Map<String, Object>> rows = parquet(to.resolve("part-00000.parquet"));
    assertThat(rows)
        .extracting(row -> row.get("id"))
        .containsExactly("a.jpg", "b.JPEG", "deep/c.jpg", "deep/d.jpg");
    assertThat(rows.getFirst().get("width")).isEqualTo(ImageIO.read(APPLES.toFile()).getWidth());
    assertClose((float[]) rows.getFirst().get("vector"), vector(from.resolve("a.jpg")));
    assertClose((float[]) rows.get(2).get("vector"), vector(from.resolve("deep/c.jpg")));
  }

  /// The rows of a file, read column by column as the format says, not by what wrote it.
  private static List<Map<String, Object>> parquet(Path file) throws IOException {
    List<Map<String, Object>> rows = new ArrayList<>();
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file))) {
      MessageType schema = reader.getFileMetaData().getSchema();
      for (PageReadStore pages = reader.readNextRowGroup();
          pages != null;
          pages = reader.readNextRowGroup()) {
        RecordReader<Group> records =
            new ColumnIOFactory()
                .getColumnIO(schema)
                .getRecordReader(pages, new GroupRecordConverter(schema));
        for (long i = 0; i < pages.getRowCount(); i++) {
          Group row = records.read();
          Group list = row.getGroup("vector", 0);
          float[] vector = new float[list.getFieldRepetitionCount("list")];
          for (int j = 0; j < vector.length; j++) {
            vector[j] = list.getGroup("list", j).getFloat("element", 0);
          }
          rows.add(
              Map.of(
                  "id", row.getString("id", 0),
                  "width", row.getInteger("width", 0),
                  "vector", vector));
        }
      }
    }
    return rows;
  }

  @Test
  void goesOnWhereItWasInterruptedAndDoesNothingTwice() throws IOException {
    run(gateway, "--part-size", "2");
    byte[] first = Files.readAllBytes(to.resolve("part-00000.npy"));
    Files.delete(to.resolve("part-00001.npy"));
    Files.delete(to.resolve("part-00003.npy"));
    Files.writeString(to.resolve("part-00001.npy.unfinished"), "half a part");
    // What came meanwhile is not part of the job.
    Files.copy(CAT, from.resolve("aa.jpg"));

    Told told = run(gateway, "--part-size", "2");

    assertThat(told.out()).contains("7 images: 3 embedded, 0 refused, 4 done before; ");
    assertThat(told.exit()).isZero();
    assertThat(Files.readAllBytes(to.resolve("part-00000.npy"))).isEqualTo(first);
    assertThat(Files.readAllLines(to.resolve("part-00003.ids.txt"))).containsExactly("g.jpg");
    assertThat(names()).noneMatch(name -> name.endsWith(".unfinished"));
    assertThat(run(gateway, "--part-size", "2").out()).contains("0 embedded", "7 done before");
  }

  @Test
  void doesNotMixJobsInOneFolder() {
    run(gateway, "--part-size", "2");

    assertThat(run(gateway, "--part-size", "3").err()).contains("partSize is 2, now it is 3");
    assertThat(run(gateway, "--part-size", "2", "--detail", "low").err()).contains("its look is");
    assertThat(run(gateway, "--part-size", "3").exit()).isEqualTo(1);
  }

  @Test
  void serverThatEndsMidwayIsFollowedByTheNext() throws Exception {
    // A stream of this server drains after nine tenths of 300 ms; the job opens another.
    try (TestGateway hasty =
        TestGateway.start(
            Map.of("fovea.call.default-deadline", "300ms", "fovea.call.max-deadline", "300ms"))) {
      for (int i = 0; i < 60; i++) {
        Files.copy(CAT, from.resolve("more-%02d.jpg".formatted(i)));
      }

      Told told = run(hasty, "--in-flight", "2");

      assertThat(told.out()).contains("67 images: 66 embedded, 1 refused");
      List<String> ids = Files.readAllLines(to.resolve("part-00000.ids.txt"));
      assertThat(ids).hasSize(66).isSorted().doesNotHaveDuplicates();
    }
  }

  @Test
  void fileThatCannotBeSentIsAFailureOfItsOwn() throws IOException {
    Files.write(from.resolve("large.jpg"), new byte[5000]);
    try (TestGateway small = TestGateway.start(Map.of("fovea.grpc.max-message-bytes", "9000"))) {
      Told told = run(small);

      assertThat(told.exit()).isEqualTo(1);
      assertThat(Files.readString(to.resolve("part-00000.failures.jsonl")))
          .contains("large.jpg", "IMAGE_TOO_LARGE", "5000 bytes (expected: at most 4904)");
    }
  }

  @Test
  void wrongCommandLineIsTold() {
    assertThat(Fovea.run(nowhere(), nowhere(), "embed", "--from=" + from)).isEqualTo(2);
    assertThat(run(gateway, "--part-size", "0").exit()).isEqualTo(2);
    assertThat(run(gateway, "a.jpg").exit()).isEqualTo(2);
    from = folder.resolve("nowhere");
    assertThat(run(gateway).err()).contains("nowhere: no such folder");
  }

  @Test
  void missingServerIsTold() throws IOException {
    int free;
    try (ServerSocket socket = new ServerSocket(0)) {
      free = socket.getLocalPort();
    }

    assertThat(run(free).exit()).isEqualTo(3);
  }

  private static PrintWriter nowhere() {
    return new PrintWriter(new StringWriter());
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(to)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static float[] vector(Path image) {
    List<Float> values =
        EmbeddingServiceGrpc.newBlockingStub(gateway.channel())
            .embed(Requests.embed(Requests.image(image)))
            .getResults(0)
            .getEmbedding()
            .getVector()
            .getFloats()
            .getValuesList();
    float[] vector = new float[values.size()];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = values.get(i);
    }
    return vector;
  }

  private static void assertClose(float[] actual, float[] expected) {
    assertThat(actual.length).isEqualTo(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).isCloseTo(expected[i], within(1e-5f));
    }
  }

  /// Reads as NumPy does: the header says where the rows begin and how many there are.
  private static float[][] npy(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    byte[] magic = new byte[8];
    bytes.get(magic);
    assertThat(magic).isEqualTo(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    byte[] header = new byte[bytes.getShort()];
    bytes.get(header);
    assertThat(bytes.position() % 64).isZero();
    String text = new String(header, StandardCharsets.US_ASCII);
    assertThat(text)
        .startsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (")
        .endsWith("\n");
    String[] shape = text.replaceAll(".*\\((.*)\\).*\n", "$1").split(", ", -1);
    float[][] rows = new float[Integer.parseInt(shape[0])][Integer.parseInt(shape[1])];
    for (float[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        row[i] = bytes.getFloat();
      }
    }
    assertThat(bytes.hasRemaining()).isFalse();
    return rows;
  }
}
