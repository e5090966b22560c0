package dev.fovea.rpc;

import com.google.protobuf.ByteString;
import dev.fovea.v1.ImageServiceGrpc;
import dev.fovea.v1.UploadImageMetadata;
import dev.fovea.v1.UploadImageRequest;
import dev.fovea.v1.UploadImageResponse;
import io.grpc.Channel;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.util.ArrayList;
import java.util.List;

/// Uploads as clients write them.
public final class Uploads {
  private Uploads() {}

  /// The handle of a file that is sent in one chunk.
  public static String upload(Channel channel, byte[] file) {
    return send(channel, metadata(), chunk(file)).getHandle();
  }

  /// Sends these messages and no more.
  public static UploadImageResponse send(Channel channel, UploadImageRequest... messages) {
    BlockingClientCall<UploadImageRequest, UploadImageResponse> call =
        ImageServiceGrpc.newBlockingV2Stub(channel).uploadImage();
    return end(call, messages);
  }

  static UploadImageResponse end(
      BlockingClientCall<UploadImageRequest, UploadImageResponse> call,
      UploadImageRequest... messages) {
    try {
      for (UploadImageRequest message : messages) {
        if (!call.write(message)) {
          break;
        }
      }
      call.halfClose();
    } catch (StatusException e) {
      throw e.getStatus().asRuntimeException(e.getTrailers());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return read(call);
  }

  /// The answer, whether or not the client has finished.
  static UploadImageResponse read(
      BlockingClientCall<UploadImageRequest, UploadImageResponse> call) {
    try {
      return call.read();
    } catch (StatusException e) {
      throw e.getStatus().asRuntimeException(e.getTrailers());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /// A file as messages, its chunks of that size.
  static UploadImageRequest[] messages(byte[] file, int chunkSize) {
    List<UploadImageRequest> messages = new ArrayList<>(List.of(metadata()));
    for (int at = 0; at < file.length; at += chunkSize) {
      int size = Math.min(chunkSize, file.length - at);
      messages.add(
          UploadImageRequest.newBuilder().setChunk(ByteString.copyFrom(file, at, size)).build());
    }
    return messages.toArray(new UploadImageRequest[0]);
  }

  static UploadImageRequest metadata() {
    return metadata(UploadImageMetadata.getDefaultInstance());
  }

  static UploadImageRequest metadata(long size) {
    return metadata(UploadImageMetadata.newBuilder().setSizeBytes(size).build());
  }

  static UploadImageRequest metadata(UploadImageMetadata metadata) {
    return UploadImageRequest.newBuilder().setMetadata(metadata).build();
  }

  static UploadImageRequest chunk(byte[] bytes) {
    return UploadImageRequest.newBuilder().setChunk(ByteString.copyFrom(bytes)).build();
  }
}
