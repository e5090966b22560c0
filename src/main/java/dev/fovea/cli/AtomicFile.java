package dev.fovea.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// A file that is there as a whole or not at all: written beside its place, on the disk before it
/// takes it.
final class AtomicFile implements AutoCloseable {
  /// Goes behind the name of what is not finished.
  static final String UNFINISHED = ".unfinished";

  private static final int BUFFER = 1 << 16;

  private final Path place;
  private final Path unfinished;
  private final FileChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER);

  private AtomicFile(Path place, Path unfinished, FileChannel channel) {
    this.place = place;
    this.unfinished = unfinished;
    this.channel = channel;
  }

  static AtomicFile create(Path place) throws IOException {
    Path unfinished = place.resolveSibling(place.getFileName() + UNFINISHED);
    return new AtomicFile(
        place,
        unfinished,
        FileChannel.open(
            unfinished,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE));
  }

  void line(String text) throws IOException {
    write(ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8)));
  }

  void write(ByteBuffer bytes) throws IOException {
    ByteBuffer rest = bytes.duplicate();
    if (rest.remaining() > buffer.remaining()) {
      flush();
    }
    if (rest.remaining() > buffer.remaining()) {
      writeAll(rest);
    } else {
      buffer.put(rest);
    }
  }

  /// Writes over the beginning of what was written.
  void overwrite(ByteBuffer head) throws IOException {
    flush();
    long end = channel.position();
    channel.position(0);
    writeAll(head);
    channel.position(end);
  }

  private void flush() throws IOException {
    writeAll(buffer.flip());
    buffer.clear();
  }

  private void writeAll(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      int _ = channel.write(bytes);
    }
  }

  /// Puts it in its place.
  void commit() throws IOException {
    flush();
    channel.force(true);
    channel.close();
    Files.move(unfinished, place, StandardCopyOption.ATOMIC_MOVE);
  }

  /// Forgets what was not committed.
  @Override
  public void close() throws IOException {
    if (channel.isOpen()) {
      channel.close();
      Files.deleteIfExists(unfinished);
    }
  }
}
