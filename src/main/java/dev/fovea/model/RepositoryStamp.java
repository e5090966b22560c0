package dev.fovea.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// How the files of a repository look from outside: enough to tell that something has changed
/// without reading them. Two stamps that are equal were taken of the same files.
///
/// @param models by the name of the folder, then by the path of the file in it
public record RepositoryStamp(Map<String, Map<String, File>> models) {
  /// Deeper than any repository, and not for ever around a link to itself.
  private static final int MAX_DEPTH = 8;

  /// One file.
  ///
  /// @param size in bytes
  /// @param modified when it was written last
  /// @param key what tells it from another in its place, where the file system has such a thing
  public record File(long size, FileTime modified, String key) {}

  public RepositoryStamp {
    models = Map.copyOf(models);
  }

  /// @throws UncheckedIOException when the folder cannot be looked through, or changes meanwhile
  public static RepositoryStamp of(Path root) {
    Map<String, Map<String, File>> models = new TreeMap<>();
    try (Stream<Path> files = Files.walk(root, MAX_DEPTH, FileVisitOption.FOLLOW_LINKS)) {
      for (Path file : files.toList()) {
        Path path = root.relativize(file);
        BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
        if (path.getNameCount() > 1 && attributes.isRegularFile()) {
          models
              .computeIfAbsent(path.getName(0).toString(), _ -> new TreeMap<>())
              .put(
                  path.toString(),
                  new File(
                      attributes.size(),
                      attributes.lastModifiedTime(),
                      String.valueOf(attributes.fileKey())));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new RepositoryStamp(models);
  }

  /// The part of it that is about some models.
  public RepositoryStamp of(Collection<String> names) {
    return new RepositoryStamp(
        names.stream()
            .distinct()
            .collect(Collectors.toMap(n -> n, n -> models.getOrDefault(n, Map.of()))));
  }
}
