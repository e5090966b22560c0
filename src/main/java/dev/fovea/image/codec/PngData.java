package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/// The image data of a PNG file: the content of its IDAT chunks, inflated as far as it is asked for
/// and no further, so that a bomb costs no more than the picture it declares.
final class PngData implements AutoCloseable {
  private static final int CRC_BYTES = 4;

  private final Inflater inflater = new Inflater();
  private final ByteReader file;

  PngData(PngFile png) {
    this.file = png.data();
    nextChunk();
  }

  /// Fills `line` up to `length`.
  void read(byte[] line, int length) {
    try {
      for (int done = 0; done < length; ) {
        int more = inflater.inflate(line, done, length - done);
        if (more == 0) {
          refill();
        }
        done += more;
      }
    } catch (DataFormatException e) {
      throw Refusals.undecodable(ImageFormat.PNG, e);
    }
  }

  private void refill() {
    if (inflater.finished() || inflater.needsDictionary() || !nextChunk()) {
      throw Refusals.damaged(ImageFormat.PNG, "image data", "too short", "every row");
    }
  }

  /// Hands the next IDAT chunk to the inflater; a file that ends in the middle of one still gives
  /// what it has.
  private boolean nextChunk() {
    if (file.remaining() < 2 * CRC_BYTES) {
      return false;
    }
    long length = file.u32();
    if (!file.slice(4).text().equals("IDAT")) {
      return false;
    }
    inflater.setInput(file.slice(Math.min(length, file.remaining())).buffer());
    file.skip(Math.min(CRC_BYTES, file.remaining()));
    return true;
  }

  @Override
  public void close() {
    inflater.end();
  }
}
