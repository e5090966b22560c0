package dev.fovea.engine.onnx;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.fovea.call.Clock;
import dev.fovea.engine.Engine;
import dev.fovea.engine.EngineKind;
import dev.fovea.engine.Lease;
import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.model.Interaction;
import dev.fovea.model.ServableModel;

/// Runs models with ONNX Runtime inside this process, on the CPU.
///
/// A native call cannot be unmounted from the thread that makes it, so each model has platform
/// threads of its own, one an instance; callers wait on virtual threads. Instances share one
/// session and with it one copy of the weights.
public final class OnnxEngine implements Engine {
  static {
    OnnxTelemetry.switchOff();
  }

  private final OrtEnvironment environment;
  private final Clock clock;
  private final int queueSize;

  /// @param clock measures queue and run times
  /// @param queueSize most batches that wait for an instance of one model; beyond that calls are
  ///   refused with `QUEUE_FULL`
  public OnnxEngine(Clock clock, int queueSize) {
    if (queueSize < 1) {
      throw new IllegalArgumentException("queueSize: " + queueSize + " (expected: > 0)");
    }
    this.environment = environment();
    this.clock = clock;
    this.queueSize = queueSize;
  }

  /// Loads the runtime's library, which the first engine would otherwise wait for.
  public static void loadLibrary() {
    OrtEnvironment _ = environment();
  }

  /// One for the whole process, however often it is asked for.
  private static OrtEnvironment environment() {
    return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "fovea");
  }

  @Override
  public EngineKind kind() {
    return EngineKind.ONNX_RUNTIME;
  }

  /// Names the version of the runtime: rows that run alone give equal bytes on equal versions.
  @Override
  public String description() {
    return "ONNX Runtime " + environment.getVersion();
  }

  @Override
  public Lease open(ServableModel model) {
    OrtSession session = openSession(model);
    try {
      SignatureCheck.of(model, session);
      return model.signature().interaction() == Interaction.SEQUENCE
          ? new OnnxSequenceLease(environment, session, model, clock, queueSize)
          : new OnnxRowLease(environment, session, model, clock, queueSize);
    } catch (FaultyConfigurationException | OrtException e) {
      closeQuietly(session);
      throw e instanceof FaultyConfigurationException faulty ? faulty : unreadable(model, e);
    }
  }

  private OrtSession openSession(ServableModel model) {
    try (OrtSession.SessionOptions options = SessionSettings.of(model)) {
      return environment.createSession(model.artifact().toString(), options);
    } catch (OrtException e) {
      throw unreadable(model, e);
    }
  }

  private static FaultyConfigurationException unreadable(ServableModel model, Exception cause) {
    return new FaultyConfigurationException(
        new Fault(
            model.name() + "/" + model.version() + "/" + model.artifact().getFileName(),
            "",
            String.valueOf(cause.getMessage()),
            "a model that ONNX Runtime loads"));
  }

  private static void closeQuietly(OrtSession session) {
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("a session that was never run must close", e);
    }
  }

  /// Nothing to release: the environment lives as long as the process.
  @Override
  public void close() {}
}
