package dev.fovea.engine.triton;

import inference.ServerMetadataResponse;
import java.util.Locale;
import java.util.Set;

/// Servers of one protocol that differ in what they have of it.
enum Dialect {
  /// NVIDIA Triton: all of it.
  TRITON("Triton", true, true, true),
  /// OpenVINO Model Server: streams as Triton has them, no configurations.
  OPENVINO("OpenVINO Model Server", false, true, false),
  /// MLServer: its streams carry other messages under the same name.
  MLSERVER("MLServer", false, false, false),
  /// KServe's own runtime, and any server that only says that it speaks the protocol: the core.
  CORE("a server of the KServe v2 core", false, false, false);

  private final String label;
  private final boolean configurations;
  private final boolean streams;
  private final boolean sequences;

  Dialect(String label, boolean configurations, boolean streams, boolean sequences) {
    this.label = label;
    this.configurations = configurations;
    this.streams = streams;
    this.sequences = sequences;
  }

  static Dialect of(ServerMetadataResponse metadata) {
    String name = metadata.getName().toLowerCase(Locale.ROOT);
    if (Set.copyOf(metadata.getExtensionsList()).contains("model_configuration")
        || name.equals("triton")) {
      return TRITON;
    }
    if (name.contains("openvino") || name.contains("ovms")) {
      return OPENVINO;
    }
    return name.contains("mlserver") ? MLSERVER : CORE;
  }

  /// Whether a model's whole configuration can be asked for; else only its tensors can.
  boolean hasConfigurations() {
    return configurations;
  }

  boolean hasStreams() {
    return streams;
  }

  boolean hasSequences() {
    return sequences;
  }

  /// What cannot be had from such a server; empty when nothing is missing.
  String lacks() {
    StringBuilder lacks = new StringBuilder();
    if (!configurations) {
      lacks.append("batch sizes are not compared, queue timeouts are not sent");
    }
    if (!sequences) {
      lacks.append(lacks.isEmpty() ? "" : ", ").append("no sequences");
    }
    if (!streams) {
      lacks.append(lacks.isEmpty() ? "" : ", ").append("no decoupled models");
    }
    return lacks.toString();
  }

  @Override
  public String toString() {
    return label;
  }
}
