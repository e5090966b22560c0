package dev.fovea.model;

import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/// Reads a model repository folder by folder, then joins what belongs together.
final class ModelRepositoryReader {
  private final Path root;
  private final String decoder;
  private final Optional<String> configName;

  ModelRepositoryReader(Path root, String decoder, Optional<String> configName) {
    this.root = root.toAbsolutePath().normalize();
    this.decoder = decoder;
    this.configName = configName;
    if (configName.isPresent() && !ModelFolderReader.NAME.matcher(configName.get()).matches()) {
      throw new FaultyConfigurationException(
          new Fault("settings", "model-config-name", configName.get(), "a name"));
    }
  }

  ModelRepository read() {
    Map<String, List<ModelFolder>> byFamily = new TreeMap<>();
    List<Fault> warnings = new ArrayList<>();
    for (Path folder : folders()) {
      ModelFolder model = ModelFolder.read(folder, decoder, configName);
      byFamily.computeIfAbsent(model.family(), _ -> new ArrayList<>()).add(model);
      warnings.addAll(model.warnings());
    }
    Map<String, ModelFamily> families = new TreeMap<>();
    List<BrokenFamily> broken = new ArrayList<>();
    byFamily.forEach((name, members) -> {
      try {
        families.put(name, FamilyAssembly.assemble(name, members));
      } catch (FaultyConfigurationException e) {
        members.forEach(ModelFolder::close);
        broken.add(new BrokenFamily(name, e.faults()));
      }
    });
    return new ModelRepository(families, broken, warnings);
  }

  private List<Path> folders() {
    if (!Files.isDirectory(root)) {
      throw new FaultyConfigurationException(
          new Fault(root.toString(), "", "no folder", "a model repository"));
    }
    try (Stream<Path> entries = Files.list(root)) {
      List<Path> folders =
          entries
              .filter(Files::isDirectory)
              .filter(folder -> !folder.getFileName().toString().startsWith("."))
              .sorted()
              .toList();
      if (folders.isEmpty()) {
        throw new FaultyConfigurationException(
            new Fault(root.toString(), "", "no model folder in it", "one at least"));
      }
      return folders;
    } catch (IOException e) {
      throw new FaultyConfigurationException(
          new Fault(root.toString(), "", e.getClass().getSimpleName(), "a readable folder"));
    }
  }
}
