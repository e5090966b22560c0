package dev.fovea.failure;

import static java.util.Objects.requireNonNull;

import java.util.function.Function;

/// What became of one item where partial failure is data: items of a batch, frames of a stream.
/// Everywhere else a failure is a [GatewayException] thrown.
///
/// @param <T> the answer for one item
public sealed interface Outcome<T> {
  /// The item was answered.
  ///
  /// @param value the answer
  record Done<T>(T value) implements Outcome<T> {
    public Done {
      requireNonNull(value, "value");
    }
  }

  /// The item was refused, its neighbours were not.
  ///
  /// @param refusal why
  record Failed<T>(GatewayException refusal) implements Outcome<T> {
    public Failed {
      requireNonNull(refusal, "refusal");
    }
  }

  static <T> Outcome<T> done(T value) {
    return new Done<>(value);
  }

  static <T> Outcome<T> failed(GatewayException refusal) {
    return new Failed<>(refusal);
  }

  /// The outcome of the next step for an item that is still well, or the failure it already has. A
  /// refusal thrown by the step becomes the item's own.
  default <U> Outcome<U> then(Function<? super T, ? extends U> step) {
    return switch (this) {
      case Failed<T>(GatewayException refusal) -> failed(refusal);
      case Done<T>(T value) -> {
        try {
          yield done(step.apply(value));
        } catch (GatewayException refusal) {
          yield failed(refusal);
        }
      }
    };
  }
}
