package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// What the segments of a JPEG file say before the first scan.
final class JpegFile {
  /// A colour channel as the frame header declares it.
  ///
  /// @param id what scans call it
  /// @param horizontal samples a row, relative to the other components, 1..4
  /// @param vertical rows of samples, relative to the other components, 1..4
  record Component(int id, int horizontal, int vertical) {}

  /// How the components make a colour.
  enum ColourSpace {
    GREY,
    YCC,
    RGB,
    CMYK,
    YCCK
  }

  private static final ImageFormat JPEG = ImageFormat.JPEG;
  private static final int MARKER = 0xFF;
  private static final int FIRST_STANDALONE = 0xD0;
  private static final int LAST_STANDALONE = 0xD8;
  private static final int TEMPORARY = 0x01;
  private static final int END_OF_IMAGE = 0xD9;
  private static final int START_OF_SCAN = 0xDA;
  private static final int FIRST_FRAME = 0xC0;
  private static final int LAST_FRAME = 0xCF;
  private static final int HUFFMAN_TABLES = 0xC4;
  private static final int EXTENSION = 0xC8;
  private static final int ARITHMETIC_TABLES = 0xCC;
  private static final int PROGRESSIVE = 0xC2;
  private static final int APP0 = 0xE0;
  private static final int APP1 = 0xE1;
  private static final int APP14 = 0xEE;
  private static final int LAST_APP = 0xEF;
  private static final int COMMENT = 0xFE;
  private static final String XMP = "http://ns.adobe.com/xap/1.0/\0";
  private static final int NONE = -1;

  private static final byte[] JFIF = {
    (byte) 0xFF, (byte) 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0
  };

  private static final byte[] ADOBE = {
    (byte) 0xFF, (byte) 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0
  };

  /// The segments that the decoder needs, each with its marker.
  private final List<ByteReader> tables = new ArrayList<>();

  private final List<Component> components = new ArrayList<>();
  private final Exif exif = new Exif();
  private boolean hasExif;
  private int process = NONE;
  private int width;
  private int height;
  private boolean hasJfif;
  private int adobeTransform = NONE;
  private int scanStart;

  private JpegFile() {}

  static JpegFile read(ByteReader file) {
    JpegFile jpeg = new JpegFile();
    file.seek(2);
    while (jpeg.readSegment(file)) {}
    if (jpeg.process == NONE) {
      throw Refusals.damaged(JPEG, "frame header", "missing", "one before the first scan");
    }
    return jpeg;
  }

  /// Whether the first scan is still ahead.
  private boolean readSegment(ByteReader file) {
    int marker = nextMarker(file);
    if (marker >= FIRST_STANDALONE && marker <= LAST_STANDALONE || marker == TEMPORARY) {
      return true;
    }
    if (marker == END_OF_IMAGE) {
      throw Refusals.damaged(JPEG, "scans", "none", "one or more");
    }
    int start = file.position() - 2;
    if (marker == START_OF_SCAN) {
      scanStart = start;
      return false;
    }
    int length = file.u16();
    if (length < 2) {
      throw Refusals.damaged(JPEG, "segment length", length, "at least 2");
    }
    ByteReader content = file.slice(length - 2);
    if (marker < APP0 || marker > LAST_APP && marker != COMMENT) {
      tables.add(file.from(start).slice(length + 2));
    }
    readContent(marker, content);
    return true;
  }

  /// Passes over whatever is not a marker and over fill bytes, as libjpeg does.
  private static int nextMarker(ByteReader file) {
    int marker = 0;
    while (marker == 0) {
      while (file.u8() != MARKER) {}
      do {
        marker = file.u8();
      } while (marker == MARKER);
    }
    return marker;
  }

  private void readContent(int marker, ByteReader content) {
    switch (marker) {
      case APP0 -> hasJfif |= content.remaining() >= 14 && content.startsWith("JFIF\0");
      case APP1 -> readApp1(content);
      case APP14 -> readAdobe(content);
      case HUFFMAN_TABLES, EXTENSION, ARITHMETIC_TABLES -> {}
      default -> {
        if (marker >= FIRST_FRAME && marker <= LAST_FRAME) {
          readFrame(marker, content);
        }
      }
    }
  }

  private void readApp1(ByteReader content) {
    if (content.startsWith("Exif\0\0") && !hasExif) {
      hasExif = true;
      exif.addExif(content);
    } else if (content.startsWith(XMP)) {
      content.skip(XMP.length());
      exif.addXmp(content.text());
    }
  }

  private void readAdobe(ByteReader content) {
    if (content.remaining() >= 12 && content.startsWith("Adobe")) {
      content.skip(11);
      adobeTransform = content.u8();
    }
  }

  private void readFrame(int marker, ByteReader content) {
    if (process != NONE) {
      throw Refusals.damaged(JPEG, "frame headers", 2, "one");
    }
    process = marker;
    if (marker > PROGRESSIVE) {
      throw Refusals.unsupported(
          JPEG, "coding process", "SOF" + (marker - FIRST_FRAME), "SOF0, SOF1 or SOF2");
    }
    int precision = content.u8();
    if (precision != 8) {
      throw Refusals.unsupported(JPEG, "bits a sample", precision, "8");
    }
    height = extent("height", content.u16());
    width = extent("width", content.u16());
    int count = content.u8();
    if (count != 1 && count != 3 && count != 4) {
      throw Refusals.unsupported(JPEG, "components", count, "1, 3 or 4");
    }
    for (int i = 0; i < count; i++) {
      components.add(readComponent(content));
    }
  }

  private static int extent(String name, int value) {
    if (value == 0) {
      throw Refusals.damaged(JPEG, name, value, "> 0");
    }
    return value;
  }

  private static Component readComponent(ByteReader content) {
    int id = content.u8();
    int sampling = content.u8();
    content.skip(1);
    int horizontal = sampling >> 4;
    int vertical = sampling & 0xF;
    if (horizontal < 1 || horizontal > 4 || vertical < 1 || vertical > 4) {
      throw Refusals.damaged(JPEG, "sampling", horizontal + "x" + vertical, "1x1..4x4");
    }
    return new Component(id, horizontal, vertical);
  }

  int width() {
    return width;
  }

  int height() {
    return height;
  }

  boolean progressive() {
    return process == PROGRESSIVE;
  }

  int orientation() {
    return exif.orientation();
  }

  List<Component> components() {
    return List.copyOf(components);
  }

  /// How libjpeg reads the colours (`default_decompress_parms`): JFIF means YCC; else Adobe's
  /// marker says; else the ids of the components do.
  ColourSpace colourSpace() {
    return switch (components.size()) {
      case 1 -> ColourSpace.GREY;
      case 3 -> hasJfif || !isRgb() ? ColourSpace.YCC : ColourSpace.RGB;
      default -> adobeTransform <= 0 ? ColourSpace.CMYK : ColourSpace.YCCK;
    };
  }

  private boolean isRgb() {
    if (adobeTransform != NONE) {
      return adobeTransform == 0;
    }
    return components.get(0).id() == 'R'
        && components.get(1).id() == 'G'
        && components.get(2).id() == 'B';
  }

  /// The file with all that decoding does not need left out, and the colours beyond doubt.
  byte[] plain(ByteReader file) {
    ByteBuffer plain = ByteBuffer.allocate(plainBytes(file));
    writePlain(file, plain);
    return plain.array();
  }

  /// The size of [#plain].
  int plainBytes(ByteReader file) {
    int size = 2 + colourMarker(colourSpace()).length + file.from(scanStart).remaining();
    for (ByteReader table : tables) {
      size += table.size();
    }
    return size;
  }

  /// As [#plain], to where the caller wants it.
  void writePlain(ByteReader file, ByteBuffer out) {
    out.put((byte) MARKER).put((byte) LAST_STANDALONE).put(colourMarker(colourSpace()));
    for (ByteReader table : tables) {
      out.put(table.from(0).buffer());
    }
    out.put(file.from(scanStart).buffer());
  }

  private static byte[] colourMarker(ColourSpace space) {
    return switch (space) {
      case GREY, YCC -> JFIF;
      case RGB, CMYK -> ADOBE;
      case YCCK -> {
        byte[] marker = ADOBE.clone();
        marker[marker.length - 1] = 2;
        yield marker;
      }
    };
  }

  /// Where the first scan begins, its marker included.
  int scanStart() {
    return scanStart;
  }
}
