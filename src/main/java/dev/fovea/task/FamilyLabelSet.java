package dev.fovea.task;

import dev.fovea.engine.ServedFamily;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import java.util.List;
import java.util.Optional;

/// A label set of a family's own: what one of its models was trained to tell apart.
///
/// @param family whose it is
/// @param role of the model
public record FamilyLabelSet(ServedFamily family, Role role) {
  /// Goes between the family's name and the set's own word; no kept set has it in its name.
  public static final char SEPARATOR = '/';

  /// The set of a family, if it has one.
  static Optional<FamilyLabelSet> of(ServedFamily family) {
    return family.has(Role.EMOTION)
        ? Optional.of(new FamilyLabelSet(family, Role.EMOTION))
        : Optional.empty();
  }

  /// As clients name it.
  public String name() {
    return family.family().name() + SEPARATOR + role.label();
  }

  public List<String> labels() {
    return model().labels();
  }

  /// Changes with the model.
  public String etag() {
    return model().artifactDigest();
  }

  private ServableModel model() {
    return family.lease(role).model();
  }
}
