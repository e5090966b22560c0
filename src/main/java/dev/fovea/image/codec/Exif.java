package dev.fovea.image.codec;

import dev.fovea.failure.GatewayException;
import dev.fovea.image.ImageFormat;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Finds the orientation in the metadata blocks of a file, where Pillow finds it. Broken metadata
/// says nothing: no image is refused for it.
final class Exif {
  /// As stored: the top row is the top of the scene.
  static final int UPRIGHT = 1;

  static final String XMP_NAME = "XML:com.adobe.xmp";
  static final String RAW_PROFILE_NAME = "Raw profile type exif";

  private static final String PREFIX = "Exif\0\0";
  private static final int DIRECTORY_OFFSET = 4;
  private static final int ENTRY_BYTES = 12;
  private static final int ORIENTATION = 274;
  private static final int SHORT = 3;
  private static final int LONG = 4;
  private static final int SIGNED_SHORT = 8;
  private static final int SIGNED_LONG = 9;
  private static final Pattern XMP_ORIENTATION =
      Pattern.compile("tiff:Orientation(?:=\"|>)([0-9])");

  private boolean hasExif;
  private OptionalInt fromExif = OptionalInt.empty();
  private OptionalInt fromRawProfile = OptionalInt.empty();
  private OptionalInt fromXmp = OptionalInt.empty();

  /// Takes a block of EXIF data: a TIFF structure, with or without the prefix `Exif\0\0`.
  void addExif(ByteReader block) {
    hasExif = true;
    fromExif = orientation(block);
  }

  /// Takes an orientation that was read elsewhere; it counts as one of EXIF.
  void addOrientation(long value) {
    hasExif = true;
    fromExif = OptionalInt.of((int) value);
  }

  /// Takes EXIF data in hexadecimal behind three lines of preamble. It counts where there is no
  /// proper EXIF block.
  void addRawProfile(String text) {
    try {
      byte[] block = HexFormat.of().parseHex(withoutPreamble(text));
      fromRawProfile = orientation(ByteReader.of(ImageFormat.PNG, ByteBuffer.wrap(block)));
    } catch (IllegalArgumentException broken) {
      fromRawProfile = OptionalInt.empty();
    }
  }

  /// What follows the third line, blanks left out.
  private static CharSequence withoutPreamble(String text) {
    StringBuilder digits = new StringBuilder();
    int lines = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (lines == 3 && !Character.isWhitespace(c)) {
        digits.append(c);
      }
      lines += c == '\n' && lines < 3 ? 1 : 0;
    }
    return digits;
  }

  /// Takes an XMP packet; the last one counts.
  void addXmp(String packet) {
    Matcher matcher = XMP_ORIENTATION.matcher(packet);
    fromXmp =
        matcher.find() ? OptionalInt.of(Integer.parseInt(matcher.group(1))) : OptionalInt.empty();
  }

  /// The orientation, 1..8. EXIF outranks XMP; a value out of range is as good as none.
  int orientation() {
    OptionalInt block = hasExif ? fromExif : fromRawProfile;
    int found = block.orElse(fromXmp.orElse(UPRIGHT));
    return found >= 1 && found <= 8 ? found : UPRIGHT;
  }

  private static OptionalInt orientation(ByteReader block) {
    try {
      while (block.startsWith(PREFIX)) {
        block.skip(PREFIX.length());
      }
      return orientationOfTiff(block.slice(block.remaining()));
    } catch (GatewayException broken) {
      return OptionalInt.empty();
    }
  }

  /// The orientation in the first directory; no other is looked at. Several entries: the last
  /// counts.
  private static OptionalInt orientationOfTiff(ByteReader tiff) {
    if (!tiff.startsWith("II") && !tiff.startsWith("MM")) {
      return OptionalInt.empty();
    }
    if (tiff.startsWith("II")) {
      tiff.littleEndian();
    }
    tiff.seek(DIRECTORY_OFFSET);
    tiff.seek(tiff.u32());
    OptionalInt found = OptionalInt.empty();
    for (int entries = tiff.u16(); entries > 0 && tiff.remaining() >= ENTRY_BYTES; entries--) {
      ByteReader entry = tiff.slice(ENTRY_BYTES);
      if (entry.u16() == ORIENTATION) {
        found = value(entry, tiff, found);
      }
    }
    return found;
  }

  /// The first integer of an entry; `otherwise` where it has none.
  private static OptionalInt value(ByteReader entry, ByteReader tiff, OptionalInt otherwise) {
    int type = entry.u16();
    long count = entry.u32();
    if (count == 0) {
      return otherwise;
    }
    return switch (type) {
      case SHORT, SIGNED_SHORT ->
          OptionalInt.of((count > 2 ? tiff.from(entry.u32()) : entry).u16());
      case LONG, SIGNED_LONG ->
          OptionalInt.of((int) (count > 1 ? tiff.from(entry.u32()) : entry).u32());
      default -> otherwise;
    };
  }
}
