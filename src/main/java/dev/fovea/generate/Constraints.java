package dev.fovea.generate;

import dev.fovea.text.Vocabulary;
import java.util.LinkedHashMap;
import java.util.Map;

/// Compiles constraints, and keeps those that were used last: a service asks for the same few over
/// and over. Thread-safe.
public final class Constraints {
  /// Constraints that are kept.
  private static final int KEPT = 32;

  /// Guarded by itself; the one used longest ago first.
  private final Map<Key, Constraint> kept =
      new LinkedHashMap<>(KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Constraint> eldest) {
          return size() > KEPT;
        }
      };

  private record Key(Constraint.Rule rule, Vocabulary vocabulary) {}

  /// @param vocabulary of the model that generates; compared by identity
  /// @throws dev.fovea.failure.GatewayException with `INVALID_FIELD` or `CONSTRAINT_TOO_COMPLEX`,
  ///   fields named from `constraint`
  public Constraint compile(Constraint.Rule rule, Vocabulary vocabulary) {
    Key key = new Key(rule, vocabulary);
    synchronized (kept) {
      Constraint known = kept.get(key);
      if (known != null) {
        return known;
      }
    }
    Constraint compiled = Constraint.compile(rule, vocabulary);
    synchronized (kept) {
      kept.put(key, compiled);
    }
    return compiled;
  }
}
