package dev.fovea.telemetry;

/// The stretches that the time of a call is made of.
public enum Stage {
  /// Waiting for leave to begin: for a processor, before the work on an item.
  ADMISSION,
  /// Encoded bytes to pixels.
  DECODE,
  /// Pixels to the model's input tensors.
  PREPROCESS,
  /// Text to token ids.
  TOKENIZE,
  /// Waiting for the engine.
  QUEUE,
  /// The engine at work, transport included.
  BACKEND,
  /// The engine's outputs to the answer.
  POSTPROCESS
}
