package dev.fovea.image;

import java.util.Map;
import java.util.Set;

/// A size as transformers' configurations have it: lengths by name, and which names there are says
/// what is meant.
///
/// @param byName in pixels, or in numbers of pixels
record Sides(Map<String, Integer> byName) {
  /// No size.
  static final Sides NONE = new Sides(Map.of());

  static final Set<String> SQUARE = Set.of("height", "width");
  static final Set<String> SHORTEST = Set.of("shortest_edge");

  Sides {
    byName = Map.copyOf(byName);
  }

  static Sides square(int side) {
    return new Sides(Map.of("height", side, "width", side));
  }

  static Sides shortest(int edge) {
    return new Sides(Map.of("shortest_edge", edge));
  }

  /// The length of that name; 0 where there is none.
  int get(String name) {
    return byName.getOrDefault(name, 0);
  }

  boolean is(Set<String> names) {
    return byName.keySet().equals(names);
  }

  boolean isNone() {
    return byName.isEmpty();
  }

  /// Height and width where they are given, else a square of the other length.
  Size sizeOrSquareOf(String name) {
    return is(SQUARE) ? new Size(get("width"), get("height")) : new Size(get(name), get(name));
  }
}
