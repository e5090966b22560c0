package dev.fovea.image;

/// Takes the rows of a picture from top to bottom, as they are made.
@FunctionalInterface
interface RowSink {
  /// @param y which row, from 0
  /// @param rgb holds it, and only until this returns
  /// @param at where it begins
  void row(int y, byte[] rgb, int at);
}
