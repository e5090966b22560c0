package dev.fovea.telemetry;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/// One stage of one call in a flight recording.
@Name("dev.fovea.Stage")
@Label("Fovea stage")
@Description("One stage of one call")
@Category("Fovea")
@StackTrace(false)
final class StageEvent extends Event {
  @Label("Stage")
  String stage = "";
}
