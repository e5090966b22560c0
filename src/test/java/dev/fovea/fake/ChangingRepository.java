package dev.fovea.fake;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;

/// A model repository whose sets of files take each other's place at once, as those of a mounted
/// volume do: the repository is a link.
public final class ChangingRepository {
  private final Path folder;
  private final Path shipped;

  /// @param folder an empty one
  /// @param shipped the repository whose models each set holds, in version 1
  public ChangingRepository(Path folder, Path shipped) {
    this.folder = folder;
    this.shipped = shipped;
  }

  /// What a server is given.
  public Path root() {
    return folder.resolve("repository");
  }

  /// Makes a set in which every model has that version; it is not seen yet.
  public Path prepare(int version) throws IOException {
    Path set = folder.resolve("set-" + version);
    try (Stream<Path> files = Files.walk(shipped, FileVisitOption.FOLLOW_LINKS)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String path = shipped.relativize(file).toString();
        Path copy = set.resolve(path.replaceFirst("/1/", "/" + version + "/"));
        Files.createDirectories(copy.getParent());
        Files.copy(file, copy);
      }
    }
    return set;
  }

  /// Puts a set in the place of the one that is there.
  public void publish(Path set) throws IOException {
    Path link = folder.resolve("next");
    Files.createSymbolicLink(link, set);
    Files.move(link, root(), StandardCopyOption.ATOMIC_MOVE);
  }
}
