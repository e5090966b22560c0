package dev.fovea.engine.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.fovea.engine.onnx.StepRunner.Member;
import dev.fovea.model.Sequencing;
import dev.fovea.model.Signature;
import dev.fovea.tensor.Tensor;
import dev.fovea.tensor.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/// What one instance keeps of its sequences: a place for each, of fixed size, and the memory of a
/// batch that goes into a run and of one that comes out. Bounded by the sequences and the batch
/// that the model's configuration allows, allocated as they come and then reused.
///
/// The rows that the last run of a batch gave stay where the run has written them. The next run of
/// the same batch reads them there, so that while nobody joins or leaves nothing is copied;
/// otherwise rows are copied, from there or from their places. Of the runner's own thread.
final class SequenceMemory {
  private final OrtEnvironment environment;
  private final List<Sequencing.State> states;

  /// One block for each place, in the order of the states.
  private final List<List<MemorySegment>> places = new ArrayList<>();

  private List<BatchMemory> joined;
  private List<BatchMemory> written;
  private List<BatchMemory> resident;

  /// Whose rows lie in `resident`.
  private List<Member> residents = List.of();

  SequenceMemory(OrtEnvironment environment, Signature signature) {
    this.environment = environment;
    this.states = signature.sequencing().states();
    this.joined = newBatch();
    this.written = newBatch();
    this.resident = newBatch();
  }

  private List<BatchMemory> newBatch() {
    return states.stream().map(_ -> new BatchMemory()).toList();
  }

  /// Makes the tensors of a batch's state, those to read and those to write. The caller closes
  /// them.
  void gather(List<Member> batch, Map<String, OnnxTensor> given, Map<String, OnnxTensor> kept)
      throws OrtException {
    boolean stays = batch.equals(residents);
    for (int s = 0; s < states.size(); s++) {
      long size = bytes(states.get(s).input());
      MemorySegment from = (stays ? resident : joined).get(s).ofSize(size * batch.size());
      if (!stays) {
        for (int row = 0; row < batch.size(); row++) {
          read(batch.get(row), s, from.asSlice(row * size, size));
        }
      }
      MemorySegment to = written.get(s).ofSize(size * batch.size());
      given.put(states.get(s).input().name(), tensor(states.get(s).input(), from, batch.size()));
      kept.put(states.get(s).output().name(), tensor(states.get(s).output(), to, batch.size()));
    }
  }

  private OnnxTensor tensor(TensorSpec spec, MemorySegment memory, int rows) throws OrtException {
    return OnnxTensor.createTensor(
        environment,
        memory.asByteBuffer(),
        spec.shape().batched(rows).toArray(),
        OnnxTypes.onnxType(spec.type()));
  }

  private void read(Member member, int state, MemorySegment target) {
    long size = target.byteSize();
    int row = residents.indexOf(member);
    if (!member.started()) {
      target.fill((byte) 0);
    } else if (row >= 0) {
      MemorySegment all = resident.get(state).ofSize(size * residents.size());
      MemorySegment.copy(all, row * size, target, 0, size);
    } else {
      target.copyFrom(place(member).get(state));
    }
  }

  /// Keeps what a run has written. A batch that has nobody in common with the one that stays where
  /// it is goes to its places; any other takes its stead.
  ///
  /// @param isHere whether a sequence still wants what is kept of it
  void keep(List<Member> batch, Predicate<Member> isHere) {
    boolean apart =
        residents.stream().noneMatch(batch::contains) && residents.stream().anyMatch(isHere);
    if (apart && batch.size() <= residents.size()) {
      store(written, batch, isHere);
      return;
    }
    if (!batch.equals(residents)) {
      store(resident, residents, member -> !batch.contains(member) && isHere.test(member));
    }
    List<BatchMemory> spare = resident;
    resident = written;
    written = spare;
    residents = batch;
  }

  private void store(List<BatchMemory> from, List<Member> rows, Predicate<Member> wanted) {
    for (int row = 0; row < rows.size(); row++) {
      Member member = rows.get(row);
      if (wanted.test(member)) {
        for (int s = 0; s < states.size(); s++) {
          long size = bytes(states.get(s).input());
          MemorySegment all = from.get(s).ofSize(size * rows.size());
          MemorySegment.copy(all, row * size, place(member).get(s), 0, size);
        }
      }
    }
  }

  /// Gives one sequence what is kept of another.
  void copy(Member from, Member to) {
    for (int s = 0; s < states.size(); s++) {
      read(from, s, place(to).get(s));
    }
  }

  private List<MemorySegment> place(Member member) {
    while (places.size() <= member.place()) {
      List<MemorySegment> blocks = new ArrayList<>();
      for (Sequencing.State state : states) {
        blocks.add(new BatchMemory().ofSize(bytes(state.input())));
      }
      places.add(blocks);
    }
    return places.get(member.place());
  }

  private static long bytes(TensorSpec spec) {
    return Tensor.byteSize(spec.type(), spec.shape());
  }
}
