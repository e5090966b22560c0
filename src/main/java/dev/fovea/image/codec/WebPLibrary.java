package dev.fovea.image.codec;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.fovea.image.ImageFormat;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/// libwebp, called by way of its C interface.
///
/// The library is the one that the `webp-imageio` jar carries for the common platforms; of that jar
/// nothing else is used. Where it carries none that fits, the system's own is taken.
///
/// @param version `WebPGetDecoderVersion`: major, minor and revision, a byte each
/// @param decodeRgb `uint8_t* WebPDecodeRGBInto(const uint8_t* data, size_t size, uint8_t* out,
///   size_t out_size, int stride)`
/// @param decodeRgba `WebPDecodeRGBAInto`, of the same form
record WebPLibrary(int version, MethodHandle decodeRgb, MethodHandle decodeRgba) {
  private static final String SYSTEM_LIBRARY = "libwebp.so.7";

  private static final FunctionDescriptor DECODE_INTO =
      FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT);

  /// Looks for the library.
  static Native<WebPLibrary> load() {
    try {
      return new Native.Present<>(bind(lookup()));
    } catch (IOException | RuntimeException | LinkageError e) {
      return new Native.Missing<>("libwebp: " + e.getMessage());
    }
  }

  private static SymbolLookup lookup() throws IOException {
    String resource = resource();
    try (InputStream in = WebPLibrary.class.getResourceAsStream(resource)) {
      if (in == null) {
        return SymbolLookup.libraryLookup(SYSTEM_LIBRARY, Arena.global());
      }
      Path file = Files.createTempFile("fovea-libwebp", ".lib");
      try {
        Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        return SymbolLookup.libraryLookup(file, Arena.global());
      } finally {
        file.toFile().deleteOnExit();
      }
    }
  }

  /// Where the jar has the library of this platform.
  private static String resource() {
    String machine =
        switch (System.getProperty("os.arch")) {
          case "amd64", "x86_64" -> "x86_64";
          case "aarch64", "arm64" -> "aarch64";
          default -> "none";
        };
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    if (system.startsWith("mac")) {
      return "/native/Mac/" + machine + "/libwebp-imageio.dylib";
    }
    return system.startsWith("windows")
        ? "/native/Windows/" + machine + "/webp-imageio.dll"
        : "/native/Linux/" + machine + "/libwebp-imageio.so";
  }

  private static WebPLibrary bind(SymbolLookup symbols) {
    Linker linker = Linker.nativeLinker();
    MethodHandle version =
        linker.downcallHandle(
            symbols.findOrThrow("WebPGetDecoderVersion"), FunctionDescriptor.of(JAVA_INT));
    return new WebPLibrary(
        version(version),
        linker.downcallHandle(symbols.findOrThrow("WebPDecodeRGBInto"), DECODE_INTO),
        linker.downcallHandle(symbols.findOrThrow("WebPDecodeRGBAInto"), DECODE_INTO));
  }

  private static int version(MethodHandle function) {
    try {
      return (int) function.invokeExact();
    } catch (Throwable e) {
      throw NativeMemory.unexpected(e);
    }
  }

  /// As people write it.
  String versionName() {
    return "%d.%d.%d".formatted(version >> 16, version >> 8 & 0xFF, version & 0xFF);
  }

  /// The pixels of one picture: 3 bytes each, or 4 with alpha.
  ///
  /// @param data the chunks `ALPH` and `VP8 `, or `VP8L`
  NativeMemory decode(ByteBuffer data, int width, int height, boolean alpha) {
    int stride = width * (alpha ? 4 : 3);
    try (NativeMemory in = NativeMemory.copyOf(data)) {
      return NativeMemory.filled(
              (long) stride * height,
              out -> decode(alpha ? decodeRgba : decodeRgb, in.segment(), out, stride))
          .orElseThrow(() -> Refusals.undecodable(ImageFormat.WEBP, null));
    }
  }

  private static boolean decode(
      MethodHandle function, MemorySegment in, MemorySegment out, int stride) {
    try {
      MemorySegment done =
          (MemorySegment) function.invokeExact(in, in.byteSize(), out, out.byteSize(), stride);
      return !done.equals(MemorySegment.NULL);
    } catch (Throwable e) {
      throw NativeMemory.unexpected(e);
    }
  }
}
