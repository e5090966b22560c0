package dev.fovea.engine.onnx;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession.SessionOptions.ExecutionMode;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.model.ServableModel;
import java.util.ArrayList;
import java.util.List;

/// Reads a model's ONNX Runtime parameters, under the names that Triton's back end gives them:
/// `intra_op_thread_count` (1 where nothing is said: parallelism comes from instances),
/// `inter_op_thread_count`, `execution_mode` (0 sequential, 1 parallel), `enable_mem_arena`,
/// `enable_mem_pattern` (0 or 1), and `optimization.graph.level` (0 all, 1 extended, -1 basic, 2
/// none).
final class SessionSettings {
  private static final int MAX_THREADS = 256;

  private final ServableModel model;
  private final List<Fault> faults = new ArrayList<>();

  private SessionSettings(ServableModel model) {
    this.model = model;
  }

  /// @throws FaultyConfigurationException naming each parameter that is out of range
  static SessionOptions of(ServableModel model) throws OrtException {
    return new SessionSettings(model).read();
  }

  private SessionOptions read() throws OrtException {
    int intraOp = number("intra_op_thread_count", 1, 0, MAX_THREADS);
    int interOp = number("inter_op_thread_count", 1, 0, MAX_THREADS);
    int mode = number("execution_mode", 0, 0, 1);
    int arena = number("enable_mem_arena", 1, 0, 1);
    int pattern = number("enable_mem_pattern", 1, 0, 1);
    OptLevel level = level();
    if (!faults.isEmpty()) {
      throw new FaultyConfigurationException(faults);
    }
    SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(intraOp);
    options.setInterOpNumThreads(interOp);
    options.setExecutionMode(mode == 0 ? ExecutionMode.SEQUENTIAL : ExecutionMode.PARALLEL);
    options.setCPUArenaAllocator(arena == 1);
    options.setMemoryPatternOptimization(pattern == 1);
    options.setOptimizationLevel(level);
    // Threads that spin while they wait take the processor from those that decode and answer.
    options.addConfigEntry("session.intra_op.allow_spinning", "0");
    options.addConfigEntry("session.inter_op.allow_spinning", "0");
    return options;
  }

  private int number(String key, int otherwise, int min, int max) {
    String value = model.parameters().get(key);
    if (value == null) {
      return otherwise;
    }
    if (value.matches("[0-9]{1,9}")) {
      int number = Integer.parseInt(value);
      if (number >= min && number <= max) {
        return number;
      }
    }
    fault("parameters." + key, value, min + " to " + max);
    return otherwise;
  }

  private OptLevel level() {
    return switch (model.graphLevel()) {
      case 0 -> OptLevel.ALL_OPT;
      case 1 -> OptLevel.EXTENDED_OPT;
      case -1 -> OptLevel.BASIC_OPT;
      case 2 -> OptLevel.NO_OPT;
      default -> {
        fault("optimization.graph.level", String.valueOf(model.graphLevel()), "-1, 0, 1 or 2");
        yield OptLevel.ALL_OPT;
      }
    };
  }

  private void fault(String field, String value, String expected) {
    faults.add(new Fault(model.name() + "/config.pbtxt", field, value, expected));
  }
}
