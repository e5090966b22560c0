package dev.fovea.bench;

import dev.fovea.app.TestGateway;
import dev.fovea.engine.scripted.ScriptedEngine;
import dev.fovea.fake.UnitVectors;
import dev.fovea.rpc.Requests;
import dev.fovea.v1.EmbeddingServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Requests whose bytes are changed at random, of which no client of ours would send one: each is
/// answered or refused as the client's fault, and none is ours.
public final class MangledRequests {
  /// What may come of them.
  public static final Set<Code> EXPECTED = Set.of(Code.OK, Code.INVALID_ARGUMENT, Code.NOT_FOUND);

  private static final int CALLERS = 8;
  private static final int DEFAULT_COUNT = 1_000_000;

  private static final MethodDescriptor<byte[], byte[]> EMBED =
      EmbeddingServiceGrpc.getEmbedMethod().toBuilder(new RawBytes(), new RawBytes()).build();

  private MangledRequests() {}

  /// @param arguments how many
  static void run(String... arguments) throws Exception {
    int count = arguments.length == 0 ? DEFAULT_COUNT : Integer.parseInt(arguments[0]);
    Map<Code, Integer> codes = new EnumMap<>(Code.class);
    try (TestGateway gateway =
            TestGateway.start(
                Map.of(), clock -> new ScriptedEngine(new UnitVectors(), clock, 256));
        ExecutorService threads = Executors.newFixedThreadPool(CALLERS)) {
      List<Future<Map<Code, Integer>>> callers = new ArrayList<>();
      for (int caller = 0; caller < CALLERS; caller++) {
        int seed = caller;
        callers.add(threads.submit(() -> send(gateway.channel(), count / CALLERS, seed)));
      }
      for (Future<Map<Code, Integer>> caller : callers) {
        caller.get().forEach((code, times) -> codes.merge(code, times, Integer::sum));
      }
    }
    System.out.printf("%,d mangled requests: %s%n", count / CALLERS * CALLERS, codes);
    if (!EXPECTED.containsAll(codes.keySet())) {
      throw new IllegalStateException("expected: " + EXPECTED);
    }
  }

  /// Sends some, one after another.
  ///
  /// @return how often each code came
  public static Map<Code, Integer> send(Channel channel, int count, int seed) {
    byte[] good = Requests.embed(Requests.noise(1), Requests.text("a cat")).toByteArray();
    Random random = new Random(seed);
    Map<Code, Integer> codes = new EnumMap<>(Code.class);
    for (int i = 0; i < count; i++) {
      byte[] bytes = good.clone();
      for (int k = random.nextInt(6); k >= 0; k--) {
        bytes[random.nextInt(Math.min(bytes.length, 200))] = (byte) random.nextInt();
      }
      codes.merge(send(channel, bytes), 1, Integer::sum);
    }
    return codes;
  }

  private static Code send(Channel channel, byte[] message) {
    try {
      byte[] _ = ClientCalls.blockingUnaryCall(channel, EMBED, CallOptions.DEFAULT, message);
      return Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }
}
