package dev.fovea.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.ModelRef;
import dev.fovea.v1.ModelSelector;
import dev.fovea.v1.StreamEmbedResult;
import dev.fovea.v1.StreamEmbedSetup;
import dev.fovea.v1.VectorEncoding;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Embeds all images of a folder into part files, a night's work if need be: what is done stays
/// done, and the same command goes on where it was interrupted.
///
/// The images are listed once; each part is so many of them in their order. A part is one stream,
/// or several one after the other where the server drains, restarts or is full. Of all the images
/// no more is in memory than the names of one part and what is with the server.
final class EmbedFolder {
  private static final String LIST = "images.txt";
  private static final String JOB = "job.json";

  /// Longer than the server lets a stream live: it says when it wants to end.
  private static final int STREAM_MINUTES = 10;

  /// Streams in a row that bring nothing before the job gives up, and how long it waits between
  /// them.
  private static final int MOST_ATTEMPTS = 10;

  private static final long FIRST_WAIT_MILLIS = 200;
  private static final long LONGEST_WAIT_MILLIS = 10_000;

  /// What another attempt does not change.
  private static final Set<Code> FINAL =
      EnumSet.of(
          Code.INVALID_ARGUMENT,
          Code.NOT_FOUND,
          Code.FAILED_PRECONDITION,
          Code.UNIMPLEMENTED,
          Code.PERMISSION_DENIED,
          Code.UNAUTHENTICATED);

  private static final ObjectMapper JSON = new ObjectMapper();

  private final ManagedChannel channel;
  private final ImageArguments arguments;
  private final Order order;
  private final Progress progress;

  EmbedFolder(ManagedChannel channel, ImageArguments arguments, Order order, PrintWriter err) {
    this.channel = channel;
    this.arguments = arguments;
    this.order = order;
    this.progress = new Progress(err);
  }

  /// What is to be done.
  ///
  /// @param from the folder of the images
  /// @param to the folder of the parts
  /// @param model a family or model; empty for the server's default
  /// @param format the form of the parts
  /// @param partSize images of one part
  /// @param inFlight images with the server at once
  record Order(
      Path from, Path to, String model, PartFile.Format format, int partSize, int inFlight) {}

  /// @return how it went
  Progress run() throws InterruptedException {
    try {
      Files.createDirectories(order.to());
      PartFile.removeUnfinished(order.to());
      ImageList images = ImageList.of(order.from(), order.to().resolve(LIST));
      progress.begin(images.count());
      try (ImageList.Reader reader = images.reader()) {
        int part = 0;
        for (List<String> names = reader.next(order.partSize());
            !names.isEmpty();
            names = reader.next(order.partSize())) {
          if (Files.exists(order.format().file(order.to(), part))) {
            requireSameOrder();
            progress.wasDone(names.size());
          } else {
            embed(names, part);
          }
          part++;
        }
      }
      return progress;
    } catch (IOException e) {
      throw new UnreadableFileException(
          "%s: cannot be read or written (%s)".formatted(order.to(), e.getMessage()));
    }
  }

  private void embed(List<String> names, int number) throws IOException, InterruptedException {
    try (PartFile file = order.format().create(order.to(), number)) {
      Part part = new Part(names, file);
      for (int attempt = 0; !part.streamed(attempt); attempt = part.advanced() ? 0 : attempt + 1) {
        pause(attempt);
      }
      part.writeFailures(order.to().resolve(PartFile.stem(number) + ".failures.jsonl"));
      file.commit();
    }
  }

  private static void pause(int attempt) throws InterruptedException {
    long millis = Math.min(LONGEST_WAIT_MILLIS, FIRST_WAIT_MILLIS << attempt);
    boolean _ = new CountDownLatch(1).await(millis, TimeUnit.MILLISECONDS);
  }

  /// One part on its way.
  private final class Part implements FolderStream.Sink {
    private final List<String> names;
    private final PartFile file;

    /// Why images have no row, by place. Guarded by itself: the sender adds to it.
    private final Map<Integer, ObjectNode> failures = new TreeMap<>();

    private int settled;
    private int settledBefore;

    Part(List<String> names, PartFile file) {
      this.names = names;
      this.file = file;
    }

    /// Sends what has no result yet.
    ///
    /// @return whether all has
    boolean streamed(int attempt) throws IOException, InterruptedException {
      settledBefore = settled;
      FolderStream stream =
          new FolderStream(
              EmbeddingServiceGrpc.newBlockingV2Stub(channel)
                  .withDeadlineAfter(STREAM_MINUTES, TimeUnit.MINUTES)
                  .streamEmbed(),
              arguments);
      try {
        return stream.run(order.from(), names, settled, setup(), this);
      } catch (StatusException e) {
        boolean hopeless =
            FINAL.contains(e.getStatus().getCode())
                || !progress.hasConnected()
                || (!advanced() && attempt >= MOST_ATTEMPTS);
        if (hopeless) {
          throw e.getStatus().asRuntimeException(e.getTrailers());
        }
        progress.interrupted(e.getStatus().getCode());
        return false;
      }
    }

    boolean advanced() {
      return settled > settledBefore;
    }

    private StreamEmbedSetup setup() {
      return StreamEmbedSetup.newBuilder()
          .setModel(ModelSelector.newBuilder().setModel(order.model()))
          .setVectorEncoding(VectorEncoding.VECTOR_ENCODING_PACKED_FLOAT32)
          .setMaxInFlight(order.inFlight())
          .build();
    }

    @Override
    public void ready(List<ModelRef> models) {
      progress.connected();
      requireSameModels(models);
    }

    @Override
    public void result(StreamEmbedResult result) throws IOException {
      int place = (int) result.getSequence() - 1;
      if (result.hasEmbedding()) {
        file.add(names.get(place), result.getEmbedding());
        progress.embedded();
      } else {
        fail(place, failure(result.getError().getStatus()));
      }
      settled = (int) result.getSettledThrough();
    }

    @Override
    public void unsendable(int place, String reason, String message) {
      fail(
          place,
          JSON.createObjectNode()
              .put("code", Code.INVALID_ARGUMENT.name())
              .put("reason", reason)
              .put("message", message));
    }

    private void fail(int place, ObjectNode why) {
      synchronized (failures) {
        if (failures.putIfAbsent(place, why.put("id", names.get(place))) == null) {
          progress.refused();
        }
      }
    }

    /// One JSON object a line, in the order of the images; no file where there is none.
    void writeFailures(Path path) throws IOException {
      synchronized (failures) {
        if (failures.isEmpty()) {
          Files.deleteIfExists(path);
          return;
        }
        try (AtomicFile lines = AtomicFile.create(path)) {
          for (ObjectNode failure : failures.values()) {
            lines.line(PartFile.JsonLines.text(failure));
          }
          lines.commit();
        }
      }
    }
  }

  private static ObjectNode failure(Status status) {
    return JSON.createObjectNode()
        .put("code", io.grpc.Status.fromCodeValue(status.getCode()).getCode().name())
        .put("reason", Complaint.info(status).map(ErrorInfo::getReason).orElse(""))
        .put("message", status.getMessage());
  }

  /// Vectors of two models, or in two forms, are not put into one folder.
  private void requireSameModels(List<ModelRef> models) {
    ObjectNode job = job();
    var written = job.putArray("models");
    for (ModelRef model : models) {
      written
          .addObject()
          .put("model", model.getModel())
          .put("version", model.getVersion())
          .put("artifactDigest", model.getArtifactDigest())
          .put("preprocessingDigest", model.getPreprocessingDigest());
    }
    Path path = order.to().resolve(JOB);
    try {
      if (!Files.exists(path)) {
        try (AtomicFile file = AtomicFile.create(path)) {
          file.write(
              ByteBuffer.wrap(job.toPrettyString().concat("\n").getBytes(StandardCharsets.UTF_8)));
          file.commit();
        }
        return;
      }
      requireEqual("models", job, JSON.readTree(path.toFile()));
      requireSameOrder();
    } catch (IOException e) {
      throw new UnreadableFileException(
          path + ": cannot be read or written (" + e.getMessage() + ")");
    }
  }

  private void requireSameOrder() throws IOException {
    JsonNode before = JSON.readTree(order.to().resolve(JOB).toFile());
    for (String field : List.of("from", "format", "partSize", "look")) {
      requireEqual(field, job(), before);
    }
  }

  private ObjectNode job() {
    return JSON.createObjectNode()
        .put("from", order.from().toAbsolutePath().normalize().toString())
        .put("format", order.format().name())
        .put("partSize", order.partSize())
        .put("look", arguments.look());
  }

  private void requireEqual(String field, JsonNode now, JsonNode before) {
    if (!now.path(field).equals(before.path(field))) {
      throw new UnreadableFileException(
          "%s holds vectors of another job: its %s is %s, now it is %s (expected: another folder, or the same)"
              .formatted(order.to(), field, before.path(field), now.path(field)));
    }
  }
}
