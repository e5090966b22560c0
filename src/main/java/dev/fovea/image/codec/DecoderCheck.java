package dev.fovea.image.codec;

import dev.fovea.image.DecodeTarget;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/// Checks a native decoder against small images whose pixels are known, before it is let near
/// others. `src/test/python/decoder_check.py` makes the images and their digests.
final class DecoderCheck {
  private static final String FOLDER = "check/";
  private static final String TABLE = "digests.tsv";

  private DecoderCheck() {}

  /// What is wrong with a codec; empty when it gives every image of its format the right pixels.
  static Optional<String> faultOf(ImageCodec codec) {
    String suffix = "." + codec.format().name().toLowerCase(Locale.ROOT);
    for (String line : new String(resource(TABLE), StandardCharsets.UTF_8).lines().toList()) {
      int tab = line.indexOf('\t');
      String name = line.substring(0, tab);
      if (name.endsWith(suffix) && !digest(codec, name).equals(line.substring(tab + 1))) {
        return Optional.of(name + " does not have the pixels that it should have");
      }
    }
    return Optional.empty();
  }

  private static String digest(ImageCodec codec, String name) {
    ByteReader file = ByteReader.of(codec.format(), ByteBuffer.wrap(resource(name)));
    ImageHeader header = codec.readHeader(file, 0);
    Flattening alpha = Flattening.over(OptionalInt.empty());
    ImageCodec.Request request = new ImageCodec.Request(0, alpha, DecodeTarget.WHOLE);
    try (Pixels pixels = codec.decode(file.from(0), header, request)) {
      return HexFormat.of().formatHex(sha256().digest(pixels.rgb()));
    }
  }

  private static byte[] resource(String name) {
    try (InputStream in = DecoderCheck.class.getResourceAsStream(FOLDER + name)) {
      if (in == null) {
        throw new IllegalStateException("resource: no " + name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
