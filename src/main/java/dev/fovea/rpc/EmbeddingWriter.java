package dev.fovea.rpc;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.image.PixelBox;
import dev.fovea.kernel.Vectors;
import dev.fovea.model.EmbeddingSpace;
import dev.fovea.task.Embedding;
import dev.fovea.v1.VectorEncoding;
import java.util.Arrays;
import java.util.OptionalInt;

/// Writes embeddings in the form that a caller wants.
///
/// @param dimension leading components that are kept; empty for all
/// @param normalize whether vectors are scaled to length 1
/// @param encoding the form of the components
record EmbeddingWriter(OptionalInt dimension, boolean normalize, VectorEncoding encoding) {
  /// @throws GatewayException with `INVALID_FIELD` when the model was not trained to be cut to that
  ///   dimension
  static OptionalInt dimension(int wanted, ServedFamily family) {
    EmbeddingSpace space = family.family().space().orElseThrow();
    if (wanted != space.dimension() && !space.outputDimensions().contains(wanted)) {
      throw GatewayException.invalidField(
          "output_dimension",
          Integer.toUnsignedLong(wanted),
          space.outputDimensions().isEmpty()
              ? "%d, the only one of %s".formatted(space.dimension(), family.family().name())
              : "%d or one of %s".formatted(space.dimension(), space.outputDimensions()));
    }
    return OptionalInt.of(wanted);
  }

  dev.fovea.v1.Embedding write(Embedding embedding) {
    float[] vector = embedding.vector();
    if (dimension.isPresent() && dimension.getAsInt() < vector.length) {
      vector = Arrays.copyOf(vector, dimension.getAsInt());
    }
    if (normalize) {
      vector = Vectors.normalised(vector);
    }
    dev.fovea.v1.Embedding.Builder written =
        dev.fovea.v1.Embedding.newBuilder()
            .setVector(VectorWriter.write(vector, encoding))
            .setNormalized(normalize)
            .setCacheHit(embedding.origin() == Embedding.Origin.CACHE);
    switch (embedding.facts()) {
      case Embedding.ImageFacts(int width, int height, PixelBox region) -> {
        written.setOrientedWidth(width).setOrientedHeight(height);
        if (!region.isWhole(width, height)) {
          written.setRegion(ReplyWriter.pixelBox(region));
        }
      }
      case Embedding.TextFacts(int tokens, boolean truncated) ->
          written.setTokens(tokens).setTruncated(truncated);
    }
    return written.build();
  }
}
