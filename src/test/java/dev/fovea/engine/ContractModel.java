package dev.fovea.engine;

import dev.fovea.model.BatchPolicy;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.model.Signature;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The model that every engine is judged with, as `src/test/python/contract_model.py` describes it:
/// `doubled` is 2x + 1, `copied` is x, `spin` costs time, and an `index` other than 0 fails the
/// execution.
public final class ContractModel {
  public static final int MAX_BATCH_SIZE = 4;
  public static final int INSTANCES = 2;

  private ContractModel() {}

  public static ServableModel servable() {
    return servable(signature(), Map.of());
  }

  public static Signature signature() {
    return new Signature(
        List.of(
            new TensorSpec("x", DataType.FP32, Shape.of(Shape.ANY)),
            new TensorSpec("spin", DataType.INT64, Shape.of(1)),
            new TensorSpec("index", DataType.INT64, Shape.of(1))),
        List.of(
            new TensorSpec("doubled", DataType.FP32, Shape.of(Shape.ANY)),
            new TensorSpec("copied", DataType.FP32, Shape.of(Shape.ANY))),
        MAX_BATCH_SIZE);
  }

  public static ServableModel servable(Signature signature, Map<String, String> parameters) {
    return servable(signature, BatchPolicy.DEFAULT, parameters);
  }

  public static ServableModel servable(Signature signature, BatchPolicy policy) {
    return servable(signature, policy, Map.of());
  }

  private static ServableModel servable(
      Signature signature, BatchPolicy policy, Map<String, String> parameters) {
    return new ServableModel(
        "contract",
        "1",
        "contract",
        Role.VISION,
        Path.of("src/test/resources/models/contract.onnx"),
        signature,
        policy,
        INSTANCES,
        0,
        parameters,
        "doubled",
        List.of(),
        Optional.empty(),
        Optional.empty(),
        "",
        "",
        Optional.empty());
  }

  /// A row that costs no time.
  public static Map<String, Tensor> row(float... x) {
    return row(0, 0, x);
  }

  /// A row whose execution takes `spin` turns.
  public static Map<String, Tensor> slowRow(long spin, float... x) {
    return row(spin, 0, x);
  }

  /// A row that fails the execution it is in.
  public static Map<String, Tensor> poisonedRow(float... x) {
    return row(0, 7, x);
  }

  private static Map<String, Tensor> row(long spin, long index, float... x) {
    return Map.of(
        "x", Tensor.ofFloats(Shape.of(x.length), x),
        "spin", Tensor.ofLongs(Shape.of(1), spin),
        "index", Tensor.ofLongs(Shape.of(1), index));
  }
}
