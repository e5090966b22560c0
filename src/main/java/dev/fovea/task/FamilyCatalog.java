package dev.fovea.task;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.Fault;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.model.BrokenFamily;
import dev.fovea.model.ServableModel;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// The families that are served, those that cannot be, and who answers when a caller names none.
/// Immutable.
public final class FamilyCatalog {
  private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

  private final Map<String, ServedFamily> served;
  private final Map<String, BrokenFamily> broken;
  private final Map<String, List<Fault>> withheld;
  private final Optional<String> byDefault;

  /// @param served what answers
  /// @param broken what should and cannot
  /// @param byDefault the family that answers when a caller names none; when absent, the only one
  ///   that can
  public FamilyCatalog(
      List<ServedFamily> served, List<BrokenFamily> broken, Optional<String> byDefault) {
    this(served, broken, byDefault, Map.of());
  }

  /// @param withheld what keeps newer files of a family from being served, by the family's name
  public FamilyCatalog(
      List<ServedFamily> served,
      List<BrokenFamily> broken,
      Optional<String> byDefault,
      Map<String, List<Fault>> withheld) {
    Map<String, ServedFamily> servedByName = new TreeMap<>();
    served.forEach(family -> servedByName.put(family.family().name(), family));
    Map<String, BrokenFamily> brokenByName = new TreeMap<>();
    broken.forEach(family -> brokenByName.put(family.name(), family));
    this.served = Collections.unmodifiableMap(servedByName);
    this.broken = Collections.unmodifiableMap(brokenByName);
    this.byDefault = byDefault;
    this.withheld = Map.copyOf(withheld);
  }

  /// The family that shall answer.
  ///
  /// @throws GatewayException with `MODEL_NOT_FOUND`, `TASK_NOT_SUPPORTED` or `BACKEND_UNAVAILABLE`
  public ServedFamily select(ModelSelector selector, Set<Task> anyOf) {
    ServedFamily family =
        selector.model().isEmpty() ? defaultFamily(anyOf) : named(selector.model());
    if (anyOf.stream().noneMatch(task -> task.isSupportedBy(family))) {
      throw unsupported(family, anyOf);
    }
    requireVersion(selector, family);
    if (!family.ready()) {
      throw unavailable(family.family().name());
    }
    return family;
  }

  private ServedFamily defaultFamily(Set<Task> anyOf) {
    if (byDefault.isPresent()) {
      return named(byDefault.get());
    }
    List<ServedFamily> able =
        served.values().stream()
            .filter(family -> anyOf.stream().anyMatch(task -> task.isSupportedBy(family)))
            .toList();
    if (able.size() == 1) {
      return able.getFirst();
    }
    if (able.isEmpty() && !broken.isEmpty()) {
      throw unavailable(String.join(", ", broken.keySet()));
    }
    throw GatewayException.invalid(
            Reason.MODEL_NOT_FOUND,
            "model.model",
            "",
            able.isEmpty() ? "a server with such a model" : "one of " + names(able))
        .with("model", "");
  }

  /// A family by its name, or the family of a model by the model's name.
  ///
  /// @throws GatewayException with `MODEL_NOT_FOUND`, or `BACKEND_UNAVAILABLE` for a family that
  ///   cannot be served
  public ServedFamily named(String name) {
    ServedFamily family = served.get(name);
    if (family != null) {
      return family;
    }
    for (ServedFamily candidate : served.values()) {
      for (ServableModel member : candidate.family().members().values()) {
        if (member.name().equals(name)) {
          return candidate;
        }
      }
    }
    if (broken.containsKey(name)) {
      throw unavailable(name);
    }
    throw GatewayException.invalid(
            Reason.MODEL_NOT_FOUND, "model.model", name, "one of " + names(served.values()))
        .with("model", name);
  }

  private static void requireVersion(ModelSelector selector, ServedFamily family) {
    if (selector.version().isEmpty()) {
      return;
    }
    for (ServableModel member : family.family().members().values()) {
      boolean meant =
          selector.model().isEmpty()
              || selector.model().equals(family.family().name())
              || selector.model().equals(member.name());
      if (meant && !member.version().equals(selector.version())) {
        throw GatewayException.invalid(
                Reason.MODEL_NOT_FOUND,
                "model.version",
                selector.version(),
                member.version() + ", which is served of " + member.name())
            .with("model", member.name())
            .with("version", selector.version());
      }
    }
  }

  private static GatewayException unsupported(ServedFamily family, Set<Task> anyOf) {
    String tasks = anyOf.stream().map(Task::name).sorted().collect(Collectors.joining(" or "));
    return new GatewayException(
            Reason.TASK_NOT_SUPPORTED, family.family().name() + " cannot do " + tasks)
        .with("model", family.family().name())
        .with("task", tasks);
  }

  private static GatewayException unavailable(String name) {
    return new GatewayException(Reason.BACKEND_UNAVAILABLE, name + " cannot answer now")
        .with("model", name)
        .retryAfter(RETRY_AFTER);
  }

  private static String names(Iterable<ServedFamily> families) {
    StringBuilder names = new StringBuilder();
    families.forEach(
        family -> names.append(names.isEmpty() ? "" : ", ").append(family.family().name()));
    return names.toString();
  }

  /// The label sets of families' own, by name.
  public NavigableMap<String, FamilyLabelSet> labelSets() {
    NavigableMap<String, FamilyLabelSet> sets = new TreeMap<>();
    for (ServedFamily family : served.values()) {
      FamilyLabelSet.of(family).ifPresent(set -> sets.put(set.name(), set));
    }
    return sets;
  }

  /// The families that answer, by name.
  public Map<String, ServedFamily> served() {
    return served;
  }

  /// The families that cannot be served, by name.
  public Map<String, BrokenFamily> broken() {
    return broken;
  }

  /// What keeps newer files of a family that is served from taking its place; empty when nothing
  /// does.
  public List<Fault> withheld(String family) {
    return withheld.getOrDefault(family, List.of());
  }
}
