package dev.fovea.model;

import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// What a folder of models holds: the families that can be served and those that cannot. An
/// immutable snapshot; a changed folder is read anew as a whole.
///
/// @param families by name, in order of names
/// @param broken families with faults, in order of names
/// @param warnings what stands in the configurations but is not honoured
public record ModelRepository(
    Map<String, ModelFamily> families, List<BrokenFamily> broken, List<Fault> warnings) {
  public ModelRepository {
    families = Collections.unmodifiableMap(new TreeMap<>(families));
    broken = List.copyOf(broken);
    warnings = List.copyOf(warnings);
  }

  /// Reads and checks a whole folder: every model's configuration, files, processor and tokenizer.
  ///
  /// @param root the folder; each folder in it that holds a `config.pbtxt` is a model
  /// @param decoder [dev.fovea.image.ImageDecoder#specification] of the decoder in use, part of
  ///   every image model's preprocessing digest
  /// @throws FaultyConfigurationException when `root` is no folder, or holds no model
  public static ModelRepository read(Path root, String decoder) {
    return read(root, decoder, Optional.empty());
  }

  /// As [#read(Path, String)], with the configurations that Triton reads when it is started with
  /// `--model-config-name`.
  ///
  /// @param configName a model's configuration is `configs/NAME.pbtxt` where it has such a file
  public static ModelRepository read(Path root, String decoder, Optional<String> configName) {
    return new ModelRepositoryReader(root, decoder, configName).read();
  }

  /// Every fault of every broken family.
  public List<Fault> faults() {
    return broken.stream().flatMap(family -> family.faults().stream()).toList();
  }
}
