package dev.fovea.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// `fovea`: the commands that ask a running server.
///
/// Exit status: 0 when everything was answered, 1 when something was refused, 2 for a wrong command
/// line, 3 when no server answers.
@Command(
    name = "fovea",
    description = "Asks a running Fovea server. Start one with: fovea serve",
    subcommands = {EmbedCommand.class, ClassifyCommand.class, ModelsCommand.class},
    sortOptions = false,
    mixinStandardHelpOptions = true,
    version = "Fovea 0.1.0")
public final class Fovea {
  private Fovea() {}

  public static void main(String... args) {
    System.exit(run(args));
  }

  /// Runs one command line and gives its exit status.
  static int run(String... args) {
    return new CommandLine(new Fovea()).setExecutionExceptionHandler(new Complaint()).execute(args);
  }
}
