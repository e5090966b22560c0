package dev.fovea.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `fovea`: the commands that ask a running server.
///
/// Exit status: 0 when everything was answered, 1 when something was refused, 2 for a wrong command
/// line, 3 when no server answers.
@Command(
    name = "fovea",
    description = "Asks a running Fovea server. Start one with: fovea serve",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      EmbedCommand.class,
      ClassifyCommand.class,
      CaptionCommand.class,
      AskCommand.class,
      RelevanceCommand.class,
      DepthCommand.class,
      EvalCommand.class,
      UploadCommand.class,
      InfoCommand.class,
      ModelsCommand.class
    },
    sortOptions = false,
    mixinStandardHelpOptions = true,
    version = "Fovea 0.1.0")
public final class Fovea implements Runnable {
  @Spec private CommandSpec spec;

  private Fovea() {}

  public static void main(String... args) {
    System.setProperty("java.awt.headless", "true");
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    System.exit(run(out, err, args));
  }

  /// Runs one command line and gives its exit status.
  static int run(PrintWriter out, PrintWriter err, String... args) {
    return new CommandLine(new Fovea())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOut(out)
        .setErr(err)
        .setExecutionExceptionHandler(new Complaint())
        .execute(args);
  }

  /// Without a command there is nothing to do.
  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which command?");
  }
}
