package dev.fovea.task;

import dev.fovea.call.CallContext;
import dev.fovea.engine.EngineKind;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.telemetry.StageListener;
import dev.fovea.telemetry.StageTimings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.atomic.LongAdder;

/// What a call did, gathered while it runs and told with the answer. Threads may add at once.
public final class CallRecord {
  private final CallContext call;
  private final StageTimings timings;
  private final long startNanos;
  private final LongAdder images = new LongAdder();
  private final LongAdder imagePixels = new LongAdder();
  private final LongAdder imagePatches = new LongAdder();
  private final LongAdder texts = new LongAdder();
  private final LongAdder textTokens = new LongAdder();
  private final LongAdder cachedImages = new LongAdder();
  private final LongAdder cachedTexts = new LongAdder();
  private final LongAdder outputTokens = new LongAdder();

  /// Guarded by itself, as is the list of warnings.
  private final Map<String, UsedModel> models = new LinkedHashMap<>();

  private final List<Warning> warnings = new ArrayList<>();

  /// @param call what the call carries
  /// @param stages told of the time spent in each stage
  public CallRecord(CallContext call, StageListener stages) {
    this.call = call;
    this.timings = new StageTimings(call.deadline().clock(), stages);
    this.startNanos = call.deadline().clock().nanoTime();
  }

  /// A model that took part.
  ///
  /// @param model which
  /// @param kind what ran it
  public record UsedModel(ServableModel model, EngineKind kind) {}

  /// What was processed.
  ///
  /// @param images images decoded
  /// @param imagePixels pixels of those images, as stored
  /// @param imagePatches patches given to a model
  /// @param texts texts tokenised
  /// @param textTokens tokens given to a model
  /// @param cachedImages images that were not processed, because their vectors were there
  /// @param cachedTexts texts that were not, likewise
  /// @param outputTokens tokens that were generated
  public record Usage(
      long images,
      long imagePixels,
      long imagePatches,
      long texts,
      long textTokens,
      long cachedImages,
      long cachedTexts,
      long outputTokens) {}

  /// Something the caller should know although the call succeeded.
  ///
  /// @param code what it is about
  /// @param message the same in words
  /// @param item the item that it is about, by its place; empty when it is about the call
  public record Warning(Code code, String message, OptionalInt item) {
    /// What a warning is about.
    public enum Code {
      TEXT_TRUNCATED,
      DUPLICATE_LABEL
    }
  }

  void used(ServableModel model, EngineKind kind) {
    synchronized (models) {
      models.putIfAbsent(model.name(), new UsedModel(model, kind));
    }
  }

  void image(long pixels, long patches) {
    images.increment();
    imagePixels.add(pixels);
    imagePatches.add(patches);
  }

  void text(long tokens) {
    texts.increment();
    textTokens.add(tokens);
  }

  void generated(long tokens) {
    outputTokens.add(tokens);
  }

  void reused(Role role) {
    (role == Role.VISION ? cachedImages : cachedTexts).increment();
  }

  public void warn(Warning warning) {
    synchronized (warnings) {
      warnings.add(warning);
    }
  }

  public CallContext call() {
    return call;
  }

  public StageTimings timings() {
    return timings;
  }

  public Usage usage() {
    return new Usage(
        images.sum(),
        imagePixels.sum(),
        imagePatches.sum(),
        texts.sum(),
        textTokens.sum(),
        cachedImages.sum(),
        cachedTexts.sum(),
        outputTokens.sum());
  }

  public List<UsedModel> models() {
    synchronized (models) {
      return List.copyOf(models.values());
    }
  }

  public List<Warning> warnings() {
    synchronized (warnings) {
      return List.copyOf(warnings);
    }
  }

  /// Nanoseconds since the call began.
  public long elapsedNanos() {
    return call.deadline().clock().nanoTime() - startNanos;
  }
}
