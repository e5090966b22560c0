package dev.fovea.app;

import dev.fovea.engine.Engine;
import dev.fovea.engine.Lease;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.failure.GatewayException;
import dev.fovea.model.BrokenFamily;
import dev.fovea.model.ModelFamily;
import dev.fovea.model.ModelRepository;
import dev.fovea.model.RepositoryStamp;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.task.FamilyCatalog;
import dev.fovea.text.Tokenizer;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// The families that are served, and how they follow their folder.
///
/// [#poll] looks whether the folder has changed. What has changed, and looks the same twice in a
/// row (nobody is still copying), is read, loaded and tried out beside what is served; then it
/// takes its place at once, a family as a whole, and the old one is released when the last call
/// that may use it has ended. A family that is faulty now, or does not answer when tried, leaves
/// the one that is served in its place, and the catalog tells the faults.
final class ServedModels implements AutoCloseable {
  private static final Logger LOG = System.getLogger(ServedModels.class.getName());

  /// Old families that may wait for their last calls before another change is taken up: each of
  /// them keeps its memory.
  private static final int MOST_WAITING = 2;

  private final Path folder;
  private final Supplier<ModelRepository> repository;
  private final Engine engine;
  private final Optional<String> defaultFamily;
  private final Generations generations = new Generations();
  private final AtomicLong swaps = new AtomicLong();

  private volatile FamilyCatalog catalog;

  /// What each family that is served was loaded from. Guarded by `this`, as is what follows.
  private final Map<String, RepositoryStamp> loadedFrom = new HashMap<>();

  private RepositoryStamp lastSeen;
  private RepositoryStamp settled;

  /// Tries out a family that is loaded and not served yet.
  @FunctionalInterface
  interface Trial {
    /// @throws GatewayException when it does not answer as it should
    void run(ServedFamily family) throws InterruptedException;
  }

  private ServedModels(
      Path folder,
      Supplier<ModelRepository> repository,
      RepositoryStamp stamp,
      Engine engine,
      Optional<String> defaultFamily) {
    this.folder = folder;
    this.repository = repository;
    this.engine = engine;
    this.defaultFamily = defaultFamily;
    this.lastSeen = stamp;
    this.settled = lastSeen;
    this.catalog = new FamilyCatalog(List.of(), List.of(), defaultFamily);
  }

  /// Loads what the repository holds. A family that cannot be loaded is broken; the others are
  /// served.
  ///
  /// @param folder the repository
  /// @param repository reads it
  /// @param engine runs the models
  /// @param defaultFamily who answers when a caller names none
  /// @throws FaultyConfigurationException when no family can be served, naming every fault
  static ServedModels open(
      Path folder,
      Supplier<ModelRepository> repository,
      Supplier<Engine> engine,
      Optional<String> defaultFamily) {
    // Looked at before it is read: what changes meanwhile is seen by the first poll.
    RepositoryStamp stamp = stamp(folder).orElse(new RepositoryStamp(Map.of()));
    ModelRepository first = repository.get();
    warn(first);
    ServedModels models = new ServedModels(folder, repository, stamp, engine.get(), defaultFamily);
    models.load(first);
    return models;
  }

  private static void warn(ModelRepository repository) {
    repository
        .warnings()
        .forEach(warning -> LOG.log(Level.WARNING, "model repository: " + warning));
  }

  private synchronized void load(ModelRepository first) {
    List<ServedFamily> served = new ArrayList<>();
    List<BrokenFamily> broken = new ArrayList<>(first.broken());
    for (ModelFamily family : first.families().values()) {
      try {
        served.add(load(family));
        loadedFrom.put(family.name(), settled.of(names(family)));
      } catch (FaultyConfigurationException e) {
        broken.add(new BrokenFamily(family.name(), e.faults()));
      }
    }
    broken.forEach(family -> log("is not served", family.name(), family.faults()));
    if (served.isEmpty()) {
      throw new FaultyConfigurationException(
          broken.stream().flatMap(family -> family.faults().stream()).toList());
    }
    catalog = new FamilyCatalog(served, broken, defaultFamily);
  }

  private ServedFamily load(ModelFamily family) {
    Map<Role, Lease> leases = new EnumMap<>(Role.class);
    List<Fault> faults = new ArrayList<>();
    for (Map.Entry<Role, ServableModel> member : family.members().entrySet()) {
      try {
        leases.put(member.getKey(), engine.open(member.getValue()));
      } catch (FaultyConfigurationException e) {
        faults.addAll(e.faults());
      }
    }
    if (!faults.isEmpty()) {
      leases.values().forEach(Lease::close);
      closeTokenizers(family);
      throw new FaultyConfigurationException(faults);
    }
    return new ServedFamily(family, engine.kind(), leases);
  }

  private static void log(String what, String family, List<Fault> faults) {
    for (Fault fault : faults) {
      LOG.log(Level.ERROR, "family " + family + " " + what + ": " + fault);
    }
  }

  /// What is served now.
  FamilyCatalog catalog() {
    return catalog;
  }

  /// Told of every call, so that what it may use lives as long as it does.
  Generations generations() {
    return generations;
  }

  /// Rows that wait for an execution of any model; for gauges.
  int waiting() {
    return catalog.served().values().stream()
        .flatMap(family -> family.leases().values().stream())
        .mapToInt(Lease::waiting)
        .sum();
  }

  /// Families that took the place of others; for counters.
  long swaps() {
    return swaps.get();
  }

  /// Looks whether the folder has changed, and takes up what has.
  ///
  /// @param trial tries out new families before they are served
  synchronized void poll(Trial trial) throws InterruptedException {
    Optional<RepositoryStamp> seen = stamp(folder);
    if (seen.isEmpty() || generations.waiting() > MOST_WAITING) {
      return;
    }
    boolean stillChanging = !seen.get().equals(lastSeen);
    lastSeen = seen.get();
    if (!stillChanging && !lastSeen.equals(settled) && follow(lastSeen, trial)) {
      settled = lastSeen;
    }
  }

  private static Optional<RepositoryStamp> stamp(Path folder) {
    try {
      return Optional.of(RepositoryStamp.of(folder));
    } catch (UncheckedIOException _) {
      // Somebody moves files about just now.
      return Optional.empty();
    }
  }

  /// @return whether that is done with; a model that its server does not run yet is looked at again
  private boolean follow(RepositoryStamp now, Trial trial) throws InterruptedException {
    ModelRepository changed;
    try {
      changed = repository.get();
    } catch (FaultyConfigurationException e) {
      log("stays as it is", "*", e.faults());
      return true;
    }
    warn(changed);
    Change change = new Change(catalog, now);
    changed.broken().forEach(change::breaks);
    boolean allDone = true;
    for (ModelFamily family : changed.families().values()) {
      allDone &= change.take(family, trial);
    }
    change.apply();
    return allDone;
  }

  /// What a changed folder makes of the catalog.
  private final class Change {
    private final FamilyCatalog before;
    private final RepositoryStamp now;
    private final Map<String, ServedFamily> served = new TreeMap<>();
    private final Map<String, BrokenFamily> broken = new TreeMap<>();
    private final Map<String, List<Fault>> withheld = new TreeMap<>();

    Change(FamilyCatalog before, RepositoryStamp now) {
      this.before = before;
      this.now = now;
    }

    /// Keeps what is served of a family that is faulty now. A model whose configuration does not
    /// tell its family any more is taken for the member that it was.
    void breaks(BrokenFamily family) {
      Optional<ServedFamily> old = servedOf(family.name());
      if (old.isEmpty()) {
        log("is not served", family.name(), family.faults());
        broken.put(family.name(), family);
        return;
      }
      String name = old.get().family().name();
      log("stays as it is", name, family.faults());
      served.put(name, old.get());
      withheld.computeIfAbsent(name, _ -> new ArrayList<>()).addAll(family.faults());
    }

    private Optional<ServedFamily> servedOf(String familyOrModel) {
      return before.served().values().stream()
          .filter(old ->
              old.family().name().equals(familyOrModel)
                  || names(old.family()).contains(familyOrModel))
          .findFirst();
    }

    /// Loads and tries one family, unless it is the one that is served.
    ///
    /// @return whether that is done with
    boolean take(ModelFamily family, Trial trial) throws InterruptedException {
      String name = family.name();
      ServedFamily old = before.served().get(name);
      boolean same = old != null && now.of(names(family)).equals(loadedFrom.get(name));
      if (same || served.containsKey(name)) {
        closeTokenizers(family);
        served.putIfAbsent(name, old);
        return true;
      }
      try {
        ServedFamily loaded = load(family);
        boolean ready = loaded.ready();
        if (ready && answers(loaded, trial)) {
          served.put(name, loaded);
          return true;
        }
        release(loaded);
        if (!ready && old != null) {
          served.put(name, old);
        }
        return ready;
      } catch (FaultyConfigurationException e) {
        breaks(new BrokenFamily(name, e.faults()));
        return true;
      }
    }

    private boolean answers(ServedFamily loaded, Trial trial) throws InterruptedException {
      String name = loaded.family().name();
      try {
        trial.run(loaded);
        return true;
      } catch (GatewayException e) {
        LOG.log(Level.ERROR, "family " + name + " of the changed repository does not answer", e);
        breaks(
            new BrokenFamily(
                name, List.of(new Fault(name, "", e.reason().name(), "a family that answers"))));
        return false;
      }
    }

    /// Puts the new catalog in the place of the old one.
    void apply() {
      if (served.isEmpty()) {
        LOG.log(Level.ERROR, "the changed repository holds no family that can be served");
        return;
      }
      List<ServedFamily> retired = new ArrayList<>();
      before
          .served()
          .forEach((name, old) -> {
            if (!old.equals(served.get(name))) {
              retired.add(old);
            }
            if (!served.containsKey(name)) {
              loadedFrom.remove(name);
              LOG.log(Level.INFO, "family " + name + " is in the repository no more");
            }
          });
      List<ServedFamily> taken = new ArrayList<>(served.values());
      taken.removeAll(before.served().values());
      for (ServedFamily family : taken) {
        String name = family.family().name();
        loadedFrom.put(name, now.of(names(family.family())));
        LOG.log(Level.INFO, "family " + name + " is served from changed files");
      }
      catalog =
          new FamilyCatalog(
              List.copyOf(served.values()), List.copyOf(broken.values()), defaultFamily, withheld);
      swaps.addAndGet(taken.size());
      generations.retire(() -> retired.forEach(ServedModels::release));
    }
  }

  private static List<String> names(ModelFamily family) {
    return family.members().values().stream().map(ServableModel::name).collect(Collectors.toList());
  }

  private static void release(ServedFamily family) {
    family.leases().values().forEach(Lease::close);
    closeTokenizers(family.family());
  }

  private static void closeTokenizers(ModelFamily family) {
    family.members().values().forEach(member -> member.tokenizer().ifPresent(Tokenizer::close));
  }

  Engine engine() {
    return engine;
  }

  /// Releases every family, then the engine. No call is under way any more.
  @Override
  public synchronized void close() {
    catalog.served().values().forEach(ServedModels::release);
    engine.close();
  }
}
