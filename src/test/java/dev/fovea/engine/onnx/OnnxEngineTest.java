package dev.fovea.engine.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Clock;
import dev.fovea.engine.ContractModel;
import dev.fovea.engine.Engine;
import dev.fovea.engine.EngineContractTest;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.model.ServableModel;
import dev.fovea.model.Signature;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class OnnxEngineTest extends EngineContractTest {
  @Override
  protected Engine engine(Clock clock) {
    return new OnnxEngine(clock, QUEUE_SIZE);
  }

  @Test
  void refusesASignatureThatTheGraphDoesNotHave() {
    Signature wrong =
        new Signature(
            List.of(
                new TensorSpec("x", DataType.FP64, Shape.of(Shape.ANY)),
                new TensorSpec("spin", DataType.INT64, Shape.of(2)),
                new TensorSpec("poison", DataType.INT64, Shape.of(1))),
            List.of(new TensorSpec("doubled", DataType.FP32, Shape.of(Shape.ANY))),
            4);

    assertThatThrownBy(() -> open(ContractModel.servable(wrong, Map.of())))
        .isInstanceOfSatisfying(
            FaultyConfigurationException.class,
            e ->
                assertThat(e.faults())
                    .extracting(Fault::field)
                    .containsExactlyInAnyOrder(
                        "input.x.data_type", "input.spin.dims", "input.poison", "input"));
  }

  @Test
  void refusesParametersOutOfRange() {
    ServableModel model =
        ContractModel.servable(
            ContractModel.signature(),
            Map.of("intra_op_thread_count", "many", "execution_mode", "2"));

    assertThatThrownBy(() -> open(model))
        .isInstanceOf(FaultyConfigurationException.class)
        .hasMessageContaining("parameters.intra_op_thread_count: many (expected: 0 to 256)")
        .hasMessageContaining("parameters.execution_mode: 2 (expected: 0 to 1)");
  }

  @Test
  void runsWithEveryParameterThatItKnows() {
    ServableModel model =
        ContractModel.servable(
            ContractModel.signature(),
            Map.of(
                "intra_op_thread_count", "2",
                "inter_op_thread_count", "2",
                "execution_mode", "1",
                "enable_mem_arena", "0",
                "enable_mem_pattern", "0"));

    open(model);
  }

  private static void open(ServableModel model) {
    try (Engine engine = new OnnxEngine(Clock.system(), QUEUE_SIZE)) {
      engine.open(model).close();
    }
  }
}
