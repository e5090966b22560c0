package dev.fovea.engine.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.model.Sequencing;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/// Holds a model's configuration against the graph itself: a mismatch that is not found here would
/// show as wrong answers.
final class SignatureCheck {
  private final ServableModel model;
  private final List<Fault> faults = new ArrayList<>();

  private SignatureCheck(ServableModel model) {
    this.model = model;
  }

  /// @throws FaultyConfigurationException naming both sides of each mismatch
  static void of(ServableModel model, OrtSession session) throws OrtException {
    SignatureCheck check = new SignatureCheck(model);
    check.compare("input", model.signature().inputs(), session.getInputInfo());
    check.compare("output", model.signature().outputs(), session.getOutputInfo());
    List<Sequencing.State> states = model.signature().sequencing().states();
    check.compare(
        "state", states.stream().map(Sequencing.State::input).toList(), session.getInputInfo());
    check.compare(
        "state", states.stream().map(Sequencing.State::output).toList(), session.getOutputInfo());
    check.requireAllInputs(session);
    if (!check.faults.isEmpty()) {
      throw new FaultyConfigurationException(check.faults);
    }
  }

  private void compare(String kind, List<TensorSpec> specs, Map<String, NodeInfo> graph) {
    for (TensorSpec spec : specs) {
      NodeInfo node = graph.get(spec.name());
      if (node == null) {
        fault(kind + "." + spec.name(), "not in the graph", "one of " + graph.keySet());
      } else if (node.getInfo() instanceof TensorInfo info) {
        compare(kind, spec, info);
      } else {
        fault(kind + "." + spec.name(), "no tensor in the graph", "a tensor");
      }
    }
  }

  private void compare(String kind, TensorSpec spec, TensorInfo info) {
    Optional<DataType> type = OnnxTypes.dataType(info.type);
    if (type.isEmpty() || type.get() != spec.type()) {
      fault(
          kind + "." + spec.name() + ".data_type",
          spec.type(),
          info.type + ", as the graph has it");
    }
    long[] extents = info.getShape();
    Shape batched = spec.shape().batched(Shape.ANY);
    boolean fits = extents.length == batched.rank() && extents[0] < 0;
    for (int axis = 1; fits && axis < extents.length; axis++) {
      fits = extents[axis] < 0 || extents[axis] == batched.extent(axis);
    }
    if (!fits) {
      fault(
          kind + "." + spec.name() + ".dims",
          spec.shape() + " behind an open batch extent",
          Arrays.toString(extents) + ", as the graph has it");
    }
  }

  private void requireAllInputs(OrtSession session) {
    TreeSet<String> missing = new TreeSet<>(session.getInputNames());
    model.signature().inputs().forEach(spec -> missing.remove(spec.name()));
    model.signature().sequencing().states().forEach(state -> missing.remove(state.input().name()));
    if (!missing.isEmpty()) {
      fault("input", "without " + missing, "every input of the graph");
    }
  }

  private void fault(String field, Object value, String expected) {
    faults.add(new Fault(model.name() + "/config.pbtxt", field, String.valueOf(value), expected));
  }
}
