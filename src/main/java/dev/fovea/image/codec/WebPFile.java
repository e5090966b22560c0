package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import java.util.ArrayList;
import java.util.List;

/// What the chunks of a WebP file say, pictures left where they are.
final class WebPFile {
  /// One picture and its place.
  ///
  /// @param left pixels from the left of the canvas
  /// @param top rows from its top
  /// @param width pixels a row, > 0
  /// @param height rows, > 0
  /// @param blends whether it is laid over what is there, or replaces it
  /// @param clears whether its place is emptied before the next frame
  /// @param alpha whether it has transparent pixels
  /// @param data its chunks
  record Frame(
      int left,
      int top,
      int width,
      int height,
      boolean blends,
      boolean clears,
      boolean alpha,
      ByteReader data) {
    long area() {
      return (long) width * height;
    }

    /// Whether a pixel of the canvas lies in it.
    boolean covers(int x, int y) {
      return x >= left && x < left + width && y >= top && y < top + height;
    }
  }

  private static final ImageFormat WEBP = ImageFormat.WEBP;
  private static final int RIFF_BYTES = 8;
  private static final int FORM_BYTES = 12;
  private static final int ANIMATED = 0x02;
  private static final int ALPHA = 0x10;
  private static final int FRAME_HEADER_BYTES = 16;
  private static final int REPLACES = 0x02;
  private static final int CLEARS = 0x01;
  private static final int MOST_FRAMES = 1 << 14;

  private final Exif exif = new Exif();
  private final List<Frame> frames = new ArrayList<>();
  private final ByteReader chunks;
  private final boolean extended;
  private int flags;
  private int width;
  private int height;

  private WebPFile(ByteReader file) {
    file.littleEndian();
    file.seek(RIFF_BYTES / 2);
    long size = file.u32();
    chunks = file.from(0).slice(RIFF_BYTES + size);
    chunks.seek(FORM_BYTES);
    extended = chunks.startsWith("VP8X");
  }

  static WebPFile read(ByteReader file) {
    WebPFile webp = new WebPFile(file);
    if (webp.extended) {
      webp.readExtended();
    } else {
      webp.frames.add(picture(webp.chunks));
      webp.width = webp.frames.getFirst().width();
      webp.height = webp.frames.getFirst().height();
    }
    if (webp.frames.isEmpty()) {
      throw Refusals.damaged(WEBP, "pictures", "none", "one or more");
    }
    return webp;
  }

  private void readExtended() {
    ByteReader header = chunk(chunks);
    flags = header.u8();
    header.skip(3);
    width = header.u24() + 1;
    height = header.u24() + 1;
    while (chunks.remaining() >= RIFF_BYTES) {
      readChunk();
    }
  }

  private void readChunk() {
    if (chunks.startsWith("ANMF")) {
      ByteReader frame = chunk(chunks);
      if (animated()) {
        requireFewer(frames.size());
        frames.add(framed(frame));
      }
    } else if (chunks.startsWith("EXIF")) {
      exif.addExif(chunk(chunks));
    } else if (chunks.startsWith("XMP ")) {
      exif.addXmp(chunk(chunks).text());
    } else if (isPicture(chunks) && !animated() && frames.isEmpty()) {
      frames.add(requireOnCanvas(picture(chunks), true));
    } else {
      chunk(chunks);
    }
  }

  private static void requireFewer(int frames) {
    if (frames == MOST_FRAMES) {
      throw Refusals.unsupported(WEBP, "frames", "more", "at most " + MOST_FRAMES);
    }
  }

  private static boolean isPicture(ByteReader chunks) {
    return chunks.startsWith("ALPH") || chunks.startsWith("VP8 ") || chunks.startsWith("VP8L");
  }

  /// A frame of an animation; its header counts columns and rows in twos.
  private Frame framed(ByteReader frame) {
    if (frame.remaining() < FRAME_HEADER_BYTES) {
      throw Refusals.damaged(WEBP, "frame", frame.remaining() + " bytes", "16 or more");
    }
    int left = frame.u24() * 2;
    int top = frame.u24() * 2;
    int frameWidth = frame.u24() + 1;
    int frameHeight = frame.u24() + 1;
    frame.skip(3);
    int how = frame.u8();
    Frame picture = picture(frame);
    if (picture.width() != frameWidth || picture.height() != frameHeight) {
      throw Refusals.damaged(
          WEBP, "frame", frameWidth + "×" + frameHeight, picture.width() + "×" + picture.height());
    }
    return requireOnCanvas(
        new Frame(
            left,
            top,
            frameWidth,
            frameHeight,
            (how & REPLACES) == 0,
            (how & CLEARS) != 0,
            picture.alpha(),
            picture.data()),
        false);
  }

  private Frame requireOnCanvas(Frame frame, boolean whole) {
    boolean fits =
        whole
            ? frame.width() == width && frame.height() == height
            : frame.left() + frame.width() <= width && frame.top() + frame.height() <= height;
    if (!fits) {
      throw Refusals.damaged(
          WEBP,
          "picture",
          "%d×%d at %d, %d".formatted(frame.width(), frame.height(), frame.left(), frame.top()),
          "one on the canvas of %d×%d".formatted(width, height));
    }
    return frame;
  }

  /// The picture that begins here, its alpha first where it has one; other chunks may lie between.
  private static Frame picture(ByteReader chunks) {
    int start = chunks.position();
    boolean alpha = false;
    while (true) {
      boolean lossy = chunks.startsWith("VP8 ");
      boolean lossless = chunks.startsWith("VP8L");
      alpha |= chunks.startsWith("ALPH");
      ByteReader content = chunk(chunks);
      if (lossy || lossless) {
        ByteReader data = chunks.from(start).slice(chunks.position() - start);
        return lossy ? lossy(content, alpha, data) : lossless(content, data);
      }
    }
  }

  private static Frame lossy(ByteReader content, boolean alpha, ByteReader data) {
    boolean key = (content.u8() & 1) == 0;
    content.skip(2);
    if (!key || !content.startsWith("\u009D\u0001\u002A")) {
      throw Refusals.damaged(WEBP, "VP8 data", "no key frame", "one");
    }
    content.skip(3);
    int width = content.u16() & 0x3FFF;
    int height = content.u16() & 0x3FFF;
    return frame(width, height, alpha, data);
  }

  private static Frame lossless(ByteReader content, ByteReader data) {
    if (content.u8() != 0x2F) {
      throw Refusals.damaged(WEBP, "VP8L data", "no signature", "0x2F");
    }
    int bits = (int) content.u32();
    int width = (bits & 0x3FFF) + 1;
    int height = (bits >> 14 & 0x3FFF) + 1;
    return frame(width, height, (bits >> 28 & 1) != 0, data);
  }

  private static Frame frame(int width, int height, boolean alpha, ByteReader data) {
    if (width == 0 || height == 0) {
      throw Refusals.damaged(WEBP, "picture", width + "×" + height, "1×1 or more");
    }
    return new Frame(0, 0, width, height, false, false, alpha, data);
  }

  /// The content of the chunk that begins here; goes to the one after it.
  private static ByteReader chunk(ByteReader chunks) {
    chunks.skip(4);
    long size = chunks.u32();
    ByteReader content = chunks.slice(size);
    chunks.skip(Math.min(size & 1, chunks.remaining()));
    return content;
  }

  /// Pixels a row of the canvas.
  int width() {
    return width;
  }

  /// Rows of the canvas.
  int height() {
    return height;
  }

  boolean animated() {
    return (flags & ANIMATED) != 0;
  }

  /// Whether the file says that it has transparent pixels.
  boolean alpha() {
    return animated() ? (flags & ALPHA) != 0 : (flags & ALPHA) != 0 || frames.getFirst().alpha();
  }

  int orientation() {
    return exif.orientation();
  }

  /// In the order in which they are shown, at least one.
  List<Frame> frames() {
    return List.copyOf(frames);
  }
}
