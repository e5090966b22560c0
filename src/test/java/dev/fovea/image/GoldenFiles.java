package dev.fovea.image;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/// The files that `src/test/python/golden.py` made with the reference libraries.
public final class GoldenFiles {
  private static final String FOLDER = "/golden/images/";

  private GoldenFiles() {}

  public static byte[] bytes(String name) {
    try (InputStream in = GoldenFiles.class.getResourceAsStream(FOLDER + name)) {
      if (in == null) {
        throw new IllegalArgumentException("name: " + name + " (expected: a golden file)");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The rows of a table, without its heading.
  public static List<List<String>> table(String name) {
    return new String(bytes(name), StandardCharsets.UTF_8)
        .lines()
        .filter(line -> !line.startsWith("#"))
        .map(line -> List.of(line.split("\t", -1)))
        .toList();
  }

  public static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /// The picture that `pictures.pattern` makes in Python.
  public static Pixels pattern(int width, int height) {
    byte[] rgb = new byte[width * height * 3];
    int state = width * 31 + height;
    for (int i = 0; i < rgb.length; i++) {
      state = state * 1_664_525 + 1_013_904_223;
      rgb[i] = (byte) (state >>> 24);
    }
    return new Pixels(width, height, rgb);
  }
}
