package dev.fovea.cli;

import com.google.protobuf.ByteString;
import dev.fovea.v1.Item;
import dev.fovea.v1.ModelRef;
import dev.fovea.v1.StreamEmbedFinish;
import dev.fovea.v1.StreamEmbedReady;
import dev.fovea.v1.StreamEmbedRequest;
import dev.fovea.v1.StreamEmbedResponse;
import dev.fovea.v1.StreamEmbedResult;
import dev.fovea.v1.StreamEmbedSetup;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Semaphore;

/// One `StreamEmbed` that sends the images of a list as far as the server lets it. One thread
/// sends, as many as the server has room for; the other reads results, so neither waits for the
/// other.
final class FolderStream {
  /// Bytes of a message around the image.
  private static final int ENVELOPE = 4096;

  private final BlockingClientCall<StreamEmbedRequest, StreamEmbedResponse> call;
  private final ImageArguments arguments;
  private final Semaphore credits = new Semaphore(0);

  FolderStream(
      BlockingClientCall<StreamEmbedRequest, StreamEmbedResponse> call, ImageArguments arguments) {
    this.call = call;
    this.arguments = arguments;
  }

  /// Takes what the stream brings. Results come in the order of the images.
  interface Sink {
    /// The stream is open, with these models.
    void ready(List<ModelRef> models);

    /// One image has its result. Its place in the list is the sequence less one.
    void result(StreamEmbedResult result) throws IOException;

    /// The image at that place cannot be sent. From another thread than the rest.
    void unsendable(int place, String reason, String message);
  }

  /// Sends the images from a place on, until all have their results or the server wants no more.
  ///
  /// @return whether all have
  /// @throws StatusException as the server ends the stream
  boolean run(Path folder, List<String> names, int from, StreamEmbedSetup setup, Sink sink)
      throws InterruptedException, IOException, StatusException {
    boolean _ = call.write(StreamEmbedRequest.newBuilder().setSetup(setup).build());
    StreamEmbedResponse first = call.read();
    if (first == null) {
      return false;
    }
    StreamEmbedReady ready = first.getReady();
    sink.ready(ready.getModelsList());
    credits.release(ready.getCredits());
    Thread sender =
        Thread.startVirtualThread(
            () -> send(folder, names, from, ready.getMaxMessageBytes() - ENVELOPE, sink));
    try {
      return read(sink);
    } finally {
      sender.interrupt();
      call.cancel("no more is wanted", null);
      sender.join();
    }
  }

  private boolean read(Sink sink) throws InterruptedException, IOException, StatusException {
    while (true) {
      StreamEmbedResponse response = call.read();
      if (response == null) {
        return false;
      }
      switch (response.getPartCase()) {
        case RESULT -> sink.result(response.getResult());
        case FLOW -> credits.release(response.getFlow().getCredits());
        case SUMMARY -> {
          return response.getSummary().getFinished();
        }
        case READY, DRAINING, PART_NOT_SET -> {}
      }
    }
  }

  private void send(Path folder, List<String> names, int from, long maxBytes, Sink sink) {
    try {
      for (int place = from; place < names.size(); place++) {
        credits.acquire();
        if (!send(folder.resolve(names.get(place)), place, maxBytes, sink)) {
          credits.release();
        }
      }
      boolean _ =
          call.write(
              StreamEmbedRequest.newBuilder()
                  .setFinish(StreamEmbedFinish.getDefaultInstance())
                  .build());
    } catch (InterruptedException | StatusException _) {
      // The stream has ended: whoever reads it knows why.
    }
  }

  /// @return whether it was sent
  private boolean send(Path file, int place, long maxBytes, Sink sink)
      throws InterruptedException, StatusException {
    ByteString bytes;
    try {
      long size = Files.size(file);
      if (size > maxBytes) {
        sink.unsendable(
            place, "IMAGE_TOO_LARGE", "%d bytes (expected: at most %d)".formatted(size, maxBytes));
        return false;
      }
      bytes = ImageArguments.bytes(file);
    } catch (IOException | UnreadableFileException _) {
      sink.unsendable(place, "UNREADABLE", "the file cannot be read");
      return false;
    }
    StreamEmbedRequest.Builder request = StreamEmbedRequest.newBuilder();
    request
        .getItemBuilder()
        .setSequence(place + 1L)
        .setItem(Item.newBuilder().setContent(arguments.content(bytes)));
    boolean _ = call.write(request.build());
    return true;
  }
}
