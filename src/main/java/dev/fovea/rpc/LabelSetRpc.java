package dev.fovea.rpc;

import com.google.protobuf.Timestamp;
import dev.fovea.failure.GatewayException;
import dev.fovea.store.LabelSet;
import dev.fovea.store.LabelSets;
import dev.fovea.task.FamilyCatalog;
import dev.fovea.task.FamilyLabelSet;
import dev.fovea.task.LabelPrompts;
import dev.fovea.v1.CreateLabelSetRequest;
import dev.fovea.v1.CreateLabelSetResponse;
import dev.fovea.v1.DeleteLabelSetRequest;
import dev.fovea.v1.DeleteLabelSetResponse;
import dev.fovea.v1.GetLabelSetRequest;
import dev.fovea.v1.GetLabelSetResponse;
import dev.fovea.v1.Label;
import dev.fovea.v1.LabelSetServiceGrpc;
import dev.fovea.v1.ListLabelSetsRequest;
import dev.fovea.v1.ListLabelSetsResponse;
import dev.fovea.v1.UpdateLabelSetRequest;
import dev.fovea.v1.UpdateLabelSetResponse;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Supplier;

/// `fovea.v1.LabelSetService`.
final class LabelSetRpc extends LabelSetServiceGrpc.LabelSetServiceImplBase {
  private final Supplier<FamilyCatalog> catalog;
  private final LabelSets sets;
  private final LabelReader labels;

  LabelSetRpc(Services services) {
    this.catalog = services.catalog();
    this.sets = services.labelSets();
    this.labels = new LabelReader(services.limits());
  }

  @Override
  public void createLabelSet(
      CreateLabelSetRequest request, StreamObserver<CreateLabelSetResponse> observer) {
    UnaryCalls.serve(
        observer,
        _ -> {
          Wanted wanted = read(request.hasLabelSet(), request.getLabelSet());
          LabelSet set = sets.create(wanted.name(), wanted.labels(), wanted.templates());
          return CreateLabelSetResponse.newBuilder().setLabelSet(write(set)).build();
        });
  }

  @Override
  public void getLabelSet(
      GetLabelSetRequest request, StreamObserver<GetLabelSetResponse> observer) {
    UnaryCalls.serve(
        observer,
        _ -> {
          String name = request.getName();
          if (FamilyLabelSets.isName(name)) {
            FamilyLabelSet set = FamilyLabelSets.require(catalog.get(), name);
            return GetLabelSetResponse.newBuilder().setLabelSet(write(set)).build();
          }
          requireName("name", name);
          LabelSet set = sets.require(name);
          return GetLabelSetResponse.newBuilder().setLabelSet(write(set)).build();
        });
  }

  @Override
  public void listLabelSets(
      ListLabelSetsRequest request, StreamObserver<ListLabelSetsResponse> observer) {
    UnaryCalls.serve(observer, _ -> list(request));
  }

  /// A page token is the name of the last set of the page before, which may be gone by now.
  private ListLabelSetsResponse list(ListLabelSetsRequest request) {
    int size = Pages.size(request.getPageSize());
    String token = request.getPageToken();
    if (!token.isEmpty()
        && !FamilyLabelSets.isName(token)
        && !LabelSets.NAME.matcher(token).matches()) {
      throw GatewayException.invalidField("page_token", token, "a next_page_token of this server");
    }
    TreeMap<String, dev.fovea.v1.LabelSet> found = new TreeMap<>();
    sets.list(token, size + 1).forEach(set -> found.put(set.name(), head(set).build()));
    catalog
        .get()
        .labelSets()
        .tailMap(token, false)
        .forEach((name, set) -> found.put(name, head(set).build()));
    ListLabelSetsResponse.Builder response = ListLabelSetsResponse.newBuilder();
    found.values().stream().limit(size).forEach(response::addLabelSets);
    if (found.size() > size) {
      response.setNextPageToken(response.getLabelSets(size - 1).getName());
    }
    return response.build();
  }

  @Override
  public void updateLabelSet(
      UpdateLabelSetRequest request, StreamObserver<UpdateLabelSetResponse> observer) {
    UnaryCalls.serve(
        observer,
        _ -> {
          Wanted wanted = read(request.hasLabelSet(), request.getLabelSet());
          LabelSet set =
              sets.replace(
                  wanted.name(),
                  wanted.labels(),
                  wanted.templates(),
                  request.getLabelSet().getEtag());
          return UpdateLabelSetResponse.newBuilder().setLabelSet(write(set)).build();
        });
  }

  @Override
  public void deleteLabelSet(
      DeleteLabelSetRequest request, StreamObserver<DeleteLabelSetResponse> observer) {
    UnaryCalls.serve(
        observer,
        _ -> {
          requireName("name", request.getName());
          sets.delete(request.getName(), request.getEtag());
          return DeleteLabelSetResponse.getDefaultInstance();
        });
  }

  /// A set as a request wants it.
  private record Wanted(String name, List<LabelSet.Label> labels, List<String> templates) {}

  private Wanted read(boolean there, dev.fovea.v1.LabelSet set) {
    if (!there) {
      throw GatewayException.invalidField("label_set", "nothing", "a label set");
    }
    try {
      requireName("name", set.getName());
      List<LabelPrompts> prompts = labels.labels(set.getLabelsList());
      List<String> templates = labels.templates(set.getHypothesisTemplatesList());
      labels.requirePrompts("labels", prompts, Math.max(1, templates.size()));
      return new Wanted(
          set.getName(),
          prompts.stream().map(p -> new LabelSet.Label(p.name(), p.prompts())).toList(),
          templates);
    } catch (GatewayException refusal) {
      throw refusal.under("label_set");
    }
  }

  /// A name that a set may be kept under.
  private static void requireName(String field, String name) {
    if (FamilyLabelSets.isName(name)) {
      throw GatewayException.invalidField(
          field, name, "a name without '/': sets of families' own cannot be changed");
    }
    if (!LabelSets.NAME.matcher(name).matches()) {
      throw GatewayException.invalidField(
          field, name, "1 to 64 lower-case letters, digits, '-' or '_', a letter or digit first");
    }
  }

  private static dev.fovea.v1.LabelSet write(LabelSet set) {
    dev.fovea.v1.LabelSet.Builder written = head(set);
    for (LabelSet.Label label : set.labels()) {
      written.addLabels(Label.newBuilder().setName(label.name()).addAllPrompts(label.prompts()));
    }
    return written.addAllHypothesisTemplates(set.hypothesisTemplates()).build();
  }

  private static dev.fovea.v1.LabelSet write(FamilyLabelSet set) {
    dev.fovea.v1.LabelSet.Builder written = head(set);
    set.labels().forEach(label -> written.addLabels(Label.newBuilder().setName(label)));
    return written.build();
  }

  private static dev.fovea.v1.LabelSet.Builder head(FamilyLabelSet set) {
    return dev.fovea.v1.LabelSet.newBuilder().setName(set.name()).setEtag(set.etag());
  }

  private static dev.fovea.v1.LabelSet.Builder head(LabelSet set) {
    Timestamp created = ReplyWriter.timestamp(set.createTime());
    return dev.fovea.v1.LabelSet.newBuilder()
        .setName(set.name())
        .setEtag(set.etag())
        .setCreateTime(created)
        .setUpdateTime(ReplyWriter.timestamp(set.updateTime()));
  }
}
