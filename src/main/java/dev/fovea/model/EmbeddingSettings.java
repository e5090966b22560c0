package dev.fovea.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// What one model's `assets/config.json` says about comparing its vectors. Keys that say nothing
/// about that belong to the model's own library and are passed over.
///
/// @param projectionDim `projection_dim`: components of a vector
/// @param outputDimensions `matryoshka_dims`: shorter dimensions that vectors may be cut to,
///   ascending
/// @param singleLabel `logit_scale` and `logit_bias`
/// @param multiLabel `multi_label_scale` and `multi_label_bias`
/// @param patches `patch_scale` and `patch_bias`
/// @param hypothesisTemplates `hypothesis_templates`
/// @param rejectionThreshold `rejection_threshold`, a cosine
/// @param rejectionMargin `rejection_margin`, a difference of cosines, and `rejection_background`
record EmbeddingSettings(
    OptionalInt projectionDim,
    List<Integer> outputDimensions,
    Optional<Calibration> singleLabel,
    Optional<Calibration> multiLabel,
    Optional<Calibration> patches,
    List<String> hypothesisTemplates,
    OptionalDouble rejectionThreshold,
    Optional<RejectionMargin> rejectionMargin) {
  static final EmbeddingSettings NONE =
      new EmbeddingSettings(
          OptionalInt.empty(),
          List.of(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          List.of(),
          OptionalDouble.empty(),
          Optional.empty());

  static final String FILE = "config.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  /// @throws FaultyConfigurationException naming each key at fault; a missing file says nothing
  static EmbeddingSettings read(Path assets) {
    Path file = assets.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      return NONE;
    }
    try {
      return new Reader(JSON.readTree(file.toFile())).read();
    } catch (IOException e) {
      throw new FaultyConfigurationException(
          new Fault(FILE, "", e.getClass().getSimpleName(), "a JSON object"));
    }
  }

  private static final class Reader {
    private final JsonNode json;
    private final List<Fault> faults = new ArrayList<>();

    Reader(JsonNode json) {
      this.json = json;
    }

    EmbeddingSettings read() {
      OptionalDouble dim = number("projection_dim", 1, 65_536);
      EmbeddingSettings settings =
          new EmbeddingSettings(
              dim.isPresent() ? OptionalInt.of((int) dim.getAsDouble()) : OptionalInt.empty(),
              dimensions("matryoshka_dims"),
              calibration("logit_scale", "logit_bias"),
              calibration("multi_label_scale", "multi_label_bias"),
              calibration("patch_scale", "patch_bias"),
              templates("hypothesis_templates"),
              number("rejection_threshold", -1, 1),
              rejectionMargin("rejection_margin", "rejection_background"));
      if (!faults.isEmpty()) {
        throw new FaultyConfigurationException(faults);
      }
      return settings;
    }

    private OptionalDouble number(String key, double min, double max) {
      JsonNode node = json.path(key);
      if (node.isMissingNode() || node.isNull()) {
        return OptionalDouble.empty();
      }
      if (!node.isNumber() || node.asDouble() < min || node.asDouble() > max) {
        faults.add(new Fault(FILE, key, node.toString(), "a number, " + min + " to " + max));
        return OptionalDouble.empty();
      }
      return OptionalDouble.of(node.asDouble());
    }

    private Optional<Calibration> calibration(String scaleKey, String biasKey) {
      OptionalDouble scale = number(scaleKey, Float.MIN_VALUE, 1e6);
      OptionalDouble bias = number(biasKey, -1e6, 1e6);
      return scale.isEmpty()
          ? Optional.empty()
          : Optional.of(new Calibration(scale.getAsDouble(), bias.orElse(0)));
    }

    private Optional<RejectionMargin> rejectionMargin(String marginKey, String backgroundKey) {
      OptionalDouble margin = number(marginKey, -2, 2);
      JsonNode node = json.path(backgroundKey);
      if (margin.isEmpty() && node.isMissingNode()) {
        return Optional.empty();
      }
      List<Float> background = new ArrayList<>();
      for (JsonNode component : node) {
        if (component.isNumber() && Math.abs(component.asDouble()) <= 1) {
          background.add((float) component.asDouble());
        } else {
          faults.add(new Fault(FILE, backgroundKey, component.toString(), "a number, -1 to 1"));
        }
      }
      if (margin.isEmpty()) {
        faults.add(new Fault(FILE, marginKey, "none", "a number beside " + backgroundKey));
      }
      return Optional.of(new RejectionMargin(background, margin.orElse(0)));
    }

    private List<String> templates(String key) {
      List<String> templates = new ArrayList<>();
      for (JsonNode node : json.path(key)) {
        if (node.isTextual() && HypothesisTemplate.isTemplate(node.asText())) {
          templates.add(node.asText());
        } else {
          faults.add(new Fault(FILE, key, node.toString(), "a text with one {}"));
        }
      }
      return templates;
    }

    private List<Integer> dimensions(String key) {
      List<Integer> dimensions = new ArrayList<>();
      for (JsonNode node : json.path(key)) {
        if (node.isInt() && node.asInt() > 0) {
          dimensions.add(node.asInt());
        } else {
          faults.add(new Fault(FILE, key, node.toString(), "a whole number, 1 or more"));
        }
      }
      return dimensions.stream().sorted().toList();
    }
  }
}
