package dev.fovea.model;

import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// Gathers the faults of one model folder, so that a report names all of them and not the first
/// alone.
final class FaultLog {
  private final String folder;
  private final List<Fault> faults = new ArrayList<>();

  FaultLog(String folder) {
    this.folder = folder;
  }

  void add(String file, String field, Object value, String expected) {
    faults.add(new Fault(folder + "/" + file, field, String.valueOf(value), expected));
  }

  /// Runs a step that may find faults of its own, in files relative to `under`; an empty result
  /// says that it did.
  <T> Optional<T> attempt(String under, Supplier<T> step) {
    try {
      return Optional.of(step.get());
    } catch (FaultyConfigurationException e) {
      for (Fault fault : e.faults()) {
        add(under + fault.file(), fault.field(), fault.value(), fault.expected());
      }
      return Optional.empty();
    }
  }

  boolean isEmpty() {
    return faults.isEmpty();
  }

  List<Fault> faults() {
    return List.copyOf(faults);
  }
}
