package dev.fovea.engine.triton;

import static java.util.Objects.requireNonNull;

import dev.fovea.model.Signature;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import inference.InferParameter;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The tensors of one request in memory that the server reads and writes: its inputs, and those of
/// its outputs whose size is known beforehand.
///
/// @param plan where each lies in the slot
/// @param slot the memory
record SharedTensors(Plan plan, SharedRegion.Slot slot) {
  private static final long ALIGNMENT = 64;

  /// Part of a slot.
  ///
  /// @param from where it begins
  /// @param length how long it is, in bytes
  record Area(long from, long length) {}

  /// The areas of a request's tensors, by name. Empty tensors have none: a server takes them over
  /// the connection alone.
  ///
  /// @param bytes of all of them
  record Plan(Map<String, Area> inputs, Map<String, Area> outputs, long bytes) {
    /// @param rows of equal shapes
    static Plan of(Signature signature, List<Map<String, Tensor>> rows, Set<String> outputs) {
      Map<String, Area> in = new HashMap<>();
      Map<String, Area> out = new HashMap<>();
      long end = 0;
      for (TensorSpec input : signature.inputs()) {
        Tensor row = requireNonNull(rows.getFirst().get(input.name()));
        end = add(in, input.name(), end, row.data().byteSize() * rows.size());
      }
      for (TensorSpec output : signature.outputs()) {
        boolean isKnown = output.type().isFixedSize() && output.shape().isFixed();
        if (isKnown && outputs.contains(output.name())) {
          long size = Tensor.byteSize(output.type(), output.shape());
          end = add(out, output.name(), end, size * rows.size());
        }
      }
      return new Plan(in, out, end);
    }

    private static long add(Map<String, Area> areas, String name, long from, long length) {
      if (length > 0) {
        areas.put(name, new Area(from, length));
      }
      return (from + length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
  }

  /// Copies an input, row by row.
  ///
  /// @return where the server finds it; empty when it has no area
  Optional<Map<String, InferParameter>> put(String input, List<Map<String, Tensor>> rows) {
    Area area = plan.inputs().get(input);
    if (area == null) {
      return Optional.empty();
    }
    MemorySegment memory = memory(area);
    long at = 0;
    for (Map<String, Tensor> row : rows) {
      MemorySegment data = requireNonNull(row.get(input)).data();
      MemorySegment.copy(data, 0, memory, at, data.byteSize());
      at += data.byteSize();
    }
    return Optional.of(parameters(area));
  }

  /// Where the server puts an output; empty when it has no area.
  Optional<Map<String, InferParameter>> place(String output) {
    return Optional.ofNullable(plan.outputs().get(output)).map(this::parameters);
  }

  /// What the server has put where an output lies, in memory of its own; empty when it has no area.
  Optional<MemorySegment> take(String output) {
    return Optional.ofNullable(plan.outputs().get(output))
        .map(area -> {
          MemorySegment copy = MemorySegment.ofArray(new byte[Math.toIntExact(area.length())]);
          return copy.copyFrom(memory(area));
        });
  }

  private MemorySegment memory(Area area) {
    return slot.memory(area.from(), area.length());
  }

  private Map<String, InferParameter> parameters(Area area) {
    return Map.of(
        "shared_memory_region",
        InferParameter.newBuilder().setStringParam(slot.region().name()).build(),
        "shared_memory_offset",
        RequestWriter.parameter(slot.offset() + area.from()),
        "shared_memory_byte_size",
        RequestWriter.parameter(area.length()));
  }
}
