package dev.fovea.rpc;

import dev.fovea.failure.GatewayException;
import dev.fovea.model.HypothesisTemplate;
import dev.fovea.task.LabelPrompts;
import dev.fovea.v1.Label;
import java.util.ArrayList;
import java.util.List;

/// Reads labels and the sentences around them, wherever a request has them.
final class LabelReader {
  private static final int MAX_NAME_LENGTH = 256;
  private static final int MAX_PROMPTS_A_LABEL = 64;
  private static final int MAX_TEMPLATES = 32;

  private final RequestLimits limits;

  LabelReader(RequestLimits limits) {
    this.limits = limits;
  }

  /// The labels of a field `labels`, each by itself.
  List<LabelPrompts> labels(List<Label> labels) {
    RequestLimits.requireCount("labels", labels.size(), limits.maxLabels());
    List<LabelPrompts> read = new ArrayList<>();
    for (int i = 0; i < labels.size(); i++) {
      try {
        read.add(label(labels.get(i)));
      } catch (GatewayException refusal) {
        throw refusal.under("labels[" + i + "]");
      }
    }
    return read;
  }

  private LabelPrompts label(Label label) {
    String name = label.getName();
    if (name.isEmpty() || name.length() > MAX_NAME_LENGTH) {
      throw GatewayException.invalidField("name", name, "1 to 256 characters");
    }
    if (label.getPromptsCount() == 0) {
      return new LabelPrompts(name, List.of(name));
    }
    RequestLimits.requireCount("prompts", label.getPromptsCount(), MAX_PROMPTS_A_LABEL);
    for (int i = 0; i < label.getPromptsCount(); i++) {
      limits.requireText("prompts[" + i + "]", label.getPrompts(i));
    }
    return new LabelPrompts(name, label.getPromptsList());
  }

  /// The templates of a field `hypothesis_templates`; none where there are none.
  List<String> templates(List<String> templates) {
    if (templates.isEmpty()) {
      return templates;
    }
    RequestLimits.requireCount("hypothesis_templates", templates.size(), MAX_TEMPLATES);
    for (int i = 0; i < templates.size(); i++) {
      String field = "hypothesis_templates[" + i + "]";
      limits.requireText(field, templates.get(i));
      if (!HypothesisTemplate.isTemplate(templates.get(i))) {
        throw GatewayException.invalidField(field, templates.get(i), "a text with one {}");
      }
    }
    return templates;
  }

  /// @param field what holds the labels, for the message
  /// @param templates how many each prompt is put into
  void requirePrompts(String field, List<LabelPrompts> labels, int templates) {
    long prompts = labels.stream().mapToLong(label -> label.prompts().size()).sum() * templates;
    RequestLimits.requireCount(field + " × prompts × templates", prompts, limits.maxPrompts());
  }
}
