package dev.fovea.rpc;

import com.google.protobuf.ByteString;
import dev.fovea.cache.Upload;
import dev.fovea.cache.UploadedImage;
import dev.fovea.cache.UploadedImages;
import dev.fovea.call.CallContext;
import dev.fovea.failure.GatewayException;
import dev.fovea.image.ImageHeader;
import dev.fovea.image.ImageOptions;
import dev.fovea.image.ImageSource;
import dev.fovea.image.Region;
import dev.fovea.task.Content;
import dev.fovea.task.InspectImage;
import dev.fovea.task.InspectImage.Inspection;
import dev.fovea.v1.DeleteImageRequest;
import dev.fovea.v1.DeleteImageResponse;
import dev.fovea.v1.GetImageInfoRequest;
import dev.fovea.v1.GetImageInfoResponse;
import dev.fovea.v1.Image;
import dev.fovea.v1.ImageFormat;
import dev.fovea.v1.ImageInfo;
import dev.fovea.v1.ImageServiceGrpc;
import dev.fovea.v1.UploadImageMetadata;
import dev.fovea.v1.UploadImageRequest;
import dev.fovea.v1.UploadImageResponse;
import io.grpc.stub.StreamObserver;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/// `fovea.v1.ImageService`.
final class ImageRpc extends ImageServiceGrpc.ImageServiceImplBase {
  private static final int SHA256_BYTES = 32;

  private final RequestLimits limits;
  private final UploadedImages uploaded;
  private final InspectImage inspectImage;
  private final ImageReader images;

  ImageRpc(Services services) {
    this.limits = services.limits();
    this.uploaded = services.uploaded();
    this.inspectImage = services.inspectImage();
    this.images = services.imageReader();
  }

  @Override
  public StreamObserver<UploadImageRequest> uploadImage(
      StreamObserver<UploadImageResponse> observer) {
    return ClientStreamCalls.serve(observer, this::upload);
  }

  private UploadImageResponse upload(CallContext call, RequestStream<UploadImageRequest> requests)
      throws InterruptedException {
    UploadImageMetadata metadata = metadata(requests.next());
    try (Upload upload = uploaded.begin(call.caller(), metadata.getSizeBytes())) {
      byte[] sha256 = receive(requests, metadata, upload);
      Content.Image image =
          new Content.Image(
              new ImageSource.Encoded(upload.bytes()), ImageOptions.DEFAULT, Region.WHOLE);
      ImageInfo info;
      try {
        info = info(image);
      } catch (GatewayException refusal) {
        throw refusal.under("chunk");
      }
      UploadedImage kept = upload.keep();
      return UploadImageResponse.newBuilder()
          .setHandle(kept.handle())
          .setExpireTime(ReplyWriter.timestamp(kept.expireTime()))
          .setSha256(ByteString.copyFrom(sha256))
          .setInfo(info)
          .build();
    }
  }

  private UploadImageMetadata metadata(Optional<UploadImageRequest> first) {
    if (first.isEmpty() || !first.get().hasMetadata()) {
      throw GatewayException.invalidField(
          "part", first.map(ImageRpc::nameOfPart).orElse("nothing"), "metadata first");
    }
    UploadImageMetadata metadata = first.get().getMetadata();
    int digest = metadata.getSha256().size();
    if (digest != 0 && digest != SHA256_BYTES) {
      throw GatewayException.invalidField("metadata.sha256", digest + " bytes", "32 bytes or none");
    }
    if (metadata.hasSizeBytes()) {
      requireSize(metadata.getSizeBytes());
    }
    return metadata;
  }

  private void requireSize(long size) {
    if (size == 0) {
      throw GatewayException.invalidField("metadata.size_bytes", size, "1 at least");
    }
    try {
      // An unsigned number that is beyond a long is beyond every limit.
      limits.image().requireBytes(size < 0 ? Long.MAX_VALUE : size);
    } catch (GatewayException refusal) {
      throw refusal.under("metadata.size_bytes");
    }
  }

  /// Takes the chunks until there are no more.
  ///
  /// @return their digest, which is as it was announced
  private byte[] receive(
      RequestStream<UploadImageRequest> requests, UploadImageMetadata metadata, Upload upload)
      throws InterruptedException {
    MessageDigest sha256 = sha256();
    for (Optional<UploadImageRequest> next = requests.next();
        next.isPresent();
        next = requests.next()) {
      ByteString chunk = chunk(next.get());
      requireRoom(upload.size() + (long) chunk.size(), metadata);
      upload.append(chunk.asReadOnlyByteBuffer());
      sha256.update(chunk.asReadOnlyByteBuffer());
    }
    requireWhole(upload.size(), metadata);
    byte[] digest = sha256.digest();
    requireEqual(digest, metadata.getSha256());
    return digest;
  }

  private static ByteString chunk(UploadImageRequest request) {
    if (!request.hasChunk()) {
      throw GatewayException.invalidField("part", nameOfPart(request), "a chunk");
    }
    int size = request.getChunk().size();
    if (size == 0 || size > RequestLimits.MAX_CHUNK_BYTES) {
      throw GatewayException.invalidField(
          "chunk", size + " bytes", "1 to " + RequestLimits.MAX_CHUNK_BYTES + " bytes");
    }
    return request.getChunk();
  }

  private static String nameOfPart(UploadImageRequest request) {
    return switch (request.getPartCase()) {
      case METADATA -> "metadata";
      case CHUNK -> "a chunk";
      case PART_NOT_SET -> "nothing";
    };
  }

  private void requireRoom(long size, UploadImageMetadata metadata) {
    if (metadata.hasSizeBytes() && size > metadata.getSizeBytes()) {
      throw wrongSize(metadata, size + " at least");
    }
    try {
      limits.image().requireBytes(size);
    } catch (GatewayException refusal) {
      throw refusal.under("chunk");
    }
  }

  private static void requireWhole(long size, UploadImageMetadata metadata) {
    if (size == 0) {
      throw GatewayException.invalidField("part", "nothing", "a chunk");
    }
    if (metadata.hasSizeBytes() && size != metadata.getSizeBytes()) {
      throw wrongSize(metadata, String.valueOf(size));
    }
  }

  private static GatewayException wrongSize(UploadImageMetadata metadata, String came) {
    return GatewayException.invalidField(
        "metadata.size_bytes", metadata.getSizeBytes(), "the bytes that came, " + came);
  }

  private static void requireEqual(byte[] digest, ByteString announced) {
    if (!announced.isEmpty() && !MessageDigest.isEqual(digest, announced.toByteArray())) {
      throw GatewayException.invalidField(
          "metadata.sha256",
          HexFormat.of().formatHex(announced.toByteArray()),
          "that of the bytes that came, " + HexFormat.of().formatHex(digest));
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  @Override
  public void getImageInfo(
      GetImageInfoRequest request, StreamObserver<GetImageInfoResponse> observer) {
    UnaryCalls.serve(observer, call -> inspect(request, call));
  }

  private GetImageInfoResponse inspect(GetImageInfoRequest request, CallContext call) {
    if (!request.hasImage()) {
      throw GatewayException.invalidField("image", "nothing", "an image");
    }
    Image image = request.getImage();
    Content.Image content;
    try {
      content = images.read(image, call.caller());
    } catch (GatewayException refusal) {
      throw refusal.under("image");
    }
    try {
      return GetImageInfoResponse.newBuilder().setInfo(info(content)).build();
    } catch (GatewayException refusal) {
      throw ImageReader.locate(refusal, image).under("image");
    }
  }

  private ImageInfo info(Content.Image image) {
    Inspection seen = inspectImage.run(image);
    ImageHeader header = seen.header();
    ImageInfo.Builder info =
        ImageInfo.newBuilder()
            .setFormat(format(header))
            .setWidth(header.width())
            .setHeight(header.height())
            .setOrientation(header.orientation())
            .setOrientedWidth(seen.width())
            .setOrientedHeight(seen.height())
            .setFrames(header.frames())
            .setSizeBytes(image.source().bytes().remaining());
    if (!image.region().equals(Region.WHOLE)) {
      info.setRegion(ReplyWriter.pixelBox(seen.region()));
    }
    return info.build();
  }

  private static ImageFormat format(ImageHeader header) {
    return switch (header.format()) {
      case JPEG -> ImageFormat.IMAGE_FORMAT_JPEG;
      case PNG -> ImageFormat.IMAGE_FORMAT_PNG;
      case GIF -> ImageFormat.IMAGE_FORMAT_GIF;
      case BMP -> ImageFormat.IMAGE_FORMAT_BMP;
      case WEBP -> ImageFormat.IMAGE_FORMAT_WEBP;
      case TIFF -> ImageFormat.IMAGE_FORMAT_TIFF;
      case RAW -> ImageFormat.IMAGE_FORMAT_RAW;
    };
  }

  @Override
  public void deleteImage(
      DeleteImageRequest request, StreamObserver<DeleteImageResponse> observer) {
    UnaryCalls.serve(observer, call -> delete(request, call));
  }

  private DeleteImageResponse delete(DeleteImageRequest request, CallContext call) {
    ImageReader.requireHandle(request.getHandle());
    return DeleteImageResponse.newBuilder()
        .setDeleted(uploaded.delete(call.caller(), request.getHandle()))
        .build();
  }
}
