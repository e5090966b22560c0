package dev.fovea.rpc;

import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.task.CallRecord;
import dev.fovea.task.CompareItems;
import dev.fovea.task.Comparison;
import dev.fovea.task.EmbedItems;
import dev.fovea.task.Embedding;
import dev.fovea.task.Task;
import dev.fovea.v1.CompareCell;
import dev.fovea.v1.CompareError;
import dev.fovea.v1.CompareRequest;
import dev.fovea.v1.CompareResponse;
import dev.fovea.v1.CompareRow;
import dev.fovea.v1.CompareSide;
import dev.fovea.v1.EmbedRequest;
import dev.fovea.v1.EmbedResponse;
import dev.fovea.v1.EmbedResult;
import dev.fovea.v1.EmbeddingServiceGrpc;
import dev.fovea.v1.Item;
import dev.fovea.v1.StreamEmbedRequest;
import dev.fovea.v1.StreamEmbedResponse;
import io.grpc.stub.StreamObserver;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/// `fovea.v1.EmbeddingService`.
final class EmbeddingRpc extends EmbeddingServiceGrpc.EmbeddingServiceImplBase {
  /// What a family must be able to do, one or the other.
  static final Set<Task> EITHER = EnumSet.of(Task.EMBED_IMAGE, Task.EMBED_TEXT);

  private final Services services;
  private final EmbedItems embedItems;
  private final CompareItems compareItems;
  private final ItemReader items;

  EmbeddingRpc(Services services) {
    this.services = services;
    this.embedItems = services.embedItems();
    this.compareItems = new CompareItems(embedItems);
    this.items = services.itemReader();
  }

  @Override
  public void embed(EmbedRequest request, StreamObserver<EmbedResponse> observer) {
    UnaryCalls.serve(
        observer,
        call -> services.admit(call, request.getItemsCount(), record -> embed(request, record)));
  }

  private EmbedResponse embed(EmbedRequest request, CallRecord record) throws InterruptedException {
    RequestLimits.requireCount("items", request.getItemsCount(), services.limits().maxItems());
    VectorWriter.requireKnown(request.getVectorEncoding(), request.getVectorEncodingValue());
    ServedFamily family =
        services.catalog().get().select(SelectorReader.read(request.getModel()), EITHER);
    EmbeddingWriter writer = writer(request, family);
    List<Outcome<Embedding>> embeddings =
        embedItems.run(family, items.read(request.getItemsList(), record.call().caller()), record);
    EmbedResponse.Builder response = EmbedResponse.newBuilder();
    for (int i = 0; i < embeddings.size(); i++) {
      Item item = request.getItems(i);
      EmbedResult.Builder result = EmbedResult.newBuilder().setIndex(i).setId(item.getId());
      switch (embeddings.get(i)) {
        case Outcome.Done<Embedding>(Embedding embedding) -> {
          result.setEmbedding(writer.write(embedding));
          warnIfTruncated(embedding, i, record);
        }
        case Outcome.Failed<Embedding>(GatewayException refusal) ->
            result.setError(
                ReplyWriter.itemError(
                    ItemReader.locate(refusal, item).under("items[" + i + "]"), record));
      }
      response.addResults(result);
    }
    return response.setCallInfo(ReplyWriter.callInfo(record)).build();
  }

  private static EmbeddingWriter writer(EmbedRequest request, ServedFamily family) {
    return new EmbeddingWriter(
        request.hasOutputDimension()
            ? EmbeddingWriter.dimension(request.getOutputDimension(), family)
            : OptionalInt.empty(),
        !request.hasNormalize() || request.getNormalize(),
        request.getVectorEncoding());
  }

  private static void warnIfTruncated(Embedding embedding, int item, CallRecord record) {
    if (embedding.facts() instanceof Embedding.TextFacts(int tokens, boolean truncated)
        && truncated) {
      record.warn(
          new CallRecord.Warning(
              CallRecord.Warning.Code.TEXT_TRUNCATED,
              "text cut to " + tokens + " tokens",
              OptionalInt.of(item)));
    }
  }

  @Override
  public StreamObserver<StreamEmbedRequest> streamEmbed(
      StreamObserver<StreamEmbedResponse> observer) {
    return BidiCalls.<StreamEmbedRequest, StreamEmbedResponse, EmbedStream.News>serve(
        observer, (call, stream) -> EmbedStream.serve(services, call, stream));
  }

  @Override
  public void compare(CompareRequest request, StreamObserver<CompareResponse> observer) {
    int items = request.getLeftCount() + request.getRightCount();
    UnaryCalls.serve(
        observer, call -> services.admit(call, items, record -> compare(request, record)));
  }

  private CompareResponse compare(CompareRequest request, CallRecord record)
      throws InterruptedException {
    RequestLimits.requireCount("left", request.getLeftCount(), services.limits().maxItems());
    RequestLimits.requireCount(
        "right",
        request.getRightCount(),
        Math.max(1, services.limits().maxItems() - request.getLeftCount()));
    ServedFamily family =
        services.catalog().get().select(SelectorReader.read(request.getModel()), EITHER);
    Comparison comparison =
        compareItems.run(
            family,
            items.read(request.getLeftList(), record.call().caller()),
            items.read(request.getRightList(), record.call().caller()),
            record);
    CompareResponse.Builder response = CompareResponse.newBuilder();
    comparison.rows().forEach(row -> response.addRows(write(row, request)));
    comparison.refusals().forEach(refusal -> response.addErrors(write(refusal, request, record)));
    return response.setCallInfo(ReplyWriter.callInfo(record)).build();
  }

  private static CompareRow write(Comparison.Row row, CompareRequest request) {
    CompareRow.Builder written =
        CompareRow.newBuilder()
            .setLeftIndex(row.left())
            .setLeftId(request.getLeft(row.left()).getId());
    for (Comparison.Cell cell : row.cells()) {
      CompareCell.Builder writtenCell =
          CompareCell.newBuilder()
              .setRightIndex(cell.right())
              .setRightId(request.getRight(cell.right()).getId())
              .setCosine((float) cell.cosine());
      cell.fit()
          .ifPresent(fit ->
              writtenCell.setLogit((float) fit.logit()).setProbability((float) fit.probability()));
      written.addCells(writtenCell);
    }
    return written.build();
  }

  private static CompareError write(
      Comparison.Refusal refusal, CompareRequest request, CallRecord record) {
    boolean left = refusal.side() == Comparison.Side.LEFT;
    Item item = left ? request.getLeft(refusal.place()) : request.getRight(refusal.place());
    String path = (left ? "left[" : "right[") + refusal.place() + "]";
    return CompareError.newBuilder()
        .setSide(left ? CompareSide.COMPARE_SIDE_LEFT : CompareSide.COMPARE_SIDE_RIGHT)
        .setIndex(refusal.place())
        .setId(item.getId())
        .setError(
            ReplyWriter.itemError(ItemReader.locate(refusal.refusal(), item).under(path), record))
        .build();
  }
}
