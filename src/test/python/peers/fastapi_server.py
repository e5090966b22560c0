"""POST an image, get its embedding: FastAPI under uvicorn, a process for each session. fastapi_server.py PORT PROCESSES"""

import sys

import uvicorn
from fastapi import FastAPI, Request, Response
from vision import Vision

app = FastAPI()
vision = Vision()


@app.post("/")
async def embed(request: Request) -> Response:
    # On the event loop: a process has one session on one thread, and a pool of threads was no faster.
    (vector,) = vision.embed([await request.body()])
    return Response(vector, media_type="application/octet-stream")


if __name__ == "__main__":
    uvicorn.run(
        "fastapi_server:app",
        host="127.0.0.1",
        port=int(sys.argv[1]),
        workers=int(sys.argv[2]),
        log_level="warning",
        access_log=False,
    )
