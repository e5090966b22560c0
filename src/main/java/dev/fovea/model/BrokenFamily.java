package dev.fovea.model;

import dev.fovea.failure.Fault;
import java.util.List;

/// A family that cannot be served, and why.
///
/// @param name the family, or the model's folder where its configuration does not tell the family
/// @param faults everything wrong with it, at least one
public record BrokenFamily(String name, List<Fault> faults) {
  public BrokenFamily {
    faults = List.copyOf(faults);
  }
}
