package dev.fovea.bench;

import dev.fovea.rpc.Requests;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.EmbeddingServiceGrpc.EmbeddingServiceBlockingStub;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;

/// Asks a server that is compared for the embeddings of some pictures, JPEG files all of them.
sealed interface PeerClient extends AutoCloseable {
  /// The vector of one of the pictures.
  float[] embed(int picture) throws IOException, InterruptedException;

  @Override
  void close();

  /// Over gRPC, as Fovea is asked.
  final class Grpc implements PeerClient {
    private final ManagedChannel channel;
    private final EmbeddingServiceBlockingStub stub;
    private final List<EmbedRequest> requests;

    Grpc(int port, List<byte[]> pictures) {
      channel = NettyChannelBuilder.forAddress("localhost", port).usePlaintext().build();
      stub = EmbeddingServiceGrpc.newBlockingStub(channel);
      requests = pictures.stream().map(each -> Requests.embed(Requests.image(each))).toList();
    }

    EmbedResponse ask(int picture) {
      return stub.embed(requests.get(picture));
    }

    @Override
    public float[] embed(int picture) {
      List<Float> values =
          ask(picture).getResults(0).getEmbedding().getVector().getFloats().getValuesList();
      float[] vector = new float[values.size()];
      for (int i = 0; i < vector.length; i++) {
        vector[i] = values.get(i);
      }
      return vector;
    }

    @Override
    public void close() {
      channel.shutdownNow();
    }
  }

  /// Over HTTP/1.1, as the servers in Python are asked.
  final class Http implements PeerClient {
    private final HttpClient http =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final List<HttpRequest> requests;

    Http(int port, List<byte[]> pictures) {
      HttpRequest.Builder builder =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/"))
              .header("content-type", "image/jpeg")
              .timeout(Duration.ofSeconds(30));
      requests =
          pictures.stream()
              .map(each -> builder.copy().POST(BodyPublishers.ofByteArray(each)).build())
              .toList();
    }

    @Override
    public float[] embed(int picture) throws IOException, InterruptedException {
      var response = http.send(requests.get(picture), BodyHandlers.ofByteArray());
      if (response.statusCode() != 200) {
        throw new IOException("HTTP " + response.statusCode());
      }
      ByteBuffer bytes = ByteBuffer.wrap(response.body()).order(ByteOrder.LITTLE_ENDIAN);
      float[] vector = new float[bytes.remaining() / Float.BYTES];
      bytes.asFloatBuffer().get(vector);
      return vector;
    }

    @Override
    public void close() {
      http.shutdownNow();
    }
  }
}
