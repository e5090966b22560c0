package dev.fovea.image.codec;

import dev.fovea.failure.GatewayException;
import dev.fovea.image.ImageFormat;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The fields of one page of a TIFF file, values left where they are.
final class TiffDirectory {
  static final int WIDTH = 256;
  static final int HEIGHT = 257;
  static final int BITS = 258;
  static final int COMPRESSION = 259;
  static final int PHOTOMETRIC = 262;
  static final int FILL_ORDER = 266;
  static final int STRIP_OFFSETS = 273;
  static final int ORIENTATION = 274;
  static final int SAMPLES = 277;
  static final int ROWS_PER_STRIP = 278;
  static final int STRIP_BYTES = 279;
  static final int PLANES = 284;
  static final int PREDICTOR = 317;
  static final int COLOUR_MAP = 320;
  static final int TILE_WIDTH = 322;
  static final int TILE_HEIGHT = 323;
  static final int TILE_OFFSETS = 324;
  static final int TILE_BYTES = 325;
  static final int EXTRA_SAMPLES = 338;
  static final int SAMPLE_FORMAT = 339;
  static final int XMP = 700;

  /// Pages that can be asked for.
  static final int MOST_PAGES = 1024;

  private static final ImageFormat TIFF = ImageFormat.TIFF;
  private static final int BIG = 43;

  /// The values of a field.
  ///
  /// @param bytes of one value
  /// @param count how many there are, all of them in the file
  /// @param values where they are
  private record Field(int bytes, int count, ByteReader values) {
    long at(int index) {
      ByteReader value = values.from((long) index * bytes);
      return switch (bytes) {
        case 1 -> value.u8();
        case 2 -> value.u16();
        case 4 -> value.u32();
        default -> value.u64();
      };
    }
  }

  private final boolean big;
  private final Map<Integer, Field> fields = new HashMap<>();
  private long next;

  private TiffDirectory(boolean big) {
    this.big = big;
  }

  /// Reads page `wanted`, or the last one there is, and counts the pages: directories form a chain,
  /// which ends at one that was seen before or does not lie in the file.
  static Pages read(ByteReader file, int wanted) {
    if (file.startsWith("II")) {
      file.littleEndian();
    }
    file.seek(2);
    boolean big = file.u16() == BIG;
    file.skip(big ? 4 : 0);
    long first = offset(file, big);
    TiffDirectory page = read(file, big, first);
    Set<Long> seen = new HashSet<>(Set.of(first));
    int count = 1;
    long next = page.next;
    while (next > 0 && next < file.size() && seen.add(next) && count < MOST_PAGES) {
      TiffDirectory following;
      try {
        following = read(file, big, next);
      } catch (GatewayException broken) {
        break;
      }
      if (count <= wanted) {
        page = following;
      }
      count++;
      next = following.next;
    }
    return new Pages(page, count);
  }

  /// A page and how many there are.
  record Pages(TiffDirectory page, int count) {}

  private static long offset(ByteReader file, boolean big) {
    return big ? file.u64() : file.u32();
  }

  private static TiffDirectory read(ByteReader file, boolean big, long offset) {
    TiffDirectory directory = new TiffDirectory(big);
    file.seek(offset);
    int entryBytes = big ? 20 : 12;
    long entries = big ? file.u64() : file.u16();
    if (entries < 0 || entries > file.remaining() / entryBytes) {
      throw Refusals.damaged(TIFF, "fields", entries, "as many as the file holds");
    }
    for (long i = 0; i < entries; i++) {
      directory.readField(file.slice(entryBytes), file);
    }
    directory.next = file.remaining() >= (big ? 8 : 4) ? offset(file, big) : 0;
    return directory;
  }

  /// Of a field that comes twice the last one counts; one that is not whole is none.
  private void readField(ByteReader entry, ByteReader file) {
    int tag = entry.u16();
    int bytes = bytesOf(entry.u16());
    long count = offset(entry, big);
    long size = count * bytes;
    if (bytes == 0 || count <= 0 || count > file.size()) {
      return;
    }
    if (size <= entry.remaining()) {
      fields.put(tag, new Field(bytes, (int) count, entry.slice(size)));
      return;
    }
    long at = offset(entry, big);
    if (at >= 0 && at <= file.size() && size <= file.size() - at) {
      fields.put(tag, new Field(bytes, (int) count, file.from(at).slice(size)));
    }
  }

  /// Bytes of one value of an integer type; 0 of all others.
  private static int bytesOf(int type) {
    return switch (type) {
      case 1, 6, 7 -> 1;
      case 3, 8 -> 2;
      case 4, 9, 13 -> 4;
      case 16, 17, 18 -> 8;
      default -> 0;
    };
  }

  boolean has(int tag) {
    return fields.containsKey(tag);
  }

  /// How many values a field has; 0 where there is none.
  int count(int tag) {
    Field field = fields.get(tag);
    return field == null ? 0 : field.count();
  }

  /// A value of a field that has it.
  long at(int tag, int index) {
    Field field = fields.get(tag);
    if (field == null || index >= field.count()) {
      throw Refusals.damaged(TIFF, "field " + tag, "value " + index + " missing", "one");
    }
    return field.at(index);
  }

  /// The first value of a field.
  long value(int tag, long otherwise) {
    return has(tag) ? at(tag, 0) : otherwise;
  }

  /// The first value of a field as a number that may be a size.
  int extent(int tag, long otherwise) {
    long value = value(tag, otherwise);
    if (value < 1 || value > Integer.MAX_VALUE) {
      throw Refusals.damaged(TIFF, "field " + tag, value, "1..2147483647");
    }
    return (int) value;
  }

  /// A field of text.
  Optional<String> text(int tag) {
    return Optional.ofNullable(fields.get(tag)).map(field -> field.values().from(0).text());
  }
}
