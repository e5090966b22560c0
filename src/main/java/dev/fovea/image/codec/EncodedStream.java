package dev.fovea.image.codec;

import javax.imageio.stream.ImageInputStreamImpl;

/// Encoded bytes as the JDK's readers take them. Remembers whether a reader wanted more than there
/// is: the sign of a file that was cut short, which those readers paint grey.
final class EncodedStream extends ImageInputStreamImpl {
  private final byte[] bytes;
  private boolean endReached;

  EncodedStream(byte[] bytes) {
    this.bytes = bytes;
  }

  boolean endReached() {
    return endReached;
  }

  @Override
  public int read() {
    bitOffset = 0;
    return atEnd() ? -1 : bytes[(int) streamPos++] & 0xFF;
  }

  @Override
  public int read(byte[] target, int offset, int length) {
    bitOffset = 0;
    if (atEnd()) {
      return -1;
    }
    int count = (int) Math.min(length, bytes.length - streamPos);
    System.arraycopy(bytes, (int) streamPos, target, offset, count);
    streamPos += count;
    return count;
  }

  private boolean atEnd() {
    endReached |= streamPos >= bytes.length;
    return streamPos >= bytes.length;
  }

  @Override
  public long length() {
    return bytes.length;
  }
}
