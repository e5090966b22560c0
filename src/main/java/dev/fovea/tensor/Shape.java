package dev.fovea.tensor;

import java.util.Arrays;

/// The extents of a tensor, outermost first. In the signature of a model an extent may be [#ANY];
/// in a tensor none is. Immutable.
public final class Shape {
  /// An extent that the caller chooses.
  public static final long ANY = -1;

  private final long[] extents;

  private Shape(long[] extents) {
    this.extents = extents;
  }

  /// @throws IllegalArgumentException for an extent below zero other than [#ANY]
  public static Shape of(long... extents) {
    for (long extent : extents) {
      if (extent < ANY) {
        throw new IllegalArgumentException("extent: " + extent + " (expected: -1 or more)");
      }
    }
    return new Shape(extents.clone());
  }

  public int rank() {
    return extents.length;
  }

  public long extent(int axis) {
    return extents[axis];
  }

  public long[] toArray() {
    return extents.clone();
  }

  /// Whether every extent is known.
  public boolean isFixed() {
    return Arrays.stream(extents).noneMatch(extent -> extent == ANY);
  }

  /// How many elements a tensor of this shape has: the product of the extents, 1 for a scalar.
  ///
  /// @throws IllegalStateException when an extent is open
  /// @throws ArithmeticException when the product does not fit a long
  public long elements() {
    long elements = 1;
    for (long extent : extents) {
      if (extent == ANY) {
        throw new IllegalStateException("shape: " + this + " (expected: every extent known)");
      }
      elements = Math.multiplyExact(elements, extent);
    }
    return elements;
  }

  /// Whether a tensor of the fixed shape `other` fits this one: equal rank, and equal extents where
  /// this one states them.
  public boolean accepts(Shape other) {
    if (other.rank() != rank()) {
      return false;
    }
    for (int axis = 0; axis < extents.length; axis++) {
      if (extents[axis] != ANY && extents[axis] != other.extents[axis]) {
        return false;
      }
    }
    return true;
  }

  /// This shape with one more, outermost, extent: that of a batch of such tensors.
  public Shape batched(long rows) {
    long[] batched = new long[extents.length + 1];
    batched[0] = rows;
    System.arraycopy(extents, 0, batched, 1, extents.length);
    return of(batched);
  }

  /// This shape without its outermost extent: that of one row of a batch.
  public Shape row() {
    if (extents.length == 0) {
      throw new IllegalStateException("shape: a scalar has no rows");
    }
    return new Shape(Arrays.copyOfRange(extents, 1, extents.length));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(extents, shape.extents);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(extents);
  }

  /// As Triton writes it: `[64,768]`.
  @Override
  public String toString() {
    return Arrays.toString(extents).replace(" ", "");
  }
}
