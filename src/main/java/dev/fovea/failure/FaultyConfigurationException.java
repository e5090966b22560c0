package dev.fovea.failure;

import java.util.List;
import java.util.stream.Collectors;

/// A configuration that cannot be served, with every fault that was found in it.
public final class FaultyConfigurationException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final transient List<Fault> faults;

  public FaultyConfigurationException(List<Fault> faults) {
    super(
        faults.stream().map(Fault::toString).collect(Collectors.joining("\n")), null, true, false);
    this.faults = List.copyOf(faults);
  }

  public FaultyConfigurationException(Fault fault) {
    this(List.of(fault));
  }

  public List<Fault> faults() {
    return faults;
  }
}
