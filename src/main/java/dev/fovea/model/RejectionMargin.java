package dev.fovea.model;

import java.util.List;

/// How much better than all that a family knows a label must fit an image.
///
/// A picture of nothing that the family knows lies at some cosine to everything, which may be as
/// large as the best one of a picture that it knows. The lead of the best cosine over the mean of
/// all tells the two apart, whichever labels are asked for.
///
/// @param background the mean of the unit vectors of all that the family knows, one component for
///   each of the space; not of unit length
/// @param least lead of the best cosine over the image's mean cosine, below which nothing fits
public record RejectionMargin(List<Float> background, double least) {
  public RejectionMargin {
    background = List.copyOf(background);
  }

  /// @param image an image's vector, of any length but zero
  /// @param best its best cosine to a label
  boolean rejects(float[] image, double best) {
    double mean = 0;
    double squares = 0;
    for (int i = 0; i < image.length; i++) {
      mean += (double) image[i] * background.get(i);
      squares += (double) image[i] * image[i];
    }
    return best - mean / Math.sqrt(squares) < least;
  }
}
