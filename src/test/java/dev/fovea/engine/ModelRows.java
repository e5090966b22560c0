package dev.fovea.engine;

import dev.fovea.image.Pixels;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.model.TextInputs;
import dev.fovea.tensor.Tensor;
import dev.fovea.text.Truncation;
import java.util.ArrayList;
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
      rows.add(model.role() == Role.VISION ? image(model, random) : text(model, random));
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
}
