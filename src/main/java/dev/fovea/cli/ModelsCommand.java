package dev.fovea.cli;

import dev.fovea.v1.EmbeddingSpace;
import dev.fovea.v1.ImageInput;
import dev.fovea.v1.ListModelsRequest;
import dev.fovea.v1.ListModelsResponse;
import dev.fovea.v1.ModelFamily;
import dev.fovea.v1.ModelMember;
import dev.fovea.v1.ModelServiceGrpc;
import dev.fovea.v1.ModelState;
import io.grpc.ManagedChannel;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;

/// `fovea models`: what a server has loaded.
@Command(
    name = "models",
    description = "Lists what the server has loaded.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class ModelsCommand extends ServerCommand {
  @Override
  int call(ManagedChannel channel) {
    ListModelsResponse response =
        withDeadline(ModelServiceGrpc.newBlockingStub(channel))
            .listModels(ListModelsRequest.newBuilder().setPageSize(1000).build());
    if (!toldAsJson(response)) {
      response.getFamiliesList().forEach(this::tell);
    }
    return 0;
  }

  private void tell(ModelFamily family) {
    out().println(family.getName() + ": " + word(family.getState().name(), "MODEL_STATE_"));
    if (!family.getStateReason().isEmpty()) {
      family.getStateReason().lines().forEach(line -> out().println("  " + line));
    }
    if (family.getTasksCount() > 0) {
      out()
          .println(
              "  tasks: "
                  + family.getTasksList().stream()
                      .map(task -> word(task.name(), "TASK_"))
                      .collect(Collectors.joining(", ")));
    }
    if (family.hasImageInput()) {
      tell(family.getImageInput());
    }
    if (family.hasTextInput()) {
      out().println("  text: up to " + family.getTextInput().getMaxTokens() + " tokens");
    }
    if (family.hasEmbeddingSpace()) {
      EmbeddingSpace space = family.getEmbeddingSpace();
      out().println("  space: " + space.getId() + ", " + space.getDimension() + " dimensions");
    }
    family.getMembersList().forEach(this::tell);
  }

  private void tell(ImageInput input) {
    out()
        .println(
            "  images: %d×%d%s, %s, %s (%s)"
                .formatted(
                    input.getWidth(),
                    input.getHeight(),
                    input.getKeepsAspect() ? " or as many pixels in the image's own shape" : "",
                    input.getPatchSize() > 0 ? patches(input) : "pixels",
                    input.getResample(),
                    input.getBackend()));
  }

  private static String patches(ImageInput input) {
    int side = input.getPatchSize();
    int detailed = input.getDetailedMaxPatches();
    return "up to %d%s patches of %d×%d"
        .formatted(
            input.getMaxPatches(),
            detailed > input.getMaxPatches() ? " (%d to be read)".formatted(detailed) : "",
            side,
            side);
  }

  private void tell(ModelMember member) {
    out()
        .println(
            "  %s version %s: %s, %s, batches up to %d"
                .formatted(
                    member.getRef().getModel(),
                    member.getRef().getVersion(),
                    member.getRef().getRole(),
                    member.getState() == ModelState.MODEL_STATE_READY
                        ? word(member.getRef().getBackend().name(), "BACKEND_")
                        : word(member.getState().name(), "MODEL_STATE_"),
                    member.getMaxBatchSize()));
    out().println("    model         " + member.getRef().getArtifactDigest());
    out().println("    preprocessing " + member.getRef().getPreprocessingDigest());
  }

  private static String word(String constant, String prefix) {
    return constant.replace(prefix, "").toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
