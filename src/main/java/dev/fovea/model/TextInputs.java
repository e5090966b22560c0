package dev.fovea.model;

import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import dev.fovea.text.Encoding;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The input tensors of a text encoder, under the names that Hugging Face models give them:
/// `input_ids` and, where the model takes it, `attention_mask`, both INT64 of one extent.
public final class TextInputs {
  static final String IDS = "input_ids";
  static final String MASK = "attention_mask";
  static final List<TensorSpec> SPECS =
      List.of(
          new TensorSpec(IDS, DataType.INT64, Shape.of(Shape.ANY)),
          new TensorSpec(MASK, DataType.INT64, Shape.of(Shape.ANY)));

  /// Rows of open length are padded to a multiple of this, so that texts of about equal length
  /// share a batch.
  private static final int LENGTH_STEP = 16;

  private TextInputs() {}

  /// One encoding as a row of the model's inputs: padded behind its last token to the length that
  /// the model's signature states, or to the next multiple of 16 that the model can read.
  public static Map<String, Tensor> row(
      ServableModel model, Encoding encoding, TensorAllocator memory) {
    long padId = model.tokenizer().orElseThrow().padId();
    int length = paddedLength(model, encoding.length());
    Map<String, Tensor> row = new HashMap<>();
    for (TensorSpec input : model.signature().inputs()) {
      Tensor tensor = memory.allocate(DataType.INT64, Shape.of(length));
      boolean mask = input.name().equals(MASK);
      for (int i = 0; i < length; i++) {
        boolean token = i < encoding.length();
        tensor.setLong(i, mask ? (token ? 1 : 0) : token ? encoding.ids()[i] : padId);
      }
      row.put(input.name(), tensor);
    }
    return row;
  }

  private static int paddedLength(ServableModel model, int tokens) {
    long stated = model.signature().input(IDS).orElseThrow().shape().extent(0);
    if (stated != Shape.ANY) {
      return Math.toIntExact(stated);
    }
    int maxTokens = model.tokenizer().orElseThrow().maxTokens();
    int stepped = (tokens + LENGTH_STEP - 1) / LENGTH_STEP * LENGTH_STEP;
    return Math.max(tokens, Math.min(stepped, maxTokens));
  }
}
