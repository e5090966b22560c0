package dev.fovea.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/// What a model reached, kept in a file so that the page of another can show it beside its own.
///
/// @param model its name
/// @param measures without their targets
record SavedMeasures(String model, List<Measure> measures) {
  private static final ObjectMapper JSON = new ObjectMapper();

  SavedMeasures {
    measures = List.copyOf(measures);
  }

  /// @throws UnreadableFileException naming the file that is not there or not as it must be
  static SavedMeasures read(Path file) {
    try {
      JsonNode saved = JSON.readTree(file.toFile());
      List<Measure> measures = new ArrayList<>();
      for (JsonNode one : saved.required("measures")) {
        measures.add(
            new Measure(
                one.required("name").asText(),
                one.required("value").asDouble(),
                one.required("low").asDouble(),
                one.required("high").asDouble(),
                one.required("cases").asInt(),
                OptionalDouble.empty()));
      }
      return new SavedMeasures(saved.required("model").asText(), measures);
    } catch (IOException | IllegalArgumentException e) {
      throw new UnreadableFileException(file + ": no measures; ./fovea eval --save writes them");
    }
  }

  /// @throws UnreadableFileException when it cannot be written
  void write(Path file) {
    ObjectNode saved = JSON.createObjectNode().put("model", model);
    ArrayNode list = saved.putArray("measures");
    for (Measure measure : measures) {
      list.addObject()
          .put("name", measure.name())
          .put("value", measure.value())
          .put("low", measure.low())
          .put("high", measure.high())
          .put("cases", measure.cases());
    }
    try {
      Files.writeString(file, saved.toPrettyString() + "\n");
    } catch (IOException e) {
      throw new UnreadableFileException(file + ": cannot be written (" + e.getMessage() + ")");
    }
  }

  /// What several models reached, of what the first and one other at least were asked.
  static String table(List<SavedMeasures> models) {
    SavedMeasures first = models.getFirst();
    List<SavedMeasures> others = models.subList(1, models.size());
    return models.stream()
            .map(model -> "`" + model.model() + "`")
            .collect(Collectors.joining(" | ", "| measure | ", " |\n|---|"))
        + "---|".repeat(models.size())
        + first.measures().stream()
            .map(Measure::name)
            .filter(name -> others.stream().anyMatch(other -> other.find(name).isPresent()))
            .map(name ->
                models.stream()
                    .map(model -> model.find(name).map(Measure::figure).orElse(""))
                    .collect(Collectors.joining(" | ", "\n| " + name + " | ", " |")))
            .collect(Collectors.joining());
  }

  private Optional<Measure> find(String name) {
    return measures.stream().filter(measure -> measure.name().equals(name)).findFirst();
  }
}
