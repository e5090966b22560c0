package dev.fovea.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.fovea.v1.Embedding;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/// The vectors of one part of a folder's images. Rows are in the order of the list; an image that
/// was refused has none. The part is there as a whole or not at all.
interface PartFile extends AutoCloseable {
  /// The forms that parts may have.
  enum Format {
    /// A NumPy array of float32, one row an image, and a text file with the name of each row's
    /// image.
    NPY,
    /// One JSON object a line: `id`, `width`, `height`, `vector`.
    JSONL,
    /// An Apache Parquet file with the columns `id`, `width`, `height` and `vector`.
    PARQUET;

    /// Whose being there says that the part is.
    Path file(Path folder, int part) {
      return folder.resolve(stem(part) + "." + name().toLowerCase(Locale.ROOT));
    }

    PartFile create(Path folder, int part) throws IOException {
      return switch (this) {
        case NPY -> new Npy(folder, part);
        case JSONL -> new JsonLines(folder, part);
        case PARQUET -> new ParquetPart(folder, part);
      };
    }
  }

  /// What the files of a part are called, up to their endings.
  static String stem(int part) {
    return String.format(Locale.ROOT, "part-%05d", part);
  }

  /// @param embedding its vector packed as float32
  void add(String id, Embedding embedding) throws IOException;

  void commit() throws IOException;

  @Override
  void close() throws IOException;

  /// The array file format of NumPy, version 1.0 (numpy.lib.format): magic, length of the header,
  /// header, rows.
  final class Npy implements PartFile {
    /// Room for the header; NumPy wants a multiple of 64, and the number of rows is known last.
    private static final int HEADER_BYTES = 128;

    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};

    private final AtomicFile rows;
    private final AtomicFile ids;
    private long count;
    private int dimension;

    Npy(Path folder, int part) throws IOException {
      this.rows = AtomicFile.create(Format.NPY.file(folder, part));
      this.ids = AtomicFile.create(folder.resolve(stem(part) + ".ids.txt"));
      rows.write(ByteBuffer.allocate(HEADER_BYTES));
    }

    @Override
    public void add(String id, Embedding embedding) throws IOException {
      ByteString row = embedding.getVector().getPacked();
      dimension = embedding.getVector().getDimension();
      rows.write(row.asReadOnlyByteBuffer());
      ids.line(id);
      count++;
    }

    @Override
    public void commit() throws IOException {
      rows.overwrite(header());
      ids.commit();
      rows.commit();
    }

    private ByteBuffer header() {
      String header =
          "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }"
              .formatted(count, dimension);
      int room = HEADER_BYTES - MAGIC.length - Short.BYTES;
      byte[] padded =
          (header + " ".repeat(room - 1 - header.length()) + "\n")
              .getBytes(StandardCharsets.US_ASCII);
      return ByteBuffer.allocate(HEADER_BYTES)
          .order(ByteOrder.LITTLE_ENDIAN)
          .put(MAGIC)
          .putShort((short) room)
          .put(padded)
          .flip();
    }

    @Override
    public void close() throws IOException {
      rows.close();
      ids.close();
    }
  }

  /// One JSON object a line.
  final class JsonLines implements PartFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final AtomicFile lines;

    JsonLines(Path folder, int part) throws IOException {
      this.lines = AtomicFile.create(Format.JSONL.file(folder, part));
    }

    @Override
    public void add(String id, Embedding embedding) throws IOException {
      ObjectNode line =
          JSON.createObjectNode()
              .put("id", id)
              .put("width", embedding.getOrientedWidth())
              .put("height", embedding.getOrientedHeight());
      ArrayNode vector = line.putArray("vector");
      ByteBuffer components =
          embedding.getVector().getPacked().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      while (components.hasRemaining()) {
        vector.add(components.getFloat());
      }
      lines.line(text(line));
    }

    static String text(ObjectNode line) {
      try {
        return JSON.writeValueAsString(line);
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("a tree of plain values is always written", e);
      }
    }

    @Override
    public void commit() throws IOException {
      lines.commit();
    }

    @Override
    public void close() throws IOException {
      lines.close();
    }
  }

  /// Forgets what an interrupted run has left.
  static void removeUnfinished(Path folder) throws IOException {
    try (var files = Files.newDirectoryStream(folder, "*" + AtomicFile.UNFINISHED)) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
  }
}
