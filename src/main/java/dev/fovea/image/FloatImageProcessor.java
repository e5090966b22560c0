package dev.fovea.image;

import static dev.fovea.kernel.Resampler.CHANNELS;

import dev.fovea.kernel.FloatTaps;
import dev.fovea.kernel.ResampleFilter;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Shape;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorAllocator;
import dev.fovea.tensor.TensorSpec;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The processor of DINOv3 (`DINOv3ViTImageProcessor`), which rescales first and resizes numbers of
/// single precision, not levels.
///
/// | input | type | shape | content |
/// |---|---|---|---|
/// | `pixel_values` | FP32 | 3 × height × width | planes of red, green and blue |
final class FloatImageProcessor implements ImageProcessor {
  private final String name;
  private final ResampleFilter filter;
  private final Normalisation normalisation;
  private final Size size;

  FloatImageProcessor(String name, ResampleFilter filter, Normalisation normalisation, Size size) {
    this.name = name;
    this.filter = filter;
    this.normalisation = normalisation;
    this.size = size;
  }

  @Override
  public ProcessedImage process(Pixels pixels, TensorAllocator memory) {
    Tensor planes = memory.allocate(DataType.FP32, Shape.of(CHANNELS, size.height(), size.width()));
    FloatTaps rows = new FloatTaps(filter, pixels.width(), size.width());
    FloatTaps columns = new FloatTaps(filter, pixels.height(), size.height());
    float[] narrowed = new float[pixels.height() * size.width()];
    byte[] row = new byte[pixels.width() * CHANNELS];
    float[] line = new float[pixels.width()];
    for (int channel = 0; channel < CHANNELS; channel++) {
      for (int y = 0; y < pixels.height(); y++) {
        pixels.copyRow(y, 0, pixels.width(), row, 0);
        rescale(row, channel, line);
        for (int x = 0; x < size.width(); x++) {
          narrowed[y * size.width() + x] = rows.apply(x, line, 0, 1);
        }
      }
      write(narrowed, columns, channel, planes);
    }
    return new ProcessedImage(Map.of("pixel_values", planes), 0);
  }

  private void rescale(byte[] row, int channel, float[] line) {
    float factor = normalisation.rescales() ? (float) normalisation.factor() : 1;
    for (int x = 0; x < line.length; x++) {
      line[x] = (row[x * CHANNELS + channel] & 0xFF) * factor;
    }
  }

  private void write(float[] narrowed, FloatTaps columns, int channel, Tensor planes) {
    float mean = (float) normalisation.mean(channel);
    float deviation = (float) normalisation.deviation(channel);
    long to = (long) channel * size.height() * size.width();
    for (int y = 0; y < size.height(); y++) {
      for (int x = 0; x < size.width(); x++) {
        float value = columns.apply(y, narrowed, x, size.width());
        planes.setFloat(to++, normalisation.normalises() ? (value - mean) / deviation : value);
      }
    }
  }

  @Override
  public DecodeTarget target(int width, int height) {
    return new DecodeTarget(size.width(), size.height());
  }

  @Override
  public List<TensorSpec> outputs() {
    Shape shape = Shape.of(CHANNELS, size.height(), size.width());
    return List.of(new TensorSpec("pixel_values", DataType.FP32, shape));
  }

  @Override
  public ProcessorInfo info() {
    return new ProcessorInfo(
        name, size.width(), size.height(), 0, 0, false, filterName(), Backend.TORCHVISION.label());
  }

  @Override
  public String specification() {
    return "%s backend=torchvision resample=%s %s type=FP32 size=%s before=rescale"
        .formatted(name, filterName(), normalisation.specification(), size);
  }

  private String filterName() {
    return filter.name().toLowerCase(Locale.ROOT);
  }
}
