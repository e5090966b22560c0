package dev.fovea.bench;

import dev.fovea.image.ImageProcessor;
import dev.fovea.image.ImageProcessors;
import dev.fovea.image.Pixels;
import dev.fovea.image.ProcessedImage;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/// Pixels in, tensors out: time and allocated bytes of an image, with the scalar kernels and with
/// those of the Vector API, and what the tensors themselves take.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class KernelBench {
  private static final String CLIP = "CLIPImageProcessor";
  private static final String SIGLIP2 = "Siglip2ImageProcessor";
  private static final String QWEN = "Qwen2VLImageProcessor";

  @Param({CLIP, SIGLIP2, QWEN})
  public String processor;

  @Param({"pil", "torchvision"})
  public String backend;

  @Param({"640x480", "1920x1080", "4032x3024"})
  public String size;

  private ImageProcessor plan;
  private Pixels pixels;

  @Setup
  public void prepare() throws IOException {
    plan = read(processor, backend);
    int by = size.indexOf('x');
    int width = Integer.parseInt(size.substring(0, by));
    int height = Integer.parseInt(size.substring(by + 1));
    byte[] rgb = new byte[width * height * 3];
    new Random(1).nextBytes(rgb);
    pixels = new Pixels(width, height, rgb);
  }

  private static ImageProcessor read(String processor, String backend) throws IOException {
    Path assets = Files.createTempDirectory("bench");
    Path file = assets.resolve("preprocessor_config.json");
    Files.writeString(
        file,
        "{\"image_processor_type\": \"%s\", \"backend\": \"%s\"}".formatted(processor, backend));
    ImageProcessor plan = ImageProcessors.read(assets);
    Files.delete(file);
    Files.delete(assets);
    return plan;
  }

  @Benchmark
  public ProcessedImage process() {
    return plan.process(pixels, TensorAllocator.heap());
  }

  /// @param arguments sizes, where not all of them are wanted
  static void run(String[] arguments) throws IOException, RunnerException {
    Collection<RunResult> scalar = measure("scalar", arguments);
    Collection<RunResult> vector = measure("", arguments);
    List<RunResult> before = List.copyOf(scalar);
    int row = 0;
    System.out.println(
        "processor, back end, image: scalar, vector, ratio; allocated, of it tensors");
    for (RunResult after : vector) {
      print(before.get(row++), after);
    }
  }

  private static Collection<RunResult> measure(String kernels, String[] sizes)
      throws RunnerException {
    OptionsBuilder options = new OptionsBuilder();
    options
        .include(KernelBench.class.getName() + ".process")
        .forks(1)
        .warmupIterations(3)
        .warmupTime(TimeValue.seconds(1))
        .measurementIterations(4)
        .measurementTime(TimeValue.seconds(1))
        .addProfiler(GCProfiler.class)
        .verbosity(VerboseMode.SILENT)
        .jvmArgsAppend("-Dfovea.kernels=" + kernels);
    if (sizes.length > 0) {
      options.param("size", sizes);
    }
    return new Runner(options.build()).run();
  }

  private static void print(RunResult scalar, RunResult vector) throws IOException {
    String processor = vector.getParams().getParam("processor");
    String backend = vector.getParams().getParam("backend");
    String size = vector.getParams().getParam("size");
    Result<?> before = scalar.getPrimaryResult();
    Result<?> after = vector.getPrimaryResult();
    double allocated = vector.getSecondaryResults().get("gc.alloc.rate.norm").getScore();
    KernelBench bench = new KernelBench();
    bench.processor = processor;
    bench.backend = backend;
    bench.size = size;
    bench.prepare();
    long tensors =
        bench.process().inputs().values().stream()
            .map(Tensor::data)
            .mapToLong(data -> data.byteSize())
            .sum();
    System.out.printf(
        "%-22s %-12s %-10s %8.0f ± %4.0f µs %8.0f ± %4.0f µs %5.2f %9.0f B, %9d B%n",
        processor,
        backend,
        size,
        before.getScore(),
        before.getScoreError(),
        after.getScore(),
        after.getScoreError(),
        before.getScore() / after.getScore(),
        allocated,
        tensors);
  }
}
