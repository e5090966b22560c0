package dev.fovea.task;

import static java.util.Objects.requireNonNull;

import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Region;
import dev.fovea.model.Role;
import dev.fovea.text.Truncation;

/// One thing to look at or to read.
public sealed interface Content {
  /// The role of the model that embeds it.
  default Role role() {
    return switch (this) {
      case Image _ -> Role.VISION;
      case Text _ -> Role.TEXT;
    };
  }

  /// An image as it came, how it is to be read, and which part of it is looked at.
  record Image(ImageSource source, ImageOptions options, Region region) implements Content {
    public Image {
      requireNonNull(source, "source");
      requireNonNull(options, "options");
      requireNonNull(region, "region");
    }
  }

  /// A text, and what happens when it is too long for the model.
  record Text(String value, Truncation truncation) implements Content {
    public Text {
      requireNonNull(value, "value");
      requireNonNull(truncation, "truncation");
    }
  }
}
