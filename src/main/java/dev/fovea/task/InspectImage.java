package dev.fovea.task;

import dev.fovea.failure.GatewayException;
import dev.fovea.image.ImageDecoder;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageLimits;
import dev.fovea.image.PixelBox;

/// Tells what an image is, from its header alone.
public final class InspectImage {
  private final ImageDecoder decoder;
  private final ImageLimits limits;

  public InspectImage(ImageDecoder decoder, ImageLimits limits) {
    this.decoder = decoder;
    this.limits = limits;
  }

  /// Which decoders are in use, for clients to read.
  public String decoders() {
    return decoder.specification();
  }

  /// What is known of an image before it is decoded.
  ///
  /// @param header what it declares of itself
  /// @param width pixels a row of the image as its options show it
  /// @param height its rows
  /// @param region the part of it that is looked at
  public record Inspection(ImageHeader header, int width, int height, PixelBox region) {}

  /// @throws GatewayException as [ImageDecoder#readHeader]; with `IMAGE_DIMENSIONS_EXCEEDED` also
  ///   when the region is longer and narrower than an image may be
  public Inspection run(Content.Image image) {
    ImageHeader header = decoder.readHeader(image.source(), image.options());
    int width = header.shownWidth(image.options());
    int height = header.shownHeight(image.options());
    PixelBox region = image.region().within(width, height);
    try {
      limits.requireDimensions(region.width(), region.height());
    } catch (GatewayException refusal) {
      throw refusal.under("region");
    }
    return new Inspection(header, width, height, region);
  }
}
