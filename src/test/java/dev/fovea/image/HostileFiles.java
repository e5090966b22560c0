package dev.fovea.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/// Files that are made to hurt: they lie about their size, unpack to much more than they are, ask
/// for much work, or point to themselves.
public final class HostileFiles {
  private static final String PNG_SIGNATURE = "\u0089PNG\r\n\u001a\n";

  private static final Map<String, byte[]> REFUSED = makeRefused();
  private static final Map<String, byte[]> DECODED = makeDecoded();

  private HostileFiles() {}

  /// Those that must be refused, by what is wrong with them.
  public static Map<String, byte[]> refused() {
    return REFUSED;
  }

  /// Those that are decoded, and must not cost more than an image of their size.
  public static Map<String, byte[]> decoded() {
    return DECODED;
  }

  private static Map<String, byte[]> makeRefused() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("PNG of zeros, 30,000×30,000", png(30_000, 30_000, 1, zeros(3751L * 30_000)));
    files.put("PNG of 1×2,147,483,647", png(1, Integer.MAX_VALUE, 8, zeros(100)));
    files.put("PNG cut short", png(1000, 1000, 8, zeros(1001 * 999)));
    files.put("JPEG of 65,535×65,535", withJpegSize("420-q90.jpg", 65_535, 65_535));
    files.put("JPEG of 1×65,535", withJpegSize("grey.jpg", 1, 65_535));
    files.put("progressive JPEG of 1,000 scans", manyScans("grey-progressive.jpg", 1000));
    files.put("baseline JPEG of 1,000 scans", manyScans("three-scans.jpg", 1000));
    files.put("GIF of 65,535×65,535", littleEndian(GoldenFiles.bytes("plain.gif"), 6, -1, 4));
    files.put("BMP of 2,147,483,647 rows", littleEndian(bmp(), 22, Integer.MAX_VALUE, 4));
    files.put("BMP of -2,147,483,648 rows", littleEndian(bmp(), 22, Integer.MIN_VALUE, 4));
    files.put("WebP canvas of 16,777,216×16,777,216", webPCanvas());
    files.put("TIFF of 4,294,967,295 pixels a row", tiff(0xFFFF_FFFFL, 8));
    files.put("TIFF with a tile of 2,000,000,000 rows", tiff(8, 2_000_000_000));
    files.put("TIFF whose fields lie outside", littleEndian(tiff(8, 8), 4, 1 << 30, 4));
    files.put("text called an image", "<html><script>alert(1)</script>".getBytes(ISO_8859_1));
    files.put("PDF with a JPEG in it", joined("%PDF-1.7\n", GoldenFiles.bytes("grey.jpg")));
    return files;
  }

  private static Map<String, byte[]> makeDecoded() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("PNG whose data goes on for 50 MB", png(10, 10, 8, zeros(50_000_000)));
    files.put("PNG with a colour profile of 50 MB", pngWith("iCCP", "p\0\0", 50_000_000));
    files.put("PNG with a text of 50 MB", pngWith("zTXt", "Raw profile type exif\0\0", 50_000_000));
    files.put(
        "PNG with an XMP packet of 50 MB",
        pngWith("iTXt", "XML:com.adobe.xmp\0\1\0\0\0", 50_000_000));
    files.put("PNG with 5,000 texts of 1 MB", pngOfTexts(5000));
    files.put("GIF of 100,000 frames", gifOfFrames(100_000));
    files.put("TIFF whose pages go in a circle", tiff(8, 8));
    files.put("JPEG whose EXIF directories go in a circle", exifInACircle());
    files.put("JPEG with a ZIP file behind it", joined(GoldenFiles.bytes("grey.jpg"), "PK\3\4"));
    files.put("GIF that is a script", gifThatIsAScript());
    return files;
  }

  private static byte[] zeros(long count) {
    Deflater deflater = new Deflater();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] piece = new byte[1 << 20];
    byte[] packed = new byte[1 << 16];
    for (long left = count; left > 0; left -= piece.length) {
      deflater.setInput(piece, 0, (int) Math.min(left, piece.length));
      drain(deflater, packed, out);
    }
    deflater.finish();
    drain(deflater, packed, out);
    deflater.end();
    return out.toByteArray();
  }

  private static void drain(Deflater deflater, byte[] packed, ByteArrayOutputStream out) {
    for (int n = deflater.deflate(packed); n > 0; n = deflater.deflate(packed)) {
      out.write(packed, 0, n);
    }
  }

  private static byte[] png(int width, int height, int depth, byte[] data) {
    return joined(
        PNG_SIGNATURE, chunk("IHDR", ihdr(width, height, depth)), chunk("IDAT", data), end());
  }

  private static byte[] pngWith(String kind, String head, long zeros) {
    return joined(
        PNG_SIGNATURE,
        chunk("IHDR", ihdr(10, 10, 8)),
        chunk(kind, joined(head, zeros(zeros))),
        chunk("IDAT", zeros(110)),
        end());
  }

  private static byte[] pngOfTexts(int count) {
    byte[] text = chunk("zTXt", joined("Raw profile type exif\0\0", zeros(1 << 20)));
    Object[] parts = new Object[count + 4];
    Arrays.fill(parts, text);
    parts[0] = PNG_SIGNATURE;
    parts[1] = chunk("IHDR", ihdr(10, 10, 8));
    parts[count + 2] = chunk("IDAT", zeros(110));
    parts[count + 3] = end();
    return joined(parts);
  }

  private static byte[] ihdr(int width, int height, int depth) {
    return ByteBuffer.allocate(13).putInt(width).putInt(height).put((byte) depth).array();
  }

  private static byte[] end() {
    return chunk("IEND", new byte[0]);
  }

  private static byte[] chunk(String kind, byte[] content) {
    byte[] named = joined(kind, content);
    CRC32 crc = new CRC32();
    crc.update(named);
    return ByteBuffer.allocate(named.length + 8)
        .putInt(content.length)
        .put(named)
        .putInt((int) crc.getValue())
        .array();
  }

  private static byte[] withJpegSize(String name, int width, int height) {
    byte[] jpeg = GoldenFiles.bytes(name);
    int frame = indexOf(jpeg, 0xC0, 2);
    ByteBuffer.wrap(jpeg).putShort(frame + 5, (short) height).putShort(frame + 7, (short) width);
    return jpeg;
  }

  /// Where the marker is.
  private static int indexOf(byte[] jpeg, int marker, int from) {
    for (int at = from; at < jpeg.length - 1; at++) {
      if ((jpeg[at] & 0xFF) == 0xFF && (jpeg[at + 1] & 0xFF) == marker) {
        return at;
      }
    }
    throw new IllegalArgumentException("marker: " + marker);
  }

  /// The last scan again and again.
  private static byte[] manyScans(String name, int scans) {
    byte[] jpeg = GoldenFiles.bytes(name);
    int last = 2;
    for (int at = 2; at < jpeg.length - 1; at++) {
      last = (jpeg[at] & 0xFF) == 0xFF && (jpeg[at + 1] & 0xFF) == 0xDA ? at : last;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(jpeg, 0, last);
    for (int i = 0; i < scans; i++) {
      out.write(jpeg, last, jpeg.length - 2 - last);
    }
    out.write(jpeg, jpeg.length - 2, 2);
    return out.toByteArray();
  }

  private static byte[] bmp() {
    return GoldenFiles.bytes("colour.bmp");
  }

  private static byte[] littleEndian(byte[] file, int at, int value, int bytes) {
    ByteBuffer buffer = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, value);
    System.arraycopy(buffer.array(), 0, file, at, bytes);
    return file;
  }

  private static byte[] webPCanvas() {
    byte[] file = GoldenFiles.bytes("extended-unknown.webp");
    for (int at = 24; at < 30; at++) {
      file[at] = (byte) 0xFF;
    }
    return file;
  }

  /// A grey image in one strip; its directory names itself as the next one.
  private static byte[] tiff(long width, long rowsPerTile) {
    int[][] fields = {
      {256, 4, (int) width},
      {257, 4, 8},
      {258, 3, 8},
      {262, 3, 1},
      {322, 4, 8},
      {323, 4, (int) rowsPerTile},
      {324, 4, 8},
      {325, 4, 64}
    };
    ByteBuffer file = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
    file.put("II*\0".getBytes(ISO_8859_1)).putInt(72).position(72);
    file.putShort((short) fields.length);
    for (int[] field : fields) {
      file.putShort((short) field[0]).putShort((short) field[1]).putInt(1).putInt(field[2]);
    }
    return file.putInt(72).array();
  }

  private static byte[] gifOfFrames(int frames) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(joined("GIF89a", new byte[] {2, 0, 2, 0, 0, 0, 0}));
    byte[] frame = {0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0};
    for (int i = 0; i < frames; i++) {
      out.writeBytes(frame);
    }
    out.write(0x3B);
    return out.toByteArray();
  }

  private static byte[] exifInACircle() {
    ByteBuffer exif = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    exif.put("Exif\0\0II*\0".getBytes(ISO_8859_1)).putInt(8).putShort((short) 2);
    exif.putShort((short) 0x8769).putShort((short) 4).putInt(1).putInt(8);
    exif.putShort((short) 0xA005).putShort((short) 4).putInt(1).putInt(8).putInt(8);
    byte[] jpeg = GoldenFiles.bytes("grey.jpg");
    byte[] segment = {(byte) 0xFF, (byte) 0xE1, 0, 66};
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(jpeg, 0, 2);
    out.writeBytes(segment);
    out.writeBytes(exif.array());
    out.write(jpeg, 2, jpeg.length - 2);
    return out.toByteArray();
  }

  /// Its size begins a comment that its trailer ends.
  private static byte[] gifThatIsAScript() {
    return joined(GoldenFiles.bytes("plain.gif"), "*/=1;alert(1)");
  }

  private static byte[] joined(Object... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Object part : parts) {
      out.writeBytes(part instanceof String text ? text.getBytes(ISO_8859_1) : (byte[]) part);
    }
    return out.toByteArray();
  }
}
