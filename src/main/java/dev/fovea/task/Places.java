package dev.fovea.task;

import dev.fovea.call.CallContext;
import dev.fovea.engine.Place;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.model.Role;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// The room that a call has in the queues of a family's encoders while its items are being
/// prepared. Whatever was not used is given back when it is closed.
final class Places implements AutoCloseable {
  private final Map<Role, Place> byRole = new EnumMap<>(Role.class);

  private Places() {}

  /// Keeps room for every item that the family can take.
  ///
  /// @throws GatewayException when a queue is too full for them, or too slow
  static Places reserve(ServedFamily family, List<Outcome<Content>> items, CallContext call) {
    Map<Role, Integer> counts = new EnumMap<>(Role.class);
    for (Outcome<Content> item : items) {
      if (item instanceof Outcome.Done<Content>(Content content)) {
        counts.merge(content.role(), 1, Integer::sum);
      }
    }
    Places places = new Places();
    try {
      counts.forEach((role, count) -> places.reserve(family, role, count, call));
      return places;
    } catch (GatewayException refusal) {
      places.close();
      throw refusal;
    }
  }

  private void reserve(ServedFamily family, Role role, int count, CallContext call) {
    if (family.has(role)) {
      byRole.put(role, family.lease(role).reserve(count, call.deadline(), call.criticality()));
    }
  }

  /// The room in the queue of one encoder.
  Place of(Role role) {
    return byRole.getOrDefault(role, Place.NONE);
  }

  @Override
  public void close() {
    byRole.values().forEach(Place::close);
  }
}
