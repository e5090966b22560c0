package dev.fovea.image.codec;

/// A native library that a machine may have or not.
///
/// @param <T> the functions of the library
sealed interface Native<T> {
  /// It is there and gives the right pixels.
  record Present<T>(T library) implements Native<T> {}

  /// It is of no use here.
  ///
  /// @param reason for the operator; it may name files of this machine
  record Missing<T>(String reason) implements Native<T> {}
}
