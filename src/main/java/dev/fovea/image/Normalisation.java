package dev.fovea.image;

import java.util.List;

/// How levels become numbers: `(level × factor − mean) ÷ deviation`, either step of which may be
/// left out.
///
/// @param rescales whether levels are multiplied by the factor
/// @param factor 1/255 brings them to 0..1
/// @param normalises whether the mean is subtracted and the rest divided by the deviation
/// @param means of red, green and blue
/// @param deviations of red, green and blue
record Normalisation(
    boolean rescales,
    double factor,
    boolean normalises,
    List<Double> means,
    List<Double> deviations) {
  /// Levels as they are.
  static final Normalisation NONE =
      new Normalisation(false, 1, false, List.of(0.0, 0.0, 0.0), List.of(1.0, 1.0, 1.0));

  Normalisation {
    means = List.copyOf(means);
    deviations = List.copyOf(deviations);
  }

  double mean(int channel) {
    return means.get(channel);
  }

  double deviation(int channel) {
    return deviations.get(channel);
  }

  /// Whether levels stay whole numbers of 0..255.
  boolean keepsLevels() {
    return !rescales && !normalises;
  }

  String specification() {
    return "rescale=%s normalize=%s"
        .formatted(rescales ? factor : "no", normalises ? means + "/" + deviations : "no");
  }
}
