package dev.fovea.rpc;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.task.FamilyCatalog;
import dev.fovea.task.FamilyLabelSet;

/// Finds the label sets of families' own by the names that clients give.
final class FamilyLabelSets {
  private FamilyLabelSets() {}

  /// Whether a name can be that of such a set, and not that of one that is kept.
  static boolean isName(String name) {
    return name.indexOf(FamilyLabelSet.SEPARATOR) >= 0;
  }

  /// @throws GatewayException with `LABEL_SET_NOT_FOUND`
  static FamilyLabelSet require(FamilyCatalog catalog, String name) {
    FamilyLabelSet set = catalog.labelSets().get(name);
    if (set == null) {
      throw new GatewayException(
              Reason.LABEL_SET_NOT_FOUND,
              "no family has a label set " + GatewayException.quote(name))
          .with("labelSet", name);
    }
    return set;
  }
}
