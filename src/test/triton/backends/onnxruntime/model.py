"""Triton's back end `onnxruntime`, written in Python for the server that pip brings, which has none of its own.

It does what the native back end does, as far as the tests lean on it: loads `model.onnx`, honours the same parameters,
runs the requests that the server hands over at once as one batch, keeps the `state` tensors of a sequence between its
requests, and fails a batch as a whole. It goes further in one thing: a request that is cancelled leaves its batch, where
the native back end would run it to the end.
"""

import json
import os
import threading
import time

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb_utils

SEQUENCE_START = 1
SEQUENCE_END = 2

# Seconds between two looks at whether a request was cancelled.
POLL = 0.01

LEVELS = {
    0: ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    1: ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    -1: ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    2: ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
}


def end_with_server():
    """Ends this process when the server that started it has gone, even in the middle of a run that never ends."""
    server = os.getppid()

    def watch():
        while os.getppid() == server:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class TritonPythonModel:
    def initialize(self, args):
        end_with_server()
        config = json.loads(args["model_config"])
        path = os.path.join(
            args["model_repository"], args["model_version"], config.get("default_model_filename") or "model.onnx"
        )
        self.session = ort.InferenceSession(path, options(config), providers=["CPUExecutionProvider"])
        self.state = State(config["sequence_batching"]) if "sequence_batching" in config else None
        # The server hands over its own copy of the state among the inputs, which a back end in Python cannot update.
        kept = self.state.inputs if self.state else []
        self.takes = {node.name for node in self.session.get_inputs()} - set(kept)
        self.gives = [output["name"] for output in config["output"]]

    def execute(self, requests):
        """Answers every request. A run that is stopped because somebody left is run again for those who stayed."""
        responses = [None] * len(requests)
        waiting = list(range(len(requests)))
        while waiting:
            batch = [requests[i] for i in waiting]
            left = threading.Event()
            try:
                for i, response in zip(waiting, self.run(batch, left)):
                    responses[i] = response
                break
            except Exception as error:
                staying = [i for i in waiting if not requests[i].is_cancelled()]
                rerun = left.is_set() and len(staying) < len(waiting)
                for i in waiting:
                    if i not in staying:
                        responses[i] = failure("cancelled", pb_utils.TritonError.CANCELLED)
                    elif not rerun:
                        responses[i] = failure(str(error), pb_utils.TritonError.INTERNAL)
                waiting = staying if rerun else []
        return responses

    def run(self, requests, left):
        sizes = []
        columns = {}
        for request in requests:
            tensors = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
            sizes.append(next(iter(tensors.values())).shape[0])
            for name in self.takes & tensors.keys():
                columns.setdefault(name, []).append(tensors[name])
        if self.state:
            for request in requests:
                for name, value in self.state.of(request).items():
                    columns.setdefault(name, []).append(value)
        feed = {name: np.concatenate(column) for name, column in columns.items()}
        wanted = sorted({name for request in requests for name in request.requested_output_names()} & set(self.gives))
        kept = self.state.outputs if self.state else []
        results = dict(zip(wanted + kept, self.session_run(wanted + kept, feed, requests, left)))
        return [
            self.respond(request, results, slice(end - size, end))
            for request, size, end in zip(requests, sizes, np.cumsum(sizes))
        ]

    def session_run(self, names, feed, requests, left):
        run_options = ort.RunOptions()
        done = threading.Event()

        def watch():
            while not done.wait(POLL):
                if any(request.is_cancelled() for request in requests):
                    left.set()
                    run_options.terminate = True
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            return self.session.run(names, feed, run_options)
        finally:
            done.set()
            watcher.join()

    def respond(self, request, results, rows):
        if self.state:
            self.state.keep(request, {name: results[name][rows] for name in self.state.outputs})
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor(name, np.ascontiguousarray(results[name][rows]))
                for name in request.requested_output_names()
                if name in results
            ]
        )


class State:
    """What is kept of each sequence between its requests, by correlation id."""

    def __init__(self, sequence_batching):
        self.declared = sequence_batching.get("state", [])
        self.inputs = [state["input_name"] for state in self.declared]
        self.outputs = [state["output_name"] for state in self.declared]
        self.kept = {}

    def of(self, request):
        if request.flags() & SEQUENCE_START:
            return {state["input_name"]: initial(state) for state in self.declared}
        return self.kept[request.correlation_id()]

    def keep(self, request, outputs):
        if request.flags() & SEQUENCE_END:
            self.kept.pop(request.correlation_id(), None)
        else:
            self.kept[request.correlation_id()] = {
                state["input_name"]: outputs[state["output_name"]] for state in self.declared
            }


def initial(state):
    """Zeros, as an `initial_state` with `zero_data` and the native back end's variable dims (1 at the start) give them."""
    dims = [1 if int(dim) < 0 else int(dim) for dim in state["dims"]]
    return np.zeros([1, *dims], pb_utils.triton_string_to_numpy(state["data_type"]))


def failure(message, code):
    return pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(message, code))


def options(config):
    parameters = {key: value["string_value"] for key, value in config.get("parameters", {}).items()}
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = int(parameters.get("intra_op_thread_count", 1))
    settings.inter_op_num_threads = int(parameters.get("inter_op_thread_count", 1))
    settings.execution_mode = ort.ExecutionMode(int(parameters.get("execution_mode", 0)))
    settings.enable_cpu_mem_arena = parameters.get("enable_mem_arena", "1") == "1"
    settings.enable_mem_pattern = parameters.get("enable_mem_pattern", "1") == "1"
    level = config.get("optimization", {}).get("graph", {}).get("level", 0)
    settings.graph_optimization_level = LEVELS[int(level)]
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return settings
