package dev.fovea.task;

import dev.fovea.engine.ServedFamily;
import dev.fovea.model.Role;
import java.util.EnumSet;
import java.util.Set;

/// What a family can be asked to do.
public enum Task {
  EMBED_IMAGE(Role.VISION),
  EMBED_TEXT(Role.TEXT),
  CLASSIFY(Role.VISION, Role.TEXT);

  private final Set<Role> roles;

  Task(Role first, Role... more) {
    this.roles = EnumSet.of(first, more);
  }

  /// Whether a family has the models that this takes.
  public boolean isSupportedBy(ServedFamily family) {
    return roles.stream().allMatch(family::has);
  }
}
