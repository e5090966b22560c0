package dev.fovea.rpc;

import dev.fovea.failure.GatewayException;
import dev.fovea.task.ModelSelector;
import java.util.regex.Pattern;

/// Reads which model a caller wants, and lets no other name through than one that a model may have.
final class SelectorReader {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,128}");
  private static final Pattern VERSION = Pattern.compile("[0-9]{1,18}");

  private SelectorReader() {}

  static ModelSelector read(dev.fovea.v1.ModelSelector selector) {
    if (!selector.getModel().isEmpty()) {
      requireName("model.model", selector.getModel());
    }
    String version = selector.getVersion();
    if (!version.isEmpty() && !VERSION.matcher(version).matches()) {
      throw GatewayException.invalidField("model.version", version, "digits, 18 at most");
    }
    return new ModelSelector(selector.getModel(), version);
  }

  static void requireName(String field, String name) {
    if (!NAME.matcher(name).matches()) {
      throw GatewayException.invalidField(field, name, "1 to 128 letters, digits, '_', '-' or '.'");
    }
  }
}
