package dev.fovea.rpc;

import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.task.FamilyCatalog;
import dev.fovea.task.FamilyLabelSet;
import java.util.regex.Pattern;

/// Finds the label sets of families' own by the names that clients give.
final class FamilyLabelSets {
  private static final Pattern NAME =
      Pattern.compile(
          "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}" + FamilyLabelSet.SEPARATOR + "[a-z]{1,32}");

  private FamilyLabelSets() {}

  /// Whether a name can be that of such a set; none that is kept has one like it.
  static boolean isName(String name) {
    return NAME.matcher(name).matches();
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
