package dev.fovea.engine;

/// What runs a model.
public enum EngineKind {
  /// ONNX Runtime in this process.
  ONNX_RUNTIME,
  /// An NVIDIA Triton server.
  TRITON,
  /// Answers by a script.
  SCRIPTED
}
