package dev.fovea.bench;

import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;

import java.util.Collection;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/// A row of 224 pixels to numbers of single precision: by table, as `ValueTable` does it, by a
/// vector that gathers from that table, and computed in vectors, which is not the reference's
/// number for every level. What is left to gain where levels become values?
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LookupBench {
  private static final int PIXELS = 224;
  private static final int SAMPLES = 3 * PIXELS;
  private static final int LEVELS = 256;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final VectorSpecies<Byte> BYTES =
      VectorSpecies.of(byte.class, VectorShape.S_64_BIT);

  private final byte[] rgb = new byte[SAMPLES];
  private final int[] table = new int[3 * LEVELS];
  private final int[] words = new int[SAMPLES];
  private final float[] values = new float[SAMPLES];
  private final int[] channels = new int[SAMPLES];
  private final int[] indices = new int[INTS.length()];
  private final float[] factors = new float[SAMPLES];
  private final float[] offsets = new float[SAMPLES];

  @Setup
  public void prepare() {
    Random random = new Random(1);
    random.nextBytes(rgb);
    for (int i = 0; i < table.length; i++) {
      table[i] = Float.floatToRawIntBits((i % LEVELS / 255f - 0.5f) / (0.2f + i / LEVELS * 0.1f));
    }
    for (int i = 0; i < SAMPLES; i++) {
      channels[i] = i % 3 * LEVELS;
      factors[i] = 1 / 255f / (0.2f + i % 3 * 0.1f);
      offsets[i] = -0.5f / (0.2f + i % 3 * 0.1f);
    }
  }

  @Benchmark
  public int[] byTable() {
    for (int i = 0; i < SAMPLES; i += 3) {
      words[i] = table[rgb[i] & 0xFF];
      words[i + 1] = table[LEVELS + (rgb[i + 1] & 0xFF)];
      words[i + 2] = table[2 * LEVELS + (rgb[i + 2] & 0xFF)];
    }
    return words;
  }

  @Benchmark
  public int[] gathered() {
    for (int i = 0; i < SAMPLES; i += INTS.length()) {
      levels(i).add(IntVector.fromArray(INTS, channels, i)).intoArray(indices, 0);
      IntVector.fromArray(INTS, table, 0, indices, 0).intoArray(words, i);
    }
    return words;
  }

  @Benchmark
  public float[] computed() {
    for (int i = 0; i < SAMPLES; i += INTS.length()) {
      FloatVector levels = (FloatVector) levels(i).convertShape(I2F, FLOATS, 0);
      levels
          .fma(FloatVector.fromArray(FLOATS, factors, i), FloatVector.fromArray(FLOATS, offsets, i))
          .intoArray(values, i);
    }
    return values;
  }

  private IntVector levels(int at) {
    return (IntVector) ByteVector.fromArray(BYTES, rgb, at).convertShape(ZERO_EXTEND_B2I, INTS, 0);
  }

  static void run() throws RunnerException {
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .include(LookupBench.class.getName())
                    .forks(1)
                    .warmupIterations(3)
                    .warmupTime(TimeValue.seconds(1))
                    .measurementIterations(5)
                    .measurementTime(TimeValue.seconds(1))
                    .verbosity(VerboseMode.SILENT)
                    .jvmArgsAppend("--add-modules=jdk.incubator.vector")
                    .build())
            .run();
    System.out.println("a row of 224 pixels to float32, ns:");
    for (RunResult result : results) {
      System.out.printf(
          "%-12s %6.0f ± %4.0f%n",
          result.getPrimaryResult().getLabel(),
          result.getPrimaryResult().getScore(),
          result.getPrimaryResult().getScoreError());
    }
  }
}
