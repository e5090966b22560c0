package dev.fovea.image;

import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.kernel.ResampleFilter;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/// Compiles image processors from the configuration files that Hugging Face models ship with.
public final class ImageProcessors {
  private static final String FILE = "preprocessor_config.json";
  private static final String TYPE = "image_processor_type";

  /// The processors by the name their configuration has for them.
  private static final Map<String, Function<Settings, ImageProcessor>> BY_TYPE =
      new TreeMap<>(Map.of(FoveaPatchImageProcessor.NAME, ImageProcessors::foveaPatches));

  /// The filters by their number in Pillow.
  private static final Map<Integer, ResampleFilter> FILTERS =
      new TreeMap<>(
          Map.of(
              1, ResampleFilter.LANCZOS,
              2, ResampleFilter.BILINEAR,
              3, ResampleFilter.BICUBIC,
              4, ResampleFilter.BOX,
              5, ResampleFilter.HAMMING));

  private ImageProcessors() {}

  /// Reads `preprocessor_config.json` of a model's `assets` folder.
  ///
  /// @param assets the folder
  /// @throws FaultyConfigurationException naming every key that is unknown or out of range; files
  ///   in it are relative to `assets`
  public static ImageProcessor read(Path assets) {
    Settings settings = Settings.read(assets, FILE);
    String type = settings.text(TYPE);
    Function<Settings, ImageProcessor> family = BY_TYPE.get(type);
    if (family == null) {
      throw settings.refusal(TYPE, "one of " + BY_TYPE.keySet());
    }
    return family.apply(settings);
  }

  private static ImageProcessor foveaPatches(Settings settings) {
    settings.choice("backend", Map.of("pil", "pil"));
    settings.always("do_convert_rgb", true);
    settings.always("do_resize", true);
    FoveaPatchImageProcessor.Plan plan =
        new FoveaPatchImageProcessor.Plan(
            settings.choice("resample", FILTERS).orElse(ResampleFilter.BILINEAR),
            settings.integer("patch_size", 16, 1, 256),
            settings.integer("max_num_patches", 64, 1, 65_536),
            settings.integer("max_patches_per_side", 16, 1, 65_536));
    settings.requireFaultless();
    return new FoveaPatchImageProcessor(plan);
  }
}
