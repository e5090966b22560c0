package dev.fovea.kernel;

/// The choice of kernels, made once: those of the Vector API where the JVM was started with its
/// module (`--add-modules jdk.incubator.vector`) and the machine has vectors of 256 bits or more,
/// the scalar ones elsewhere. `-Dfovea.kernels=scalar` forces the latter.
public final class Kernels {
  /// Lanes of the vectors of 32-bit integers in use; 1 where there are none.
  static final int LANES = lanes();

  static final Resampler RESAMPLER = LANES > 1 ? new VectorResampler() : ScalarResampler.INSTANCE;

  private Kernels() {}

  private static int lanes() {
    boolean present =
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
            && !System.getProperty("fovea.kernels", "").equals("scalar");
    int lanes = present ? VectorResampler.lanes() : 1;
    return lanes >= 8 ? lanes : 1;
  }

  /// What is in use, for the log: `scalar`, or the width of the vectors.
  public static String description() {
    return LANES == 1 ? "scalar" : "vectors of " + 32 * LANES + " bits";
  }
}
