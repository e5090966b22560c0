package dev.fovea.engine.triton;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;
import java.io.IOException;
import java.io.InputStream;

/// Reads a message with one copy: from the transport's buffers into one array, which the tensors of
/// the message then lie in.
///
/// @param <T> the message
public final class AliasingMarshaller<T extends MessageLite>
    implements MethodDescriptor.Marshaller<T> {
  private final MethodDescriptor.Marshaller<T> writer;
  private final Parser<T> parser;

  /// @param prototype any message of the type
  @SuppressWarnings("unchecked") // a message's parser gives messages of its type
  public AliasingMarshaller(T prototype) {
    this.writer =
        (MethodDescriptor.Marshaller<T>)
            ProtoUtils.marshaller((com.google.protobuf.Message) prototype);
    this.parser = (Parser<T>) prototype.getParserForType();
  }

  @Override
  public InputStream stream(T message) {
    return writer.stream(message);
  }

  @Override
  public T parse(InputStream stream) {
    try {
      byte[] bytes = read(stream);
      CodedInputStream coded = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
      coded.enableAliasing(true);
      T message = parser.parseFrom(coded);
      coded.checkLastTagWas(0);
      return message;
    } catch (InvalidProtocolBufferException e) {
      throw new MalformedAnswerException("no message of the protocol", e);
    } catch (IOException e) {
      throw new MalformedAnswerException("unreadable", e);
    }
  }

  /// The size was held against the limit before the message was gathered.
  private static byte[] read(InputStream stream) throws IOException {
    if (!(stream instanceof KnownLength)) {
      return stream.readAllBytes();
    }
    byte[] bytes = new byte[stream.available()];
    int read = stream.readNBytes(bytes, 0, bytes.length);
    if (read != bytes.length) {
      throw new MalformedAnswerException(
          read + " bytes (expected: " + bytes.length + ", as announced)");
    }
    return bytes;
  }
}
