package dev.fovea.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/// The images of a folder and the folders in it, in an order that does not change: written down
/// once, so that a job that goes on tomorrow means the same images, whatever has come and gone
/// meanwhile.
///
/// One line a file, relative to the folder. Never held as a whole: of a million images no more is
/// in memory than the names of one folder.
final class ImageList {
  private static final Set<String> ENDINGS =
      Set.of("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff");

  private final Path file;

  private ImageList(Path file) {
    this.file = file;
  }

  /// The list that lies there, or a new one of what is in the folder.
  ///
  /// @throws UnreadableFileException naming what cannot be read
  static ImageList of(Path folder, Path file) throws IOException {
    if (!Files.exists(file)) {
      try (AtomicFile list = AtomicFile.create(file)) {
        write(folder, "", list);
        list.commit();
      }
    }
    return new ImageList(file);
  }

  private static void write(Path folder, String prefix, AtomicFile list) throws IOException {
    List<Path> entries;
    try (Stream<Path> listed = Files.list(folder)) {
      entries = listed.sorted().toList();
    } catch (NoSuchFileException | NotDirectoryException e) {
      throw new UnreadableFileException(folder + ": no such folder");
    }
    for (Path entry : entries) {
      String name = prefix + entry.getFileName();
      // A link to a folder may lead back up: it is not followed.
      if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
        write(entry, name + "/", list);
      } else if (isImage(name) && Files.isRegularFile(entry)) {
        list.line(requireOneLine(name));
      }
    }
  }

  private static boolean isImage(String name) {
    return ENDINGS.contains(name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT));
  }

  private static String requireOneLine(String name) {
    if (name.indexOf('\n') >= 0 || name.indexOf('\r') >= 0) {
      throw new UnreadableFileException(
          "a file's name has a line break in it: " + name.replaceAll("[\r\n]", "?"));
    }
    return name;
  }

  /// How many there are.
  long count() throws IOException {
    try (Stream<String> lines = Files.lines(file)) {
      return lines.count();
    }
  }

  /// Reads them part by part.
  Reader reader() throws IOException {
    return new Reader(Files.newBufferedReader(file));
  }

  /// A place in the list.
  static final class Reader implements AutoCloseable {
    private final BufferedReader lines;

    private Reader(BufferedReader lines) {
      this.lines = lines;
    }

    /// The next images, so many at most; none at the end.
    List<String> next(int most) throws IOException {
      List<String> names = new ArrayList<>();
      while (names.size() < most) {
        String name = lines.readLine();
        if (name == null) {
          return names;
        }
        names.add(name);
      }
      return names;
    }

    @Override
    public void close() throws IOException {
      lines.close();
    }
  }
}
