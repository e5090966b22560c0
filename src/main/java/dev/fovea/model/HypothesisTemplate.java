package dev.fovea.model;

/// A sentence with one place for a label's prompt, written `{}` as in Hugging Face's zero-shot
/// pipelines.
public final class HypothesisTemplate {
  private static final String PLACE = "{}";

  private HypothesisTemplate() {}

  /// Whether the text has exactly one place.
  public static boolean isTemplate(String text) {
    int at = text.indexOf(PLACE);
    return at >= 0 && text.indexOf(PLACE, at + 1) < 0;
  }

  /// The template with the prompt in its place.
  public static String fill(String template, String prompt) {
    int at = template.indexOf(PLACE);
    return template.substring(0, at) + prompt + template.substring(at + PLACE.length());
  }
}
