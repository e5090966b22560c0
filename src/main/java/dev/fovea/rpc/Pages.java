package dev.fovea.rpc;

import dev.fovea.failure.GatewayException;

/// How much a page of a list holds.
final class Pages {
  private static final int DEFAULT_SIZE = 100;
  private static final int MAX_SIZE = 1000;

  private Pages() {}

  /// @param wanted the field `page_size`; 0 for the default, what is too large means the largest
  static int size(int wanted) {
    if (wanted < 0) {
      throw GatewayException.invalidField("page_size", wanted, "0 or more");
    }
    return wanted == 0 ? DEFAULT_SIZE : Math.min(wanted, MAX_SIZE);
  }
}
