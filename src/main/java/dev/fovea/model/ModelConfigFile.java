package dev.fovea.model;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.ExtensionRegistry;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import inference.ModelConfig;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A model's `config.pbtxt`: Triton's own configuration, in protobuf's text format.
final class ModelConfigFile {
  static final String NAME = "config.pbtxt";

  /// The fields that this program acts on. A path covers everything below it.
  private static final Set<String> HONOURED =
      Set.of(
          "name",
          "platform",
          "backend",
          "version_policy",
          "max_batch_size",
          "input.name",
          "input.data_type",
          "input.dims",
          "output.name",
          "output.data_type",
          "output.dims",
          "output.label_filename",
          "instance_group.count",
          "instance_group.kind",
          "instance_group.name",
          "default_model_filename",
          "dynamic_batching",
          "sequence_batching",
          "model_transaction_policy",
          "optimization.graph.level",
          "parameters");

  private ModelConfigFile() {}

  /// Parses the text. A field that Triton's configuration does not have, a wrong value or bad
  /// syntax is a fault with its place in the file.
  static Optional<ModelConfig> parse(String file, String text, FaultLog faults) {
    ModelConfig.Builder config = ModelConfig.newBuilder();
    try {
      TextFormat.Parser.newBuilder()
          .setSingularOverwritePolicy(
              TextFormat.Parser.SingularOverwritePolicy.FORBID_SINGULAR_OVERWRITES)
          .build()
          .merge(text, ExtensionRegistry.getEmptyRegistry(), config);
      return Optional.of(config.build());
    } catch (TextFormat.ParseException e) {
      for (String line : String.valueOf(e.getMessage()).lines().toList()) {
        faults.add(file, "", line, "a field of inference.ModelConfig in protobuf text format");
      }
      return Optional.empty();
    }
  }

  /// What can be read of a text that [#parse] refuses: enough to tell which family it breaks.
  static ModelConfig parseLeniently(String text) {
    ModelConfig.Builder config = ModelConfig.newBuilder();
    try {
      TextFormat.Parser.newBuilder().setAllowUnknownFields(true).build().merge(text, config);
    } catch (TextFormat.ParseException e) {
      return config.build();
    }
    return config.build();
  }

  /// Logs every field that is set and not acted on.
  static void warnOfUnhonoured(String file, ModelConfig config, FaultLog warnings) {
    warn(file, config, "", warnings);
  }

  private static void warn(String file, Message message, String parent, FaultLog warnings) {
    for (Map.Entry<FieldDescriptor, Object> field : message.getAllFields().entrySet()) {
      String path = parent + field.getKey().getName();
      if (HONOURED.contains(path)) {
        continue;
      }
      boolean honouredBelow = HONOURED.stream().anyMatch(p -> p.startsWith(path + "."));
      if (honouredBelow) {
        for (Message child : children(field)) {
          warn(file, child, path + ".", warnings);
        }
      } else if (isSaid(field)) {
        warnings.add(file, path, summary(field), "nothing: it is not honoured here");
      }
    }
  }

  /// An empty message says nothing that could be ignored.
  private static boolean isSaid(Map.Entry<FieldDescriptor, Object> field) {
    return !(field.getValue() instanceof Message message) || !message.getAllFields().isEmpty();
  }

  private static List<Message> children(Map.Entry<FieldDescriptor, Object> field) {
    if (field.getValue() instanceof List<?> list) {
      return list.stream().map(Message.class::cast).toList();
    }
    return List.of((Message) field.getValue());
  }

  private static String summary(Map.Entry<FieldDescriptor, Object> field) {
    String text =
        field.getValue() instanceof Message message
            ? TextFormat.printer().emittingSingleLine(true).printToString(message)
            : String.valueOf(field.getValue()).replace('\n', ' ').strip();
    return text.length() <= 60 ? text : text.substring(0, 59) + "…";
  }
}
