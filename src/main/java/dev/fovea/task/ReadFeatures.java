package dev.fovea.task;

import dev.fovea.engine.Lease;
import dev.fovea.engine.Place;
import dev.fovea.engine.ServedFamily;
import dev.fovea.failure.GatewayException;
import dev.fovea.failure.Outcome;
import dev.fovea.model.Role;
import dev.fovea.model.ServableModel;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Shows images to the vision encoder, and what it has seen to a model that builds on it: two
/// inferences, one behind the other. The second model is given the encoder's features and, of what
/// the encoder was given itself, the inputs that it asks for by name.
final class ReadFeatures {
  private final EncodeItems encodeItems;

  ReadFeatures(EncodeItems encodeItems) {
    this.encodeItems = encodeItems;
  }

  /// What the second model made of an image.
  ///
  /// @param prepared what the encoder was given
  /// @param answer what became of it
  record Reading(EncodeItems.Prepared prepared, ModelAnswer answer) {}

  /// @param family with a vision encoder and a model of that role
  /// @param role the second model's
  /// @param images what to look at, or why an item cannot be
  /// @param output what is wanted of the second model
  /// @return one outcome an image, in order
  /// @throws GatewayException when the service could not do its part
  List<Outcome<Reading>> run(
      ServedFamily family,
      Role role,
      List<Outcome<Content>> images,
      String output,
      CallRecord record)
      throws InterruptedException {
    Lease reader = family.lease(role);
    Set<String> features = Set.of(reader.model().imageFeatures());
    List<Outcome<EncodeItems.Encoded>> seen =
        encodeItems.run(family, images, EncodeItems.Detail.PATCHES, _ -> features, record);
    List<EncodeItems.Encoded> readable = new ArrayList<>();
    List<Integer> places = new ArrayList<>();
    List<Outcome<Reading>> readings = new ArrayList<>(Collections.nCopies(seen.size(), null));
    for (int place = 0; place < seen.size(); place++) {
      switch (seen.get(place)) {
        case Outcome.Failed<EncodeItems.Encoded>(GatewayException refusal) ->
            readings.set(place, Outcome.failed(refusal));
        case Outcome.Done<EncodeItems.Encoded>(EncodeItems.Encoded encoded) -> {
          readable.add(encoded);
          places.add(place);
        }
      }
    }
    if (readable.isEmpty()) {
      return readings;
    }
    List<Outcome<Map<String, Tensor>>> answers =
        EncodeItems.infer(
            reader,
            readable.stream().map(encoded -> row(reader.model(), encoded)).toList(),
            Set.of(output),
            Place.NONE,
            record);
    record.used(reader.model(), family.kind());
    for (int i = 0; i < places.size(); i++) {
      EncodeItems.Prepared prepared = readable.get(i).prepared();
      readings.set(
          places.get(i),
          answers
              .get(i)
              .then(answer -> new Reading(prepared, new ModelAnswer(reader.model(), answer))));
    }
    return readings;
  }

  private static Map<String, Tensor> row(ServableModel model, EncodeItems.Encoded encoded) {
    Map<String, Tensor> row = new HashMap<>(encoded.prepared().inputs());
    row.keySet().retainAll(model.signature().inputs().stream().map(TensorSpec::name).toList());
    row.put(model.imageFeaturesInput(), encoded.answer().tensor(model.imageFeatures()));
    return row;
  }
}
