package dev.fovea.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.call.Caller;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Reason;
import dev.fovea.fake.FakeClock;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

final class UploadedImagesTest {
  private static final Duration TIME_TO_LIVE = Duration.ofMinutes(10);
  private static final Caller ANNA = new Caller("anna");
  private static final Caller BEN = new Caller("ben");

  private final FakeClock clock = new FakeClock();
  private final UploadedImages images =
      new UploadedImages(new UploadLimits(TIME_TO_LIVE, 5, 1000, 3, 600), clock);

  @Test
  void handleStandsForTheBytesThatCame() {
    UploadedImage kept;
    try (Upload upload = images.begin(ANNA, 0)) {
      upload.append(bytes(7, 100));
      upload.append(bytes(8, 1));
      upload.append(bytes(9, 2));
      kept = upload.keep();
    }

    ByteBuffer found = images.find(ANNA, kept.handle()).orElseThrow().bytes();
    assertThat(found.remaining()).isEqualTo(103);
    assertThat(found.get(99)).isEqualTo((byte) 7);
    assertThat(found.get(100)).isEqualTo((byte) 8);
    assertThat(found.get(102)).isEqualTo((byte) 9);
    assertThat(found.isReadOnly()).isTrue();
    assertThat(images.bytes()).isEqualTo(103);
    assertThat(images.images()).isEqualTo(1);
  }

  @Test
  void handlesAreLongAndNeverTheSame() {
    Set<String> handles = new HashSet<>();
    for (int i = 0; i < 500; i++) {
      String handle = upload(ANNA, 1).handle();
      assertThat(handle).matches("[A-Za-z0-9_-]{24}");
      assertThat(handles.add(handle)).isTrue();
      assertThat(images.delete(ANNA, handle)).isTrue();
    }
  }

  @Test
  void handleOfAnotherCallerIsAsGoodAsNone() {
    String handle = upload(ANNA, 10).handle();

    assertThat(images.find(BEN, handle)).isEmpty();
    assertThat(images.delete(BEN, handle)).isFalse();
    assertThat(images.find(ANNA, handle)).isPresent();
    assertThat(images.counts()).isEqualTo(new UploadedImages.Counts(1, 1, 0, 0));
  }

  @Test
  void imageIsKeptUntilItsTimeAndNotOneNanosecondLonger() {
    clock.advance(Duration.ofSeconds(5));
    UploadedImage image = upload(ANNA, 10);
    assertThat(image.expireTime()).isEqualTo(Instant.EPOCH.plusSeconds(605));

    clock.advance(TIME_TO_LIVE.minusNanos(1));
    assertThat(images.find(ANNA, image.handle())).isPresent();
    clock.advance(Duration.ofNanos(1));

    assertThat(images.find(ANNA, image.handle())).isEmpty();
    assertThat(images.delete(ANNA, image.handle())).isFalse();
    assertThat(images.counts().expirations()).isEqualTo(1);
  }

  @Test
  void readingTheGaugesLetsGoOfWhatHasExpired() {
    upload(ANNA, 10);
    clock.advance(TIME_TO_LIVE);

    assertThat(images.bytes()).isZero();
    assertThat(images.images()).isZero();
  }

  @Test
  void deletedImageIsGoneAndItsReadersGoOn() {
    UploadedImage image = upload(ANNA, 10);

    assertThat(images.delete(ANNA, image.handle())).isTrue();
    assertThat(images.delete(ANNA, image.handle())).isFalse();

    assertThat(images.find(ANNA, image.handle())).isEmpty();
    assertThat(images.bytes()).isZero();
    assertThat(image.bytes().get(9)).isEqualTo((byte) 1);
  }

  @Test
  void uploadThatIsNotKeptLeavesNothingBehind() {
    try (Upload upload = images.begin(ANNA, 500)) {
      upload.append(bytes(1, 600));
      assertThat(images.bytes()).isEqualTo(600);
      assertThat(images.images()).isEqualTo(1);
      upload.close();
    }

    assertThat(images.bytes()).isZero();
    assertThat(images.images()).isZero();
    upload(ANNA, 600);
  }

  @Test
  void ownShareIsCountedToTheByte() {
    upload(ANNA, 400);
    try (Upload upload = images.begin(ANNA, 200)) {
      upload.append(bytes(1, 200));
      GatewayException refusal = refused(() -> upload.append(bytes(1, 1)));

      assertThat(refusal.metadata()).containsEntry("scope", "caller");
      assertThat(refusal.metadata()).containsEntry("maxBytes", "600");
      assertThat(upload.size()).isEqualTo(200);
    }
    refused(() -> images.begin(ANNA, 201));
    images.begin(ANNA, 200).close();
    images.begin(BEN, 600).close();
  }

  @Test
  void ownShareIsCountedToTheImage() {
    upload(ANNA, 1);
    upload(ANNA, 1);
    try (Upload _ = images.begin(ANNA, 0)) {
      GatewayException refusal = refused(() -> images.begin(ANNA, 0));

      assertThat(refusal.metadata()).containsEntry("scope", "caller");
      assertThat(refusal.metadata()).containsEntry("maxImages", "3");
    }
    upload(ANNA, 1);
  }

  @Test
  void fullServerRefusesAndSaysWhenThereWillBeRoom() {
    UploadedImage first = upload(ANNA, 600);
    clock.advance(Duration.ofMinutes(4));
    upload(BEN, 400);

    GatewayException refusal = refused(() -> images.begin(new Caller("carl"), 1));

    assertThat(refusal.metadata()).containsEntry("scope", "server");
    assertThat(refusal.metadata()).containsEntry("maxBytes", "1000");
    assertThat(refusal.retryAfter()).contains(Duration.ofMinutes(6));
    assertThat(images.find(ANNA, first.handle())).as("nothing was driven out").isPresent();
    assertThat(images.counts().refusals()).isEqualTo(1);
    clock.advance(refusal.retryAfter().orElseThrow());
    upload(new Caller("carl"), 600);
  }

  @Test
  void callerIsToldWhenItsOwnRoomComes() {
    upload(BEN, 1);
    clock.advance(Duration.ofMinutes(1));
    upload(ANNA, 600);

    assertThat(refused(() -> images.begin(ANNA, 1)).retryAfter()).contains(TIME_TO_LIVE);
    assertThat(refused(() -> images.begin(new Caller("carl"), 601)).retryAfter())
        .as("none of its own is kept")
        .contains(Duration.ofSeconds(1));
  }

  @Test
  void fullServerRefusesByCount() {
    for (int i = 0; i < 3; i++) {
      upload(ANNA, 1);
    }
    upload(BEN, 1);
    upload(BEN, 1);

    assertThat(refused(() -> images.begin(BEN, 1)).metadata())
        .containsEntry("scope", "server")
        .containsEntry("maxImages", "5");
  }

  @Test
  void limitsThatContradictEachOtherAreRefused() {
    assertThatThrownBy(() -> new UploadLimits(TIME_TO_LIVE, 5, 1000, 6, 600))
        .hasMessage("maxImagesPerCaller: 6 (expected: 1 to 5, what there is for all)");
    assertThatThrownBy(() -> new UploadLimits(TIME_TO_LIVE, 5, 1000, 3, 0))
        .hasMessageContaining("maxBytesPerCaller: 0");
    assertThatThrownBy(() -> new UploadLimits(Duration.ZERO, 5, 1000, 3, 1))
        .hasMessageContaining("timeToLive");
  }

  private UploadedImage upload(Caller caller, int size) {
    try (Upload upload = images.begin(caller, size)) {
      upload.append(bytes(1, size));
      return upload.keep();
    }
  }

  private static GatewayException refused(ThrowingCallable upload) {
    GatewayException[] refusal = new GatewayException[1];
    assertThatThrownBy(upload).isInstanceOfSatisfying(GatewayException.class, e -> refusal[0] = e);
    assertThat(refusal[0].reason()).isEqualTo(Reason.IMAGE_STORE_FULL);
    assertThat(refusal[0].retryAfter()).isPresent();
    return refusal[0];
  }

  private static ByteBuffer bytes(int value, int count) {
    ByteBuffer bytes = ByteBuffer.allocate(count);
    while (bytes.hasRemaining()) {
      bytes.put((byte) value);
    }
    return bytes.flip();
  }
}
