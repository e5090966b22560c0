package dev.fovea.image;

import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import java.nio.file.Path;

/// Compiles image processors from the configuration files that Hugging Face models ship with.
public final class ImageProcessors {
  private ImageProcessors() {}

  /// Reads `preprocessor_config.json` of a model's `assets` folder.
  ///
  /// @param assets the folder
  /// @throws FaultyConfigurationException naming every key that is unknown or out of range; files
  ///   in it are relative to `assets`
  public static ImageProcessor read(Path assets) {
    throw new FaultyConfigurationException(
        new Fault("preprocessor_config.json", "image_processor_type", "", "a known processor"));
  }
}
