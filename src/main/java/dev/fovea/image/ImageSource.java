package dev.fovea.image;

import static java.util.Objects.requireNonNull;

import java.nio.ByteBuffer;

/// An image as a client sent it: nothing about it is trusted yet.
public sealed interface ImageSource {
  /// What was sent, from position to limit; read with absolute indices and never changed.
  ByteBuffer bytes();

  /// A file of some image format; which one is read from its first bytes, never from a name.
  ///
  /// @param bytes the file, from position to limit; read with absolute indices and never changed
  record Encoded(ByteBuffer bytes) implements ImageSource {
    public Encoded {
      requireNonNull(bytes, "bytes");
    }
  }

  /// Pixels as they are.
  ///
  /// @param format how a pixel lies in memory
  /// @param width pixels a row
  /// @param height rows
  /// @param stride bytes from the start of one row to the start of the next; zero when rows follow
  ///   each other directly
  /// @param bytes the rows, top down, from position to limit; read with absolute indices and never
  ///   changed
  record Raw(PixelFormat format, int width, int height, int stride, ByteBuffer bytes)
      implements ImageSource {
    public Raw {
      requireNonNull(format, "format");
      requireNonNull(bytes, "bytes");
    }
  }
}
