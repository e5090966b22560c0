package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;
import java.util.List;

/// WebP, lossy and lossless, animations frame by frame: the file is read here, its pictures are
/// decoded by libwebp. Where that library cannot be had, files are refused.
final class WebPCodec implements ImageCodec {
  /// What libwebp works in and writes to, and the copy of that in the heap.
  private static final int LIBRARY_BYTES_A_PIXEL = 13;

  private final Native<WebPLibrary> libwebp;

  WebPCodec(Native<WebPLibrary> libwebp) {
    this.libwebp = libwebp;
  }

  @Override
  public ImageFormat format() {
    return ImageFormat.WEBP;
  }

  @Override
  public boolean recognises(ByteReader file) {
    return file.startsWith("RIFF") && file.size() >= 12 && file.from(8).startsWith("WEBP");
  }

  @Override
  public ImageHeader readHeader(ByteReader file, int wanted) {
    library();
    WebPFile webp = WebPFile.read(file);
    List<WebPFile.Frame> frames = webp.frames();
    FrameWork work = new FrameWork();
    long largest = 0;
    for (WebPFile.Frame frame : frames.subList(0, Math.min(wanted + 1, frames.size()))) {
      work.add(frame.area());
      largest = Math.max(largest, frame.area());
    }
    work.require();
    long pixels = (long) webp.width() * webp.height();
    long decodedBytes = 7 * pixels + LIBRARY_BYTES_A_PIXEL * largest + file.size();
    return new ImageHeader(
        ImageFormat.WEBP,
        webp.width(),
        webp.height(),
        webp.orientation(),
        frames.size(),
        decodedBytes);
  }

  @Override
  public Pixels decode(ByteReader file, ImageHeader header, Request request) {
    WebPFile webp = WebPFile.read(file);
    Flattening alpha = request.alpha();
    if (!webp.animated() && (alpha.dropsAlpha() || !webp.alpha())) {
      return picture(webp.frames().getFirst(), false).pixels(webp.width(), webp.height());
    }
    WebPCanvas canvas = new WebPCanvas(webp.width(), webp.height());
    for (WebPFile.Frame frame : webp.frames().subList(0, request.frame() + 1)) {
      try (NativeMemory picture = picture(frame, true)) {
        canvas.show(frame, picture.toArray());
      }
    }
    byte[] rgb = new byte[webp.width() * webp.height() * 3];
    byte[] rgba = canvas.rgba();
    for (int from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
      int opacity = webp.alpha() ? rgba[from + 3] & 0xFF : 0xFF;
      alpha.put(rgb, to, rgba[from] & 0xFF, rgba[from + 1] & 0xFF, rgba[from + 2] & 0xFF, opacity);
    }
    return new Pixels(webp.width(), webp.height(), rgb);
  }

  private NativeMemory picture(WebPFile.Frame frame, boolean alpha) {
    return library().decode(frame.data().buffer(), frame.width(), frame.height(), alpha);
  }

  private WebPLibrary library() {
    return switch (libwebp) {
      case Native.Present<WebPLibrary>(WebPLibrary library) -> library;
      case Native.Missing<WebPLibrary> _ ->
          throw Refusals.unsupported(
              ImageFormat.WEBP, "decoder", "none on this server", "one with libwebp");
    };
  }

  @Override
  public String specification() {
    return switch (libwebp) {
      case Native.Present<WebPLibrary>(WebPLibrary library) -> "libwebp-" + library.versionName();
      case Native.Missing<WebPLibrary> _ -> "none";
    };
  }
}
