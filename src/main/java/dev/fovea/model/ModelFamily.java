package dev.fovea.model;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/// The models that belong together: trained together, swapped together. Immutable.
///
/// @param name as a selector names it
/// @param members at most one model a role, at least one in all
/// @param space where the vectors of its encoders lie; absent when it has none
public record ModelFamily(
    String name, Map<Role, ServableModel> members, Optional<EmbeddingSpace> space) {
  public ModelFamily {
    members = Map.copyOf(new EnumMap<>(members));
  }

  public Optional<ServableModel> member(Role role) {
    return Optional.ofNullable(members.get(role));
  }
}
