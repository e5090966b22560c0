"""POST an image, get its embedding: Ray Serve with @serve.batch, a replica for each session. ray_server.py PORT REPLICAS"""

import os
import pathlib
import signal
import sys
import threading

# Before Ray is loaded, and handed down to its processes.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# Its workers have no less a right to the processors than its clients.
os.environ["RAY_worker_niceness"] = "0"
os.environ["PYTHONPATH"] = str(pathlib.Path(__file__).parent)

import ray  # noqa: E402
from ray import serve  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import Response  # noqa: E402

port, replicas = int(sys.argv[1]), int(sys.argv[2])


@serve.deployment(num_replicas=replicas, max_ongoing_requests=64, ray_actor_options={"num_cpus": 1})
class Embed:
    def __init__(self):
        from vision import Vision

        self.vision = Vision()

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.002)
    async def embed(self, files: list[bytes]) -> list[bytes]:
        return self.vision.embed(files)

    async def __call__(self, request: Request) -> Response:
        return Response(await self.embed(await request.body()), media_type="application/octet-stream")


# As many processors as replicas want, whatever the machine has; no more memory for objects than Ray demands.
ray.init(num_cpus=replicas, include_dashboard=False, log_to_driver=False, object_store_memory=80 << 20)
serve.start(http_options={"host": "127.0.0.1", "port": port})
serve.run(Embed.bind(), route_prefix="/")
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
stop.wait()
ray.shutdown()
