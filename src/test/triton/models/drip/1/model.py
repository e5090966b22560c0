"""A decoupled model: answers 0, 1, 2, … as many numbers as `count` says, and fails when it comes to `fail_at`.

One request at a time: as long as one goes on, no other begins. It stops when its request is cancelled.
"""

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            self.count(request, request.get_response_sender())

    def count(self, request, sender):
        count = int(pb_utils.get_input_tensor_by_name(request, "count").as_numpy()[0, 0])
        fail_at = int(pb_utils.get_input_tensor_by_name(request, "fail_at").as_numpy()[0, 0])
        for number in range(count):
            if sender.is_cancelled():
                error = pb_utils.TritonError("cancelled", pb_utils.TritonError.CANCELLED)
                sender.send(pb_utils.InferenceResponse(error=error))
                break
            if number == fail_at:
                sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError("as asked")))
                break
            output = pb_utils.Tensor("number", np.array([[number]], np.int64))
            sender.send(pb_utils.InferenceResponse([output]))
        sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
