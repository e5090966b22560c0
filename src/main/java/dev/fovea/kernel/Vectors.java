package dev.fovea.kernel;

/// Arithmetic of embedding vectors, in float with double accumulation: the order of the terms then
/// makes no difference that a float could show.
public final class Vectors {
  private Vectors() {}

  /// Σ aᵢbᵢ.
  public static double dot(float[] a, float[] b) {
    requireEqualLength(a, b);
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  /// √(Σ vᵢ²).
  public static double norm(float[] v) {
    return Math.sqrt(dot(v, v));
  }

  /// v / ‖v‖ in a new array. A vector of zeros, or one that is not finite, has no direction and
  /// stays as it is.
  public static float[] normalised(float[] v) {
    double norm = norm(v);
    float[] unit = v.clone();
    if (norm > 0 && Double.isFinite(norm)) {
      for (int i = 0; i < unit.length; i++) {
        unit[i] = (float) (v[i] / norm);
      }
    }
    return unit;
  }

  /// The cosine of the angle between two vectors, in -1..1; zero when one of them has no direction.
  public static double cosine(float[] a, float[] b) {
    double norms = norm(a) * norm(b);
    return norms > 0 ? Math.clamp(dot(a, b) / norms, -1, 1) : 0;
  }

  /// a + b in a new array.
  public static float[] sum(float[] a, float[] b) {
    requireEqualLength(a, b);
    float[] sum = new float[a.length];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = a[i] + b[i];
    }
    return sum;
  }

  public static boolean isFinite(float[] v) {
    for (float x : v) {
      if (!Float.isFinite(x)) {
        return false;
      }
    }
    return true;
  }

  private static void requireEqualLength(float[] a, float[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          "length: %d and %d (expected: equal)".formatted(a.length, b.length));
    }
  }
}
