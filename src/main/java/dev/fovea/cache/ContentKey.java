package dev.fovea.cache;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// Names a result by all that it was made of: SHA-256 over the parts, so equal keys mean equal
/// parts and nothing of the parts has to be kept.
///
/// @param a the first eight bytes of the digest
/// @param b the next eight
/// @param c the next eight
/// @param d the last eight
public record ContentKey(long a, long b, long c, long d) {
  /// Bytes of a key.
  static final int BYTES = 32;

  /// It in hexadecimal, as a name for files.
  public String hex() {
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(a) + hex.toHexDigits(b) + hex.toHexDigits(c) + hex.toHexDigits(d);
  }

  /// Gathers the parts. Each goes in with its length, so that no two lists of parts run together
  /// into the same bytes.
  public static final class Parts {
    private final MessageDigest sha256 = sha256();

    /// Adds bytes, from position to limit; they are left as they are.
    public Parts add(ByteBuffer bytes) {
      add(bytes.remaining());
      sha256.update(bytes.duplicate());
      return this;
    }

    public Parts add(String text) {
      return add(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }

    public Parts add(Enum<?> choice) {
      return add(choice.name());
    }

    public Parts add(long number) {
      sha256.update(ByteBuffer.allocate(Long.BYTES).putLong(0, number));
      return this;
    }

    public Parts add(double number) {
      return add(Double.doubleToLongBits(number));
    }

    public ContentKey key() {
      ByteBuffer digest = ByteBuffer.wrap(sha256.digest());
      return new ContentKey(digest.getLong(), digest.getLong(), digest.getLong(), digest.getLong());
    }

    private static MessageDigest sha256() {
      try {
        return MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("every JDK has SHA-256", e);
      }
    }
  }
}
