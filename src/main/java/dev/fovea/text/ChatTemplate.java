package dev.fovea.text;

import dev.fovea.failure.Fault;
import dev.fovea.failure.FaultyConfigurationException;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Makes a model's prompt of a conversation: the part of Jinja2 that chat templates are written in,
/// as `apply_chat_template` of Hugging Face transformers renders it (blocks trimmed, lines before
/// them stripped).
///
/// A template is read once, at load; whatever it uses that is not known here is a fault that names
/// it. It comes from the model repository; what callers say goes in as values and stays what it is:
/// in the text that comes out, each occurrence of a special token that a caller has written is kept
/// apart from those of the template (see [PromptEncoder]).
public final class ChatTemplate {
  /// Characters of a template.
  private static final int MAX_LENGTH = 65_536;

  /// Steps that rendering one prompt may take.
  private static final int MAX_STEPS = 1_000_000;

  private final List<Jinja.Node> nodes;

  private ChatTemplate(List<Jinja.Node> nodes) {
    this.nodes = nodes;
  }

  /// One turn of a conversation.
  ///
  /// @param role who speaks, as templates name them: `user`, `assistant`
  /// @param content what is said
  public record Message(String role, String content) {}

  /// @param file where the template stands, for the message
  /// @throws FaultyConfigurationException naming what is not known
  public static ChatTemplate parse(String file, String source) {
    if (source.length() > MAX_LENGTH) {
      throw fault(file, source.length() + " characters", "at most " + MAX_LENGTH);
    }
    try {
      return new ChatTemplate(JinjaParser.parse(source));
    } catch (JinjaParser.UnknownSyntaxException e) {
      throw fault(file, e.getMessage(), "what chat templates are known to use here");
    }
  }

  private static FaultyConfigurationException fault(String file, String found, String expected) {
    return new FaultyConfigurationException(new Fault(file, "chat_template", found, expected));
  }

  /// Renders a prompt.
  ///
  /// @param messages the turns so far
  /// @param variables what else the template may ask for: texts, booleans, numbers
  /// @throws GatewayException with `INVALID_FIELD` when the template itself refuses the turns
  public String render(List<Message> messages, Map<String, Object> variables) {
    List<Object> turns = new ArrayList<>();
    for (Message message : messages) {
      turns.add(Map.of("role", message.role(), "content", message.content()));
    }
    Map<String, Object> scope = new HashMap<>(variables);
    scope.put("messages", turns);
    scope.putIfAbsent("add_generation_prompt", true);
    try {
      StringBuilder out = new StringBuilder();
      new Jinja(out, MAX_STEPS).render(nodes, new Jinja.Scope(scope));
      return out.toString();
    } catch (Jinja.RaisedException e) {
      throw GatewayException.invalid(
          Reason.INVALID_FIELD,
          "turns",
          messages.size() + " turns",
          String.valueOf(e.getMessage()));
    }
  }
}
