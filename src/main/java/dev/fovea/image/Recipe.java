package dev.fovea.image;

import dev.fovea.kernel.ResampleFilter;
import dev.fovea.kernel.Resampler;
import dev.fovea.tensor.DataType;
import dev.fovea.tensor.Tensor;
import java.util.Locale;

/// What every plan has, whatever it makes of its pictures: how it resizes and what becomes of a
/// level. Immutable but for the cache of the resize.
final class Recipe {
  private final String name;
  private final Resize resize;
  private final Normalisation normalisation;
  private final ValueTable table;

  /// @param name the reference class
  /// @param type of the pixels' tensor
  Recipe(
      String name,
      Backend backend,
      ResampleFilter filter,
      Normalisation normalisation,
      DataType type) {
    this.name = name;
    this.resize = new Resize(backend, filter, Resampler.fastest());
    this.normalisation = normalisation;
    this.table = ValueTable.of(backend, normalisation, type);
  }

  Resize resize() {
    return resize;
  }

  Backend backend() {
    return resize.backend();
  }

  ValueTable table() {
    return table;
  }

  DataType type() {
    return table.type();
  }

  /// Makes a picture that covers `columns` tiles a row and writes their planes.
  void writePlanes(
      Raster image,
      Placement placement,
      int firstTile,
      int columns,
      int rows,
      Tensor out,
      Scratch scratch) {
    int tileWidth = placement.width() / columns;
    int tileHeight = placement.height() / rows;
    PlaneSink sink = new PlaneSink(out, table, scratch, firstTile, columns, tileWidth, tileHeight);
    resize.run(image, placement, scratch, sink);
  }

  /// One canonical line; `rest` says what the family adds.
  String specification(String rest) {
    return "%s backend=%s resample=%s %s type=%s %s"
        .formatted(
            name, backend().label(), filterName(), normalisation.specification(), type(), rest);
  }

  /// For clients to read; zero patches where the model takes pixels.
  ProcessorInfo info(Size size, int patchSize, int maxPatches, boolean keepsAspect) {
    return new ProcessorInfo(
        name,
        size.width(),
        size.height(),
        patchSize,
        maxPatches,
        keepsAspect,
        filterName(),
        backend().label());
  }

  private String filterName() {
    return resize.filter().name().toLowerCase(Locale.ROOT);
  }
}
