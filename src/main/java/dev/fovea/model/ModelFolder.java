package dev.fovea.model;

import dev.fovea.failure.Fault;
import dev.fovea.text.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// One folder of the repository as it was read: a model and its settings, or what is wrong with it.
///
/// @param family the family that it says it belongs to; the folder's own name where it does not say
/// @param model the model; absent when there are faults
/// @param settings how its vectors are compared
/// @param faults everything wrong with it
/// @param warnings what it says and is not acted on
record ModelFolder(
    String family,
    Optional<ServableModel> model,
    EmbeddingSettings settings,
    String space,
    List<Fault> faults,
    List<Fault> warnings)
    implements AutoCloseable {

  static ModelFolder read(Path folder, String decoder, Optional<String> configName) {
    return new ModelFolderReader(folder, decoder, configName).read();
  }

  @Override
  public void close() {
    model.flatMap(ServableModel::tokenizer).ifPresent(Tokenizer::close);
  }
}
