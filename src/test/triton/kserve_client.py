"""Asks a Fovea with --enable-kserve as any client of the standard protocol does, with Triton's own client.

    kserve_client.py HOST:PORT

Prints what it saw; ends with an error where something is not as the protocol has it.
"""

import queue
import sys

import numpy as np
import tritonclient.grpc as grpcclient
from tritonclient.utils import InferenceServerException

MODEL = "pico_text"


def tensors(rows, tokens):
    ids = np.full([rows, tokens], 3, np.int64)
    ids += np.arange(rows)[:, None]
    made = []
    for name, value in (("input_ids", ids), ("attention_mask", np.ones_like(ids))):
        tensor = grpcclient.InferInput(name, list(value.shape), "INT64")
        tensor.set_data_from_numpy(value)
        made.append(tensor)
    return made


def refused(call):
    try:
        call()
    except InferenceServerException as error:
        return error.status()
    raise AssertionError("not refused")


def main(address):
    client = grpcclient.InferenceServerClient(address)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(MODEL)
    print("server", client.get_server_metadata().name)
    metadata = client.get_model_metadata(MODEL)
    assert [list(tensor.shape) for tensor in metadata.inputs] == [[-1, -1], [-1, -1]], metadata
    print("inputs", *sorted(tensor.name for tensor in metadata.inputs))

    wanted = [grpcclient.InferRequestedOutput("text_embedding")]
    together = client.infer(MODEL, tensors(3, 16), outputs=wanted, request_id="7")
    vectors = together.as_numpy("text_embedding")
    assert together.get_response().id == "7"
    assert vectors.shape == (3, 192) and np.isfinite(vectors).all() and vectors.std() > 0
    first = client.infer(MODEL, tensors(1, 16)).as_numpy("text_embedding")
    assert np.abs(first[0] - vectors[0]).max() <= 1e-5

    answers = queue.Queue()
    client.start_stream(callback=lambda result, error: answers.put((result, error)))
    for number in range(4):
        client.async_stream_infer(MODEL, tensors(1, 16), request_id=str(number))
    client.async_stream_infer("nothing", tensors(1, 16), request_id="bad")
    for number in range(4):
        result, error = answers.get(timeout=30)
        assert error is None and result.get_response().id == str(number)
        assert np.array_equal(result.as_numpy("text_embedding"), first)
    result, error = answers.get(timeout=30)
    assert error is not None
    client.stop_stream()

    print("unknown model", refused(lambda: client.infer("nothing", tensors(1, 16))))
    print("too many rows", refused(lambda: client.infer(MODEL, tensors(65, 16))))
    print("no control", refused(lambda: client.unload_model(MODEL)))
    print("no memory", refused(lambda: client.get_system_shared_memory_status()))


if __name__ == "__main__":
    main(*sys.argv[1:])
