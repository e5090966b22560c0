package dev.fovea.image.codec;

import java.nio.charset.StandardCharsets;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/// Collects the orientation from the chunks of a PNG file: `eXIf`, a text named `exif`, an XMP
/// packet, or a text named `Raw profile type exif` that holds EXIF in hexadecimal, as ImageMagick
/// writes it.
final class PngOrientation {
  /// Bound on a text once inflated, as in Pillow; what lies beyond is not looked at.
  private static final int MAX_TEXT_BYTES = 1 << 20;

  /// Texts that are inflated: a file of many could keep a thread busy for long.
  private static final int MAX_TEXTS = 4;

  private static final int MAX_KEYWORD = 79;

  private final Exif exif = new Exif();
  private int inflatedTexts;

  int value() {
    return exif.orientation();
  }

  void add(String type, ByteReader chunk) {
    switch (type) {
      case "eXIf" -> exif.addExif(chunk);
      case "tEXt" -> addText(chunk);
      case "zTXt" -> addCompressedText(chunk);
      case "iTXt" -> addInternationalText(chunk);
      default -> {}
    }
  }

  /// keyword, 0, text
  private void addText(ByteReader chunk) {
    String keyword = zeroTerminated(chunk);
    if (keyword.equals("exif")) {
      exif.addExif(chunk);
    } else if (isOfUse(keyword)) {
      add(keyword, chunk.text());
    }
  }

  /// keyword, 0, compression method, compressed text
  private void addCompressedText(ByteReader chunk) {
    String keyword = zeroTerminated(chunk);
    if (isOfUse(keyword) && chunk.remaining() > 1) {
      chunk.skip(1);
      add(keyword, inflated(chunk));
    }
  }

  /// keyword, 0, whether compressed, method, language, 0, translated keyword, 0, text
  private void addInternationalText(ByteReader chunk) {
    String keyword = zeroTerminated(chunk);
    if (isOfUse(keyword) && chunk.remaining() > 2) {
      boolean compressed = chunk.u8() != 0;
      chunk.skip(1);
      chunk.skipPast(0);
      chunk.skipPast(0);
      add(keyword, compressed ? inflated(chunk) : chunk.text());
    }
  }

  private static boolean isOfUse(String keyword) {
    return keyword.equals(Exif.RAW_PROFILE_NAME) || keyword.equals(Exif.XMP_NAME);
  }

  private void add(String keyword, String text) {
    if (keyword.equals(Exif.XMP_NAME)) {
      exif.addXmp(text);
    } else {
      exif.addRawProfile(text);
    }
  }

  /// Reads up to and past the next zero byte, or as far as a keyword may go.
  private static String zeroTerminated(ByteReader chunk) {
    StringBuilder text = new StringBuilder();
    while (chunk.remaining() > 0 && text.length() <= MAX_KEYWORD) {
      int c = chunk.u8();
      if (c == 0) {
        break;
      }
      text.append((char) c);
    }
    return text.toString();
  }

  private String inflated(ByteReader chunk) {
    if (inflatedTexts++ == MAX_TEXTS) {
      inflatedTexts = MAX_TEXTS;
      return "";
    }
    byte[] text = new byte[MAX_TEXT_BYTES];
    try (Inflater inflater = new Inflater()) {
      inflater.setInput(chunk.buffer());
      int length = inflater.inflate(text);
      return new String(text, 0, length, StandardCharsets.ISO_8859_1);
    } catch (DataFormatException e) {
      return "";
    }
  }
}
