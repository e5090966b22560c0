package dev.fovea.cli;

import dev.fovea.v1.Content;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbedResult;
import dev.fovea.v1.Embedding;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.Item;
import dev.fovea.v1.Text;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `fovea embed`: vectors of images and texts.
@Command(
    name = "embed",
    description = {
      "Embeds images and texts into one space of vectors.",
      "With --from and --to: all images of a folder, into part files. The same command goes on"
          + " where it was interrupted."
    },
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class EmbedCommand extends ServerCommand {
  private static final int HEAD = 6;

  @Parameters(
      paramLabel = ImageArguments.LABEL,
      arity = "0..*",
      description = "Image files, or handles that fovea upload gave")
  private List<String> images = new ArrayList<>();

  @Mixin private final ImageArguments arguments = new ImageArguments();

  @Option(names = "--text", description = "A text; may be given several times")
  private List<String> texts = new ArrayList<>();

  @Option(names = "--model", defaultValue = "", description = "A family or model")
  private String model = "";

  @Option(
      names = "--from",
      paramLabel = "FOLDER",
      description = "Embed all images of this folder and of those in it")
  private @Nullable Path from;

  @Option(names = "--to", paramLabel = "FOLDER", description = "Where the part files go")
  private @Nullable Path to;

  @Option(
      names = "--format",
      paramLabel = "npy|jsonl|parquet",
      defaultValue = "npy",
      description =
          "npy: NumPy arrays and names of their rows; jsonl: JSON lines; parquet: Apache Parquet."
              + " Default: npy")
  private PartFile.Format format = PartFile.Format.NPY;

  @Option(
      names = "--part-size",
      paramLabel = "N",
      defaultValue = "10000",
      description = "Images of one part file. Default: ${DEFAULT-VALUE}")
  private int partSize;

  @Option(
      names = "--in-flight",
      paramLabel = "N",
      defaultValue = "64",
      description = "Images with the server at once. Default: ${DEFAULT-VALUE}")
  private int inFlight;

  @Spec private CommandSpec spec;

  @Override
  int call(ManagedChannel channel) throws InterruptedException {
    if (from != null || to != null) {
      return embedFolder(channel);
    }
    if (images.isEmpty() && texts.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "nothing to embed: name an image or a --text");
    }
    EmbedRequest.Builder request = EmbedRequest.newBuilder().setModel(selector(model));
    images.forEach(image -> request.addItems(arguments.item(image)));
    texts.forEach(text -> request.addItems(text(text)));
    EmbedResponse response =
        withDeadline(EmbeddingServiceGrpc.newBlockingStub(channel)).embed(request.build());
    if (!toldAsJson(response)) {
      response.getResultsList().forEach(this::tell);
      tell(response.getCallInfo());
    }
    boolean refused = response.getResultsList().stream().anyMatch(EmbedResult::hasError);
    return refused ? Complaint.REFUSED : 0;
  }

  private int embedFolder(ManagedChannel channel) throws InterruptedException {
    if (from == null || to == null || !images.isEmpty() || !texts.isEmpty()) {
      throw new ParameterException(spec.commandLine(), "--from and --to go together, and alone");
    }
    if (partSize < 1 || inFlight < 1) {
      throw new ParameterException(
          spec.commandLine(), "--part-size and --in-flight: expected 1 at least");
    }
    Progress progress =
        new EmbedFolder(
                channel,
                arguments,
                new EmbedFolder.Order(from, to, model, format, partSize, inFlight),
                spec.commandLine().getErr())
            .run();
    out().println(progress.summary());
    if (progress.total() == 0) {
      throw new UnreadableFileException(from + ": no images in it");
    }
    if (progress.refusals() > 0) {
      out().println("what was refused and why: " + to.resolve("part-*.failures.jsonl"));
    }
    return progress.refusals() > 0 ? Complaint.REFUSED : 0;
  }

  private static Item text(String text) {
    String id = text.length() <= 64 ? text : text.substring(0, 63) + "…";
    return Item.newBuilder()
        .setId(id)
        .setContent(Content.newBuilder().setText(Text.newBuilder().setValue(text)))
        .build();
  }

  private void tell(EmbedResult result) {
    if (result.hasError()) {
      out().println(result.getId() + ": " + Complaint.describe(result.getError().getStatus()));
      return;
    }
    Embedding embedding = result.getEmbedding();
    List<Float> vector = embedding.getVector().getFloats().getValuesList();
    double norm = Math.sqrt(vector.stream().mapToDouble(x -> (double) x * x).sum());
    String seen =
        embedding.getTokens() > 0
            ? embedding.getTokens() + " tokens"
            : embedding.getOrientedWidth() + "×" + embedding.getOrientedHeight() + " pixels";
    String head =
        vector.stream()
            .limit(HEAD)
            .map(x -> String.format(Locale.ROOT, "%.4f", x))
            .collect(Collectors.joining(", "));
    out()
        .println(
            String.format(
                Locale.ROOT,
                "%s: %s, %d dimensions, norm %.4f, [%s, …]",
                result.getId(),
                seen,
                vector.size(),
                norm,
                head));
  }
}
