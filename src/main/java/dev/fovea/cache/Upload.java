package dev.fovea.cache;

import dev.fovea.call.Caller;
import dev.fovea.failure.GatewayException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/// An image on its way. Its bytes count as taken from the moment they come, one by one: the memory
/// that holds them is at most twice as large, in however small pieces they come. Unless the image
/// is kept in the end, closing gives all of it back. For one thread.
public final class Upload implements AutoCloseable {
  private final UploadedImages images;
  private final Caller caller;
  private byte[] bytes = {};
  private int size;
  private boolean ended;

  Upload(UploadedImages images, Caller caller) {
    this.images = images;
    this.caller = caller;
  }

  /// Takes the next bytes.
  ///
  /// @throws GatewayException with `IMAGE_STORE_FULL` when there is no room for them
  public void append(ByteBuffer chunk) {
    int more = chunk.remaining();
    images.grow(caller, more);
    int needed = Math.addExact(size, more);
    if (needed > bytes.length) {
      bytes = Arrays.copyOf(bytes, (int) Math.max(needed, Math.min(2L * size, 1 << 30)));
    }
    chunk.get(chunk.position(), bytes, size, more);
    size = needed;
  }

  /// Bytes that have come so far.
  public int size() {
    return size;
  }

  /// The bytes that have come so far, read-only.
  public ByteBuffer bytes() {
    return ByteBuffer.wrap(bytes, 0, size).asReadOnlyBuffer();
  }

  /// Keeps the image until its time is over, in no more memory than it needs.
  public UploadedImage keep() {
    bytes = Arrays.copyOf(bytes, size);
    UploadedImage image = images.keep(caller, bytes());
    ended = true;
    return image;
  }

  /// Gives back what was taken, unless it is kept.
  @Override
  public void close() {
    if (!ended) {
      ended = true;
      images.release(caller, 1, size);
    }
  }
}
