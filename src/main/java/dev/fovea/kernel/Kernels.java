package dev.fovea.kernel;

import java.lang.System.Logger.Level;
import jdk.incubator.vector.IntVector;

/// The choice of kernels, made once: those of the Vector API where the JVM was started with its
/// module (`--add-modules jdk.incubator.vector`) and the machine has vectors of 256 bits or more,
/// the scalar ones elsewhere. `-Dfovea.kernels=scalar` forces the latter.
final class Kernels {
  private static final String MODULE = "jdk.incubator.vector";

  /// Lanes of the vectors of 32-bit integers in use; 1 where there are none.
  static final int LANES = lanes();

  static final Resampler RESAMPLER = LANES > 1 ? new VectorResampler() : ScalarResampler.INSTANCE;

  private Kernels() {}

  private static int lanes() {
    if (System.getProperty("fovea.kernels", "").equals("scalar")) {
      return 1;
    }
    if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
      System.getLogger(Kernels.class.getName())
          .log(Level.DEBUG, "image kernels are scalar: no --add-modules " + MODULE);
      return 1;
    }
    return VectorWidth.lanes();
  }

  /// Apart, for it can only be loaded where the module is there.
  private static final class VectorWidth {
    /// Shorter vectors hold one pixel and gain nothing; longer ones than 512 bits nobody has.
    static int lanes() {
      int lanes = IntVector.SPECIES_PREFERRED.length();
      return lanes < 8 ? 1 : Math.min(lanes, 16);
    }
  }
}
