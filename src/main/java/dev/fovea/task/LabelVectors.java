package dev.fovea.task;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.kernel.Vectors;
import dev.fovea.model.HypothesisTemplate;
import dev.fovea.text.Truncation;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Makes the vector of each label: the normalised mean over the unit vectors of all its prompts in
/// all templates.
final class LabelVectors {
  private final EmbedItems embedItems;

  LabelVectors(EmbedItems embedItems) {
    this.embedItems = embedItems;
  }

  /// Says where in a request a prompt is.
  @FunctionalInterface
  interface PromptField {
    String of(int label, int prompt);
  }

  /// The prompts of labels below a field of the request.
  static PromptField labelsOf(String field) {
    return (label, prompt) -> "%s.labels[%d].prompts[%d]".formatted(field, label, prompt);
  }

  /// @param field where the prompts are, for the refusal
  /// @return one unit vector a label, in order
  /// @throws GatewayException naming the prompt that cannot be embedded, by its path from the
  ///   request
  List<float[]> of(
      ServedFamily family,
      PromptField field,
      List<LabelPrompts> labels,
      List<String> templates,
      CallRecord record)
      throws InterruptedException {
    Map<String, Integer> places = new LinkedHashMap<>();
    for (LabelPrompts label : labels) {
      for (String prompt : label.prompts()) {
        for (String template : templates) {
          places.putIfAbsent(HypothesisTemplate.fill(template, prompt), places.size());
        }
      }
    }
    List<Outcome<Content>> texts = new ArrayList<>();
    places
        .keySet()
        .forEach(text -> texts.add(Outcome.done(new Content.Text(text, Truncation.ERROR))));
    List<Outcome<Embedding>> embeddings = embedItems.run(family, texts, record);
    List<float[]> vectors = new ArrayList<>();
    for (int label = 0; label < labels.size(); label++) {
      vectors.add(mean(field, label, labels.get(label), templates, places, embeddings));
    }
    return vectors;
  }

  private static float[] mean(
      PromptField field,
      int place,
      LabelPrompts label,
      List<String> templates,
      Map<String, Integer> places,
      List<Outcome<Embedding>> embeddings) {
    float[] sum = new float[0];
    for (int prompt = 0; prompt < label.prompts().size(); prompt++) {
      for (String template : templates) {
        String text = HypothesisTemplate.fill(template, label.prompts().get(prompt));
        float[] vector =
            Vectors.normalised(
                vector(embeddings.get(places.getOrDefault(text, -1)), field.of(place, prompt)));
        sum = sum.length == 0 ? vector : Vectors.sum(sum, vector);
      }
    }
    return Vectors.normalised(sum);
  }

  private static float[] vector(Outcome<Embedding> embedding, String field) {
    return switch (embedding) {
      case Outcome.Done<Embedding>(Embedding done) -> done.vector();
      case Outcome.Failed<Embedding>(GatewayException refusal) -> throw refusal.at(field);
    };
  }
}
