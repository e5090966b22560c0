package dev.fovea.image;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;

/// To which size an image is resized: the rules of transformers, each with its own rounding. A
/// rule's text is part of the preprocessing digest.
sealed interface SizeRule {
  /// The size that an image of `width` × `height` is resized to. A side may come out as 0 where an
  /// image is too long for the rule.
  Size apply(int width, int height);

  /// Whether the proportions of the image are kept, but for rounding.
  default boolean keepsAspect() {
    return true;
  }

  /// Every image to the same size (`height`, `width`).
  record Exactly(int height, int width) implements SizeRule {
    @Override
    public Size apply(int imageWidth, int imageHeight) {
      return new Size(width, height);
    }

    @Override
    public boolean keepsAspect() {
      return false;
    }
  }

  /// The shorter side to a length, the longer one in proportion (`get_resize_output_image_size`).
  record ShortestEdge(int edge) implements SizeRule {
    @Override
    public Size apply(int width, int height) {
      int shorter = Math.min(width, height);
      int longer = Math.max(width, height);
      int scaled = (int) ((double) ((long) edge * longer) / shorter);
      return width <= height ? new Size(edge, scaled) : new Size(scaled, edge);
    }
  }

  /// As [ShortestEdge], but no side longer than a second length (`get_size_with_aspect_ratio`).
  record ShortestAndLongestEdge(int shortest, int longest) implements SizeRule {
    @Override
    public Size apply(int width, int height) {
      double shorter = Math.min(width, height);
      double longer = Math.max(width, height);
      boolean capped = longer / shorter * shortest > longest;
      double exact = capped ? longest * shorter / longer : shortest;
      int edge = capped ? (int) Math.rint(exact) : shortest;
      if ((height <= width && height == edge) || (width <= height && width == edge)) {
        return new Size(width, height);
      }
      return width < height
          ? new Size(edge, (int) (exact * height / width))
          : new Size((int) (exact * width / height), edge);
    }
  }

  /// As large as a box allows (`get_image_size_for_max_height_width`).
  record WithinBox(int maxHeight, int maxWidth) implements SizeRule {
    @Override
    public Size apply(int width, int height) {
      double scale = Math.min((double) maxHeight / height, (double) maxWidth / width);
      return new Size((int) (width * scale), (int) (height * scale));
    }
  }

  /// Pixtral: no larger than a box, then up to whole patches.
  record WholePatches(int maxHeight, int maxWidth, int patchHeight, int patchWidth)
      implements SizeRule {
    @Override
    public Size apply(int width, int height) {
      double ratio = Math.max((double) height / maxHeight, (double) width / maxWidth);
      int shrunkWidth = ratio > 1 ? (int) Math.floor(width / ratio) : width;
      int shrunkHeight = ratio > 1 ? (int) Math.floor(height / ratio) : height;
      return new Size(
          Math.ceilDiv(shrunkWidth, patchWidth) * patchWidth,
          Math.ceilDiv(shrunkHeight, patchHeight) * patchHeight);
    }
  }

  /// Qwen's `smart_resize`: whole multiples of a factor, and a number of pixels within bounds.
  record SmartResize(int factor, int minPixels, int maxPixels) implements SizeRule {
    private static final int MOST_ASPECT = 200;

    @Override
    public Size apply(int width, int height) {
      double aspect = (double) Math.max(width, height) / Math.min(width, height);
      if (aspect > MOST_ASPECT) {
        throw new GatewayException(
                Reason.IMAGE_DIMENSIONS_EXCEEDED,
                "sides: %d×%d (expected: at most %d:1)".formatted(width, height, MOST_ASPECT))
            .with("width", width)
            .with("height", height)
            .with("maxAspect", MOST_ASPECT);
      }
      long roundedHeight = (long) Math.rint((double) height / factor) * factor;
      long roundedWidth = (long) Math.rint((double) width / factor) * factor;
      double pixels = (double) ((long) height * width);
      if (roundedHeight * roundedWidth > maxPixels) {
        double beta = Math.sqrt(pixels / maxPixels);
        return new Size(
            Math.max(factor, (int) Math.floor(width / beta / factor) * factor),
            Math.max(factor, (int) Math.floor(height / beta / factor) * factor));
      }
      if (roundedHeight * roundedWidth < minPixels) {
        double beta = Math.sqrt(minPixels / pixels);
        return new Size(
            (int) Math.ceil(width * beta / factor) * factor,
            (int) Math.ceil(height * beta / factor) * factor);
      }
      return new Size((int) roundedWidth, (int) roundedHeight);
    }
  }

  /// SigLIP 2 NaFlex: the most patches that are allowed ([PatchGrid#naFlex]).
  record NaFlex(int patchSize, int maxPatches, int maxPerSide) implements SizeRule {
    @Override
    public Size apply(int width, int height) {
      PatchGrid grid = PatchGrid.naFlex(width, height, patchSize, maxPatches).cappedAt(maxPerSide);
      return new Size(grid.columns() * patchSize, grid.rows() * patchSize);
    }
  }

  /// Images stay as large as they are.
  record Unchanged() implements SizeRule {
    @Override
    public Size apply(int width, int height) {
      return new Size(width, height);
    }
  }
}
