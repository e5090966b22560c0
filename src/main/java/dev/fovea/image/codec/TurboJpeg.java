package dev.fovea.image.codec;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.fovea.image.Pixels;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/// libjpeg-turbo, where the system has it, by its TurboJPEG interface of version 2, which version 3
/// still offers. Defaults of the library: the exact inverse transform, and chroma enlarged
/// smoothly.
///
/// @param open `tjhandle tjInitDecompress(void)`
/// @param close `int tjDestroy(tjhandle)`
/// @param readHeader `int tjDecompressHeader3(tjhandle, const unsigned char* data, unsigned long
///   size, int* width, int* height, int* subsampling, int* colourSpace)`
/// @param decompress `int tjDecompress2(tjhandle, const unsigned char* data, unsigned long size,
///   unsigned char* out, int width, int pitch, int height, int pixelFormat, int flags)`
record TurboJpeg(
    MethodHandle open, MethodHandle close, MethodHandle readHeader, MethodHandle decompress) {
  private static final List<String> NAMES = List.of("libturbojpeg.so.0", "libturbojpeg.dylib");
  private static final int RGB = 0;
  private static final int CMYK = 11;
  private static final int STOP_ON_WARNING = 8192;
  private static final int LIMIT_SCANS = 32768;

  /// Looks for the library.
  static Native<TurboJpeg> load() {
    String reason = "";
    for (String name : NAMES) {
      try {
        return new Native.Present<>(bind(SymbolLookup.libraryLookup(name, Arena.global())));
      } catch (RuntimeException | LinkageError e) {
        reason = e.getMessage();
      }
    }
    return new Native.Missing<>("libjpeg-turbo: " + reason);
  }

  private static TurboJpeg bind(SymbolLookup symbols) {
    Linker linker = Linker.nativeLinker();
    return new TurboJpeg(
        linker.downcallHandle(
            symbols.findOrThrow("tjInitDecompress"), FunctionDescriptor.of(ADDRESS)),
        linker.downcallHandle(
            symbols.findOrThrow("tjDestroy"), FunctionDescriptor.of(JAVA_INT, ADDRESS)),
        linker.downcallHandle(
            symbols.findOrThrow("tjDecompressHeader3"),
            FunctionDescriptor.of(
                JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, ADDRESS)),
        linker.downcallHandle(
            symbols.findOrThrow("tjDecompress2"),
            FunctionDescriptor.of(
                JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT,
                JAVA_INT, JAVA_INT)));
  }

  /// Decodes a file that the library has nothing to say against; empty when it has.
  ///
  /// @param file that `jpeg` was read from
  /// @param denominator 1, 2, 4 or 8: sides are that part of the header's, rounded up
  /// @return pixels outside the heap, where the library has put them
  Optional<Pixels> decode(JpegFile jpeg, ByteReader file, int denominator) {
    int width = Math.ceilDiv(jpeg.width(), denominator);
    int height = Math.ceilDiv(jpeg.height(), denominator);
    long size = (long) channels(jpeg) * width * height;
    try (NativeMemory plain = NativeMemory.allocate(jpeg.plainBytes(file))) {
      jpeg.writePlain(file, plain.segment().asByteBuffer());
      return NativeMemory.filled(size, out -> decode(plain.segment(), jpeg, denominator, out))
          .map(samples -> pixels(samples, jpeg, width, height));
    }
  }

  private static Pixels pixels(NativeMemory samples, JpegFile jpeg, int width, int height) {
    if (channels(jpeg) == 3) {
      return samples.pixels(width, height);
    }
    try (samples) {
      return new Pixels(width, height, Cmyk.toRgbInverted(samples.toArray()));
    }
  }

  private static int channels(JpegFile jpeg) {
    return jpeg.components().size() == 4 ? 4 : 3;
  }

  /// As [#decode(JpegFile, ByteReader, int)], from memory to memory.
  ///
  /// @param file as [JpegFile#plain] makes it
  /// @return whether `out` holds the image
  boolean decode(MemorySegment file, JpegFile jpeg, int denominator, MemorySegment out) {
    try {
      MemorySegment handle = (MemorySegment) open.invokeExact();
      if (handle.equals(MemorySegment.NULL)) {
        return false;
      }
      try {
        return hasSize(handle, file, jpeg.width(), jpeg.height())
            && decompress(handle, file, jpeg, denominator, out);
      } finally {
        int _ = (int) close.invokeExact(handle);
      }
    } catch (Throwable e) {
      throw NativeMemory.unexpected(e);
    }
  }

  private boolean decompress(
      MemorySegment handle, MemorySegment file, JpegFile jpeg, int denominator, MemorySegment out)
      throws Throwable {
    int width = Math.ceilDiv(jpeg.width(), denominator);
    int height = Math.ceilDiv(jpeg.height(), denominator);
    int failed =
        (int)
            decompress.invokeExact(
                handle,
                file,
                file.byteSize(),
                out,
                width,
                channels(jpeg) * width,
                height,
                channels(jpeg) == 4 ? CMYK : RGB,
                STOP_ON_WARNING | LIMIT_SCANS);
    return failed == 0;
  }

  /// Whether the library reads the same size as we do: what it writes must fit.
  private boolean hasSize(MemorySegment handle, MemorySegment file, int width, int height)
      throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment facts = arena.allocate(JAVA_INT, 4);
      int failed =
          (int)
              readHeader.invokeExact(
                  handle,
                  file,
                  file.byteSize(),
                  facts,
                  facts.asSlice(4),
                  facts.asSlice(8),
                  facts.asSlice(12));
      return failed == 0
          && facts.getAtIndex(JAVA_INT, 0) == width
          && facts.getAtIndex(JAVA_INT, 1) == height;
    }
  }
}
