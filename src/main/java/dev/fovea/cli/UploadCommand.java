package dev.fovea.cli;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Timestamps;
import dev.fovea.v1.ImageServiceGrpc;
import dev.fovea.v1.UploadImageMetadata;
import dev.fovea.v1.UploadImageRequest;
import dev.fovea.v1.UploadImageResponse;
import io.grpc.ManagedChannel;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// `fovea upload`: gives an image to the server and tells the handle that stands for it.
@Command(
    name = "upload",
    description =
        "Gives an image to the server; other commands take its handle in place of a file.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class UploadCommand extends ServerCommand {
  private static final int CHUNK_BYTES = 1 << 20;

  @Parameters(paramLabel = "FILE", description = "An image file")
  private Path file = Path.of("");

  @Override
  int call(ManagedChannel channel) throws InterruptedException {
    ByteString bytes = ImageArguments.bytes(file);
    try {
      BlockingClientCall<UploadImageRequest, UploadImageResponse> upload =
          withDeadline(ImageServiceGrpc.newBlockingV2Stub(channel)).uploadImage();
      send(bytes, upload);
      tell(upload.read());
      return 0;
    } catch (StatusException e) {
      throw e.getStatus().asRuntimeException(e.getTrailers());
    }
  }

  /// Stops when the server has heard enough: its answer says why.
  private static void send(
      ByteString bytes, BlockingClientCall<UploadImageRequest, UploadImageResponse> upload)
      throws InterruptedException, StatusException {
    UploadImageMetadata metadata =
        UploadImageMetadata.newBuilder()
            .setSizeBytes(bytes.size())
            .setSha256(sha256(bytes))
            .build();
    boolean wanted = upload.write(UploadImageRequest.newBuilder().setMetadata(metadata).build());
    for (int at = 0; wanted && at < bytes.size(); at += CHUNK_BYTES) {
      ByteString chunk = bytes.substring(at, Math.min(at + CHUNK_BYTES, bytes.size()));
      wanted = upload.write(UploadImageRequest.newBuilder().setChunk(chunk).build());
    }
    if (wanted) {
      upload.halfClose();
    }
  }

  private static ByteString sha256(ByteString bytes) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      bytes.asReadOnlyByteBufferList().forEach(digest::update);
      return ByteString.copyFrom(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private void tell(UploadImageResponse response) {
    if (!toldAsJson(response)) {
      out().println(ImageArguments.HANDLE + response.getHandle());
      out().println("  " + InfoCommand.describe(response.getInfo()));
      out().println("  kept until " + Timestamps.toString(response.getExpireTime()));
    }
  }
}
