package dev.fovea.engine.triton;

import dev.fovea.failure.Fault;
import java.time.Duration;
import java.util.List;

/// What one server says of one model.
sealed interface ModelState {
  /// It runs there and is what the repository says.
  ///
  /// @param queueTimeout the longest that a request waits in the server's queue, where a request
  ///   may ask for less; zero where it may not
  /// @param idleLimit how long a sequence may rest between two steps; zero where nothing is said
  record Ready(Duration queueTimeout, Duration idleLimit) implements ModelState {}

  /// It does not run there now.
  ///
  /// @param reason for the log
  record Unready(String reason) implements ModelState {}

  /// It is another model than the repository's.
  ///
  /// @param faults both sides of each difference
  record Different(List<Fault> faults) implements ModelState {
    public Different {
      faults = List.copyOf(faults);
    }
  }
}
