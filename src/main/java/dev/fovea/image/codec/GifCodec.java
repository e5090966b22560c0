package dev.fovea.image.codec;

import dev.fovea.image.ImageFormat;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.Pixels;
import java.util.Optional;

/// Graphics Interchange Format: a frame on the logical screen, composed of those before it, as
/// Pillow shows it. A frame that sticks out enlarges the screen.
final class GifCodec implements ImageCodec {
  @Override
  public ImageFormat format() {
    return ImageFormat.GIF;
  }

  @Override
  public boolean recognises(ByteReader file) {
    return file.startsWith("GIF87a") || file.startsWith("GIF89a");
  }

  @Override
  public ImageHeader readHeader(ByteReader file, int wanted) {
    GifFile gif = new GifFile(file);
    int width = gif.screenWidth();
    int height = gif.screenHeight();
    long largest = 0;
    FrameWork work = new FrameWork();
    int frames = 0;
    Optional<GifFrame> next = gif.nextFrame();
    while (next.isPresent()) {
      GifFrame frame = next.get();
      frames++;
      width = Math.max(width, frame.left() + frame.width());
      height = Math.max(height, frame.top() + frame.height());
      largest = Math.max(largest, frame.area());
      work.add(frame.area());
      next = frames <= wanted ? gif.nextFrame() : Optional.empty();
    }
    while (frames > wanted && gif.passFrame()) {
      frames++;
    }
    work.require();
    long pixels = (long) width * height;
    long screenBytes = 4 * (wanted == 0 ? pixels : 2 * pixels + largest);
    long decodedBytes = 3 * pixels + 2 * largest + screenBytes + LzwDecoder.TABLE_BYTES;
    return new ImageHeader(ImageFormat.GIF, width, height, Exif.UPRIGHT, frames, decodedBytes);
  }

  @Override
  public Pixels decode(ByteReader file, ImageHeader header, Request request) {
    GifFile gif = new GifFile(file);
    GifScreen screen = new GifScreen(gif, gif.nextFrame().orElseThrow());
    for (int frame = 1; frame <= request.frame(); frame++) {
      screen.show(gif.nextFrame().orElseThrow());
    }
    return screen.pixels(request.alpha());
  }
}
