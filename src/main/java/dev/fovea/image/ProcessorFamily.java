package dev.fovea.image;

import dev.fovea.kernel.ResampleFilter;
import dev.fovea.tensor.DataType;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// How one reference class reads its configuration.
@FunctionalInterface
interface ProcessorFamily {
  /// A plan that is compiled once its settings are known to be faultless.
  @FunctionalInterface
  interface Draft {
    ImageProcessor compile();
  }

  /// Reads the keys of the family and records what is wrong with them.
  ///
  /// @param name the reference class
  /// @param type that the model wants the pixels in; absent where that of the reference will do
  Draft draft(String name, Settings settings, Optional<DataType> type);

  /// What a reference class has where its configuration is silent, and every class has.
  ///
  /// @param filter `resample`
  /// @param means `image_mean`
  /// @param deviations `image_std`
  record Defaults(ResampleFilter filter, List<Double> means, List<Double> deviations) {
    /// The keys that every family has.
    Ingredients read(Settings settings, Optional<DataType> type) {
      Backend backend = settings.choice("backend", BACKENDS, Backend.TORCHVISION);
      ResampleFilter chosen = settings.choice("resample", filters(backend), filter);
      Normalisation normalisation =
          new Normalisation(
              settings.flag("do_rescale", true),
              settings.positive("rescale_factor", 1 / 255.0),
              settings.flag("do_normalize", true),
              settings.channels("image_mean", means, _ -> true),
              settings.channels("image_std", deviations, deviation -> deviation > 0));
      settings.never("pad_size");
      return new Ingredients(backend, chosen, normalisation, type);
    }

    private static final Map<String, Backend> BACKENDS =
        new TreeMap<>(Map.of("pil", Backend.PIL, "torchvision", Backend.TORCHVISION));

    /// The filters by their number in Pillow.
    private static final Map<Integer, ResampleFilter> FILTERS =
        new TreeMap<>(
            Map.of(
                0, ResampleFilter.NEAREST,
                1, ResampleFilter.LANCZOS,
                2, ResampleFilter.BILINEAR,
                3, ResampleFilter.BICUBIC,
                4, ResampleFilter.BOX,
                5, ResampleFilter.HAMMING));

    /// torchvision has no box and no Hamming filter for tensors.
    private static Map<Integer, ResampleFilter> filters(Backend backend) {
      Map<Integer, ResampleFilter> filters = new TreeMap<>(FILTERS);
      if (backend == Backend.TORCHVISION) {
        filters.values().removeAll(List.of(ResampleFilter.BOX, ResampleFilter.HAMMING));
      }
      return filters;
    }
  }

  /// What [Recipe] is made of.
  record Ingredients(
      Backend backend,
      ResampleFilter filter,
      Normalisation normalisation,
      Optional<DataType> type) {
    Recipe recipe(String name) {
      return new Recipe(
          name, backend, filter, normalisation, type.filter(this::canMake).orElse(ownType()));
    }

    private boolean canMake(DataType wanted) {
      return switch (wanted) {
        case FP32, FP16, BF16 -> true;
        case UINT8 -> normalisation.keepsLevels();
        default -> false;
      };
    }

    /// What the reference gives.
    private DataType ownType() {
      return normalisation.keepsLevels() ? DataType.UINT8 : DataType.FP32;
    }
  }
}
