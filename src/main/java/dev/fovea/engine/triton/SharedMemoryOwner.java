package dev.fovea.engine.triton;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// This process among all that share memory with servers of this machine: it gives out names that
/// no other uses, and tells what a process left behind that ended without a word.
///
/// The sign of life is an empty file that is locked as long as the process lives, in whatever
/// container it runs; numbers of processes mean nothing across containers. Thread-safe.
final class SharedMemoryOwner {
  /// Where `shm_open` has its objects.
  static final Path FOLDER = Path.of("/dev/shm");

  private static final Pattern NAME = Pattern.compile("fovea-([0-9a-f]{32})(-[0-9]{1,18})?");

  private final String token;
  private final FileLock life;
  private final AtomicLong number = new AtomicLong();
  private final Set<String> names = ConcurrentHashMap.newKeySet();

  private SharedMemoryOwner() {
    byte[] random = new byte[16];
    new SecureRandom().nextBytes(random);
    token = HexFormat.of().formatHex(random);
    Path file = FOLDER.resolve("fovea-" + token);
    try {
      life = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE).lock();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    file.toFile().deleteOnExit();
    removeStaleFiles();
  }

  private static final class Holder {
    private static final SharedMemoryOwner OWNER = new SharedMemoryOwner();
  }

  /// @throws IOException where this machine has no such memory
  static SharedMemoryOwner get() throws IOException {
    if (!Files.isWritable(FOLDER)) {
      throw new IOException(FOLDER + " is missing or cannot be written");
    }
    return Holder.OWNER;
  }

  /// A name that nobody has had, in use until it is [#release]d.
  String newName() {
    String name = "fovea-" + token + "-" + number.incrementAndGet();
    names.add(name);
    return name;
  }

  void release(String name) {
    names.remove(name);
  }

  /// Whether a name was given out by a process that has ended, or by this one, which has no use for
  /// it any more.
  boolean isStale(String name) {
    Matcher parts = NAME.matcher(name);
    if (!parts.matches()) {
      return false;
    }
    return parts.group(1).equals(token)
        ? parts.group(2) != null && life.isValid() && !names.contains(name)
        : !lives(parts.group(1));
  }

  private static boolean lives(String token) {
    Path file = FOLDER.resolve("fovea-" + token);
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
        FileLock lock = channel.tryLock()) {
      return lock == null;
    } catch (IOException | OverlappingFileLockException _) {
      // Not ours to look into: somebody else's.
      return true;
    }
  }

  private void removeStaleFiles() {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(FOLDER, "fovea-*")) {
      for (Path file : files) {
        if (isStale(file.getFileName().toString())) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException _) {
      // What cannot be removed stays for whoever can.
    }
  }
}
