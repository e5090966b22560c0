package dev.fovea.engine.onnx;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// Keeps ONNX Runtime from reporting to its makers. Its library looks for an environment variable
/// when it is first used; a process can only be given one from outside or, as here, by the C
/// library.
///
/// Off is also the safer state: with reports on, version 1.29 crashes in processes that were
/// started with a command line of some ten thousand characters.
final class OnnxTelemetry {
  private static final Logger LOG = System.getLogger(OnnxTelemetry.class.getName());
  private static final String VARIABLE = "ORT_DISABLE_TELEMETRY";

  private OnnxTelemetry() {}

  /// Must be called before any class of the runtime is.
  static void switchOff() {
    if (System.getenv(VARIABLE) != null) {
      return;
    }
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> setenv = linker.defaultLookup().find("setenv");
    if (setenv.isEmpty()) {
      LOG.log(Level.WARNING, "ONNX Runtime may report to its makers: set " + VARIABLE + "=1");
      return;
    }
    // int setenv(const char *name, const char *value, int overwrite)
    MethodHandle set =
        linker.downcallHandle(
            setenv.get(),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      int failed = (int) set.invokeExact(arena.allocateFrom(VARIABLE), arena.allocateFrom("1"), 1);
      if (failed != 0) {
        LOG.log(Level.WARNING, "ONNX Runtime may report to its makers: set " + VARIABLE + "=1");
      }
    } catch (Throwable e) {
      throw new IllegalStateException("setenv", e);
    }
  }
}
