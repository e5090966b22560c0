package dev.fovea.telemetry;

/// Told of every stretch of time that a call spends in a stage. Called on the thread of the call:
/// must be quick.
@FunctionalInterface
public interface StageListener {
  void spent(Stage stage, long nanos);

  /// Tells another one as well.
  default StageListener andThen(StageListener other) {
    return (stage, nanos) -> {
      spent(stage, nanos);
      other.spent(stage, nanos);
    };
  }

  /// Nobody listens.
  static StageListener none() {
    return (_, _) -> {};
  }
}
