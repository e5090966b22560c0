package dev.fovea.engine;

import dev.fovea.model.ModelFamily;
import dev.fovea.model.Role;
import java.util.EnumMap;
import java.util.Map;

/// A family whose members are loaded. Immutable; whoever opened the leases closes them.
///
/// @param family what was loaded
/// @param kind what runs it
/// @param leases one for each member
public record ServedFamily(ModelFamily family, EngineKind kind, Map<Role, Lease> leases) {
  public ServedFamily {
    leases = Map.copyOf(new EnumMap<>(leases));
    if (!leases.keySet().equals(family.members().keySet())) {
      throw new IllegalArgumentException(
          "leases: " + leases.keySet() + " (expected: " + family.members().keySet() + ")");
    }
  }

  public boolean has(Role role) {
    return leases.containsKey(role);
  }

  /// The loaded member of that role.
  ///
  /// @throws IllegalArgumentException when the family has none
  public Lease lease(Role role) {
    Lease lease = leases.get(role);
    if (lease == null) {
      throw new IllegalArgumentException("role: " + family.name() + " has no " + role);
    }
    return lease;
  }

  /// Whether every member may be expected to answer now.
  public boolean ready() {
    return leases.values().stream().allMatch(Lease::ready);
  }
}
