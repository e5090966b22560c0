package dev.fovea.image;

import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.tensor.DataType;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Compiles image processors from the configuration files that Hugging Face models ship with, as
/// transformers 5.18 reads them.
///
/// One key is Fovea's own: `backend`, `torchvision` (the default, as in transformers) or `pil`.
public final class ImageProcessors {
  private static final String TYPE = "image_processor_type";
  private static final String LEGACY_TYPE = "feature_extractor_type";

  /// Keys that transformers writes into its files and that make no difference to the tensors of an
  /// image that was decoded to red, green and blue.
  private static final Set<String> WITHOUT_EFFECT =
      Set.of(
          "_processor_class",
          "_valid_processor_keys",
          "auto_map",
          "data_format",
          "device",
          "disable_grouping",
          "do_convert_rgb",
          LEGACY_TYPE,
          "image_seq_length",
          "input_data_format",
          "processor_class",
          "return_tensors",
          "size_divisor",
          "use_fast");

  private ImageProcessors() {}

  /// Reads `processor_config.json` or `preprocessor_config.json` of a model's `assets` folder;
  /// pixels come in the type that the reference gives them.
  ///
  /// @param assets the folder
  /// @throws FaultyConfigurationException naming every key that is unknown or out of range; files
  ///   in it are relative to `assets`
  public static ImageProcessor read(Path assets) {
    return read(assets, Optional.empty());
  }

  /// As [#read(Path)], with the pixels in the type that a model wants.
  ///
  /// @param type FP32, FP16 or BF16; UINT8 where levels stay as they are. Any other counts as none
  public static ImageProcessor read(Path assets, Optional<DataType> type) {
    Settings settings = Settings.read(assets);
    settings.ignore(WITHOUT_EFFECT);
    String name = className(settings);
    ProcessorFamily family = ProcessorFamilies.BY_CLASS.get(name);
    if (family == null) {
      String key = settings.has(TYPE) || !settings.has(LEGACY_TYPE) ? TYPE : LEGACY_TYPE;
      throw settings.refusal(key, "one of " + new TreeSet<>(ProcessorFamilies.BY_CLASS.keySet()));
    }
    ProcessorFamily.Draft draft = family.draft(name, settings, type);
    settings.requireFaultless();
    return draft.compile();
  }

  /// The reference class without `Fast`: transformers chooses the back end by other means.
  private static String className(Settings settings) {
    String type = settings.text(TYPE);
    if (type.isEmpty()) {
      type = settings.text(LEGACY_TYPE).replace("FeatureExtractor", "ImageProcessor");
    }
    return type.endsWith("Fast") ? type.substring(0, type.length() - 4) : type;
  }
}
