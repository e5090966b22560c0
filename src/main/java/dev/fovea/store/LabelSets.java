package dev.fovea.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.call.Clock;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Label sets in a folder: one folder a set, in it `set.json` and the vectors of its labels, one
/// file for each version of a model that made them.
///
/// Files take their place as a whole, so a reader finds the old or the new. Several gateways may
/// share the folder: each looks at a set's file whenever it is asked for the set, and changes are
/// made under a lock on the file `.lock`. Thread-safe.
public final class LabelSets {
  /// What a set may be called: fit for a folder on every file system.
  public static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_-]{0,63}");

  private static final String SET = "set.json";
  private static final String VECTORS = ".vectors";
  private static final String UNFINISHED = ".unfinished";

  /// Vectors of more models than this are those of versions long gone.
  private static final int MOST_VECTOR_FILES = 8;

  private static final ObjectMapper JSON =
      new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  private final Optional<Path> folder;
  private final int most;
  private final Clock clock;

  /// What was read last, as long as the file is the same.
  private final ConcurrentMap<String, Kept> kept = new ConcurrentHashMap<>();

  private record Kept(Stamp stamp, LabelSet set) {}

  /// Tells a file from the one that was in its place before.
  private record Stamp(FileTime time, long size, @Nullable Object key) {}

  /// A set as its file says it.
  private record Written(
      List<LabelSet.Label> labels,
      List<String> hypothesisTemplates,
      String etag,
      String createTime,
      String updateTime) {}

  /// @param folder where they are kept; empty to keep none
  /// @param most how many
  public LabelSets(Optional<Path> folder, int most, Clock clock) {
    this.folder = folder;
    this.most = most;
    this.clock = clock;
  }

  /// The set of that name, as its file is now.
  public Optional<LabelSet> find(String name) {
    if (folder.isEmpty() || !NAME.matcher(name).matches()) {
      return Optional.empty();
    }
    Path file = folder.get().resolve(name).resolve(SET);
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      Stamp stamp =
          new Stamp(attributes.lastModifiedTime(), attributes.size(), attributes.fileKey());
      Kept known = kept.get(name);
      if (known == null || !known.stamp().equals(stamp)) {
        known = new Kept(stamp, read(name, file));
        kept.put(name, known);
      }
      return Optional.of(known.set());
    } catch (NoSuchFileException _) {
      kept.remove(name);
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Sets by name, those behind `after`, so many at most.
  public List<LabelSet> list(String after, int limit) {
    List<LabelSet> sets = new ArrayList<>();
    for (String name : names().tailSet(after, false)) {
      if (sets.size() == limit) {
        break;
      }
      find(name).ifPresent(sets::add);
    }
    return sets;
  }

  /// How many there are; for gauges.
  public int count() {
    return names().size();
  }

  private NavigableSet<String> names() {
    if (folder.isEmpty() || !Files.isDirectory(folder.get())) {
      return new TreeSet<>();
    }
    try (Stream<Path> entries = Files.list(folder.get())) {
      NavigableSet<String> names = new TreeSet<>();
      entries
          .filter(entry -> Files.exists(entry.resolve(SET)))
          .map(entry -> entry.getFileName().toString())
          .filter(name -> NAME.matcher(name).matches())
          .forEach(names::add);
      return names;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// @throws GatewayException with `LABEL_SET_EXISTS` or `LABEL_SET_STORE_FULL`
  public LabelSet create(String name, List<LabelSet.Label> labels, List<String> templates) {
    return locked(() -> {
      if (find(name).isPresent()) {
        throw new GatewayException(Reason.LABEL_SET_EXISTS, "there is a label set " + name)
            .with("labelSet", name);
      }
      if (count() >= most) {
        throw new GatewayException(
                Reason.LABEL_SET_STORE_FULL, "%d label sets are kept, which is all".formatted(most))
            .with("maxLabelSets", most);
      }
      Instant now = clock.now();
      return write(new LabelSet(name, labels, templates, newEtag(), now, now));
    });
  }

  /// @param etag what its etag must be; empty when it does not matter
  /// @throws GatewayException with `LABEL_SET_NOT_FOUND` or `LABEL_SET_CHANGED`
  public LabelSet replace(
      String name, List<LabelSet.Label> labels, List<String> templates, String etag) {
    return locked(() -> {
      LabelSet before = require(name, etag);
      LabelSet written =
          write(new LabelSet(name, labels, templates, newEtag(), before.createTime(), clock.now()));
      removeVectors(name, 0);
      return written;
    });
  }

  /// @param etag what its etag must be; empty when it does not matter
  /// @throws GatewayException with `LABEL_SET_NOT_FOUND` or `LABEL_SET_CHANGED`
  public void delete(String name, String etag) {
    boolean _ =
        locked(() -> {
          require(name, etag);
          Path place = place(name);
          Files.delete(place.resolve(SET));
          removeVectors(name, 0);
          Files.deleteIfExists(place);
          return kept.remove(name) != null;
        });
  }

  /// @throws GatewayException with `LABEL_SET_NOT_FOUND`
  public LabelSet require(String name) {
    return find(name)
        .orElseThrow(() ->
            new GatewayException(
                    Reason.LABEL_SET_NOT_FOUND,
                    "there is no label set " + GatewayException.quote(name))
                .with("labelSet", name));
  }

  private LabelSet require(String name, String etag) {
    LabelSet set = require(name);
    if (!etag.isEmpty() && !etag.equals(set.etag())) {
      throw new GatewayException(
              Reason.LABEL_SET_CHANGED, "the label set " + name + " has changed meanwhile")
          .with("labelSet", name)
          .with("etag", set.etag());
    }
    return set;
  }

  /// The vectors of a set's labels that were kept under a key; empty when there are none, or none
  /// that are whole.
  ///
  /// @param key names the set's state and the model that made them; a file's name
  public Optional<float[][]> vectors(LabelSet set, String key) {
    try {
      ByteBuffer bytes =
          ByteBuffer.wrap(Files.readAllBytes(place(set.name()).resolve(key + VECTORS)));
      int count = set.labels().size();
      if (bytes.remaining() == 0 || bytes.remaining() % (count * Float.BYTES) != 0) {
        return Optional.empty();
      }
      float[][] vectors = new float[count][bytes.remaining() / count / Float.BYTES];
      for (float[] vector : vectors) {
        bytes.asFloatBuffer().get(vector);
        bytes.position(bytes.position() + vector.length * Float.BYTES);
      }
      return Optional.of(vectors);
    } catch (NoSuchFileException _) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Keeps vectors for the next start and for other gateways, while the set is as it was.
  public void keepVectors(LabelSet set, String key, float[][] vectors) {
    boolean _ =
        locked(() -> {
          boolean same = find(set.name()).filter(now -> now.etag().equals(set.etag())).isPresent();
          if (same) {
            ByteBuffer bytes =
                ByteBuffer.allocate(vectors.length * vectors[0].length * Float.BYTES);
            for (float[] vector : vectors) {
              for (float component : vector) {
                bytes.putFloat(component);
              }
            }
            removeVectors(set.name(), MOST_VECTOR_FILES - 1);
            put(place(set.name()).resolve(key + VECTORS), bytes.array());
          }
          return same;
        });
  }

  private void removeVectors(String name, int spared) throws IOException {
    List<Path> files;
    try (Stream<Path> listed = Files.list(place(name))) {
      files =
          listed
              .filter(file -> file.toString().endsWith(VECTORS))
              .sorted(Comparator.comparing(LabelSets::age))
              .toList();
    }
    for (Path file : files.subList(0, Math.max(0, files.size() - spared))) {
      Files.deleteIfExists(file);
    }
  }

  private static FileTime age(Path file) {
    try {
      return Files.getLastModifiedTime(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private LabelSet write(LabelSet set) throws IOException {
    Files.createDirectories(place(set.name()));
    put(
        place(set.name()).resolve(SET),
        JSON.writerWithDefaultPrettyPrinter()
            .writeValueAsBytes(
                new Written(
                    set.labels(),
                    set.hypothesisTemplates(),
                    set.etag(),
                    set.createTime().toString(),
                    set.updateTime().toString())));
    kept.remove(set.name());
    return set;
  }

  /// A file is there as a whole or not at all.
  private static void put(Path file, byte[] bytes) throws IOException {
    Path unfinished = file.resolveSibling(file.getFileName() + UNFINISHED);
    try (FileChannel channel =
        FileChannel.open(
            unfinished,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer rest = ByteBuffer.wrap(bytes);
      while (rest.hasRemaining()) {
        int _ = channel.write(rest);
      }
      channel.force(true);
    }
    Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
  }

  private static LabelSet read(String name, Path file) throws IOException {
    try {
      Written written = JSON.readValue(Files.readAllBytes(file), Written.class);
      return new LabelSet(
          name,
          Objects.requireNonNull(written.labels(), "labels"),
          Objects.requireNonNull(written.hypothesisTemplates(), "hypothesisTemplates"),
          Objects.requireNonNull(written.etag(), "etag"),
          Instant.parse(written.createTime()),
          Instant.parse(written.updateTime()));
    } catch (JsonProcessingException e) {
      throw new IOException("label set " + name + ": its file cannot be read", e);
    }
  }

  private Path place(String name) {
    return folder.orElseThrow(() -> new IllegalStateException("no folder: no sets")).resolve(name);
  }

  private static String newEtag() {
    return HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
  }

  /// A change of the folder.
  ///
  /// @param <T> what comes of it
  @FunctionalInterface
  private interface Change<T> {
    T make() throws IOException;
  }

  /// Makes a change while nobody else does: no thread of this gateway, and no other gateway.
  ///
  /// @throws GatewayException with `TASK_NOT_SUPPORTED` where there is no folder
  private synchronized <T> T locked(Change<T> change) {
    if (folder.isEmpty()) {
      throw new GatewayException(
              Reason.TASK_NOT_SUPPORTED, "this server has no folder to keep label sets in")
          .with("task", "LABEL_SETS");
    }
    try {
      Files.createDirectories(folder.get());
      try (FileChannel file =
              FileChannel.open(
                  folder.get().resolve(".lock"),
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE);
          FileLock _ = file.lock()) {
        return change.make();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
