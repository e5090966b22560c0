package dev.fovea.rpc;

import dev.fovea.failure.GatewayException;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/// Refuses requests whose bytes are no message as what they are: a fault of the client. gRPC itself
/// says UNKNOWN, as of a server that broke.
public final class LegibleRequests {
  private LegibleRequests() {}

  /// Stands for a request that could not be read.
  private enum Illegible {
    REQUEST
  }

  /// The same service.
  public static ServerServiceDefinition of(ServerServiceDefinition service) {
    List<ServerMethodDefinition<?, ?>> methods = new ArrayList<>();
    ServiceDescriptor.Builder descriptor =
        ServiceDescriptor.newBuilder(service.getServiceDescriptor().getName())
            .setSchemaDescriptor(service.getServiceDescriptor().getSchemaDescriptor());
    for (ServerMethodDefinition<?, ?> method : service.getMethods()) {
      ServerMethodDefinition<?, ?> legible = of(method);
      descriptor.addMethod(legible.getMethodDescriptor());
      methods.add(legible);
    }
    ServerServiceDefinition.Builder legible = ServerServiceDefinition.builder(descriptor.build());
    methods.forEach(legible::addMethod);
    return legible.build();
  }

  private static <Q, A> ServerMethodDefinition<Q, A> of(ServerMethodDefinition<Q, A> method) {
    MethodDescriptor<Q, A> descriptor = method.getMethodDescriptor();
    ServerCallHandler<Q, A> handler = method.getServerCallHandler();
    return ServerMethodDefinition.create(
        descriptor.toBuilder(
                new Reading<>(descriptor.getRequestMarshaller()),
                descriptor.getResponseMarshaller())
            .build(),
        (call, headers) -> new Checked<>(call, handler.startCall(call, headers)));
  }

  private record Reading<Q>(MethodDescriptor.Marshaller<Q> messages)
      implements MethodDescriptor.Marshaller<Q> {
    @Override
    public InputStream stream(Q message) {
      return messages.stream(message);
    }

    @SuppressWarnings("unchecked") // nobody but Checked sees it
    @Override
    public Q parse(InputStream bytes) {
      try {
        return messages.parse(bytes);
      } catch (StatusRuntimeException _) {
        return (Q) Illegible.REQUEST;
      }
    }
  }

  /// What hears of a call no more once one of its requests could not be read, but that it is over.
  private static final class Checked<Q, A> extends SimpleForwardingServerCallListener<Q> {
    private final ServerCall<Q, A> call;
    private boolean refused;

    Checked(ServerCall<Q, A> call, ServerCall.Listener<Q> listener) {
      super(listener);
      this.call = call;
    }

    @Override
    public void onMessage(Q request) {
      if (refused) {
        return;
      }
      if (Illegible.REQUEST.equals(request)) {
        refused = true;
        refuse();
      } else {
        super.onMessage(request);
      }
    }

    private void refuse() {
      StatusRuntimeException refusal =
          StatusProto.toStatusRuntimeException(
              StatusMapper.status(
                  GatewayException.invalidField(
                      "request", "bytes that are no message", "one of the method's request type"),
                  CallContexts.current().requestId()));
      Metadata trailers = refusal.getTrailers();
      super.onCancel();
      call.close(refusal.getStatus(), trailers == null ? new Metadata() : trailers);
    }

    @Override
    public void onHalfClose() {
      if (!refused) {
        super.onHalfClose();
      }
    }

    @Override
    public void onComplete() {
      if (!refused) {
        super.onComplete();
      }
    }
  }
}
