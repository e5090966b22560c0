package dev.fovea.engine;

import dev.fovea.image.Pixels;
import dev.fovea.model.ServableModel;
import dev.fovea.model.TextInputs;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import dev.fovea.text.Truncation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Inputs of a shipped model, made as requests make them: images of noise of many sizes, texts of
/// many lengths.
public final class ModelRows {
  private static final int LARGEST_SIDE = 96;
  private static final int LONGEST_TEXT = 24;

  private ModelRows() {}

  /// @param seed equal seeds give equal rows
  public static List<Map<String, Tensor>> of(ServableModel model, int count, long seed) {
    Random random = new Random(seed);
    List<Map<String, Tensor>> rows = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      rows.add(
          switch (model.role()) {
            case VISION -> image(model, random);
            case TEXT -> text(model, random);
            case DEPTH, EMOTION -> features(model, random);
            case DECODER ->
                throw new IllegalArgumentException(model + ": steps of a sequence are no rows");
          });
    }
    return rows;
  }

  private static Map<String, Tensor> image(ServableModel model, Random random) {
    int width = 1 + random.nextInt(LARGEST_SIDE);
    int height = Math.max(1, width / 2 + random.nextInt(width));
    byte[] rgb = new byte[3 * width * height];
    random.nextBytes(rgb);
    return model
        .imageProcessor()
        .orElseThrow()
        .process(new Pixels(width, height, rgb), Tensor::zeros)
        .inputs();
  }

  private static Map<String, Tensor> text(ServableModel model, Random random) {
    StringBuilder text = new StringBuilder();
    for (int words = 1 + random.nextInt(LONGEST_TEXT); words > 0; words--) {
      for (int letters = 1 + random.nextInt(8); letters > 0; letters--) {
        text.append((char) ('a' + random.nextInt(26)));
      }
      text.append(' ');
    }
    return TextInputs.row(
        model,
        model.tokenizer().orElseThrow().encode(text.toString(), Truncation.END),
        Tensor::zeros);
  }

  /// What an image encoder could have seen, on a grid of any size.
  private static Map<String, Tensor> features(ServableModel model, Random random) {
    int columns = 1 + random.nextInt(8);
    int patches = columns * (1 + random.nextInt(8));
    Map<String, Tensor> row = new HashMap<>();
    for (TensorSpec input : model.signature().inputs()) {
      long[] extents = new long[input.shape().rank()];
      for (int axis = 0; axis < extents.length; axis++) {
        extents[axis] = axis == 0 ? patches : input.shape().extent(axis);
      }
      Tensor tensor = Tensor.zeros(input.type(), Shape.of(extents));
      switch (input.type()) {
        case BOOL -> tensor.data().fill((byte) 1);
        case INT32 -> {
          for (int patch = 0; patch < patches; patch++) {
            tensor.setInt(2L * patch, patch / columns);
            tensor.setInt(2L * patch + 1, patch % columns);
          }
        }
        case FP32 -> {
          for (long i = 0; i < tensor.data().byteSize() / Float.BYTES; i++) {
            tensor.setFloat(i, (float) random.nextGaussian());
          }
        }
        default -> throw new IllegalArgumentException("input: " + input);
      }
      row.put(input.name(), tensor);
    }
    return row;
  }
}
