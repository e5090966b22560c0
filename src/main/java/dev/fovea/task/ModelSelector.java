package dev.fovea.task;

/// Which models a caller wants.
///
/// @param model a family or one model of it; empty for the default
/// @param version a version; empty for the one that is served
public record ModelSelector(String model, String version) {
  public static final ModelSelector DEFAULT = new ModelSelector("", "");

  /// The same with a family where it names none.
  public ModelSelector orFamily(String family) {
    return model.isEmpty() ? new ModelSelector(family, version) : this;
  }
}
