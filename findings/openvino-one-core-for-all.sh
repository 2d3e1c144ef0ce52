#!/usr/bin/env bash
# OpenVINO 2026.4.1: processes with one thread each compute on one and the same core, and the others stand idle.
#
# Expected: two processes that ask for one inference thread run on two cores, as the scheduler spreads them.
# Happens: with INFERENCE_NUM_THREADS=1 (and LATENCY, the default) the thread that calls infer computes, and while it
# does it is pinned to the first core it may use: in every process the same. Two processes share that core, each at half
# its speed; after the call the thread is where it was, so nobody who looks between calls sees it. With
# ENABLE_CPU_PINNING=False, whose default is True on Linux, the two run side by side.
# Why it matters: one single-threaded process a core is how data sets are scored and attacks are run, by joblib,
# multiprocessing, Ray, or pytest -n. However many workers there are, they have one core, and a table of "queries a
# second" is one of waiting. Measured on two cores: 13.3 passes a second each when pinned, 22 to 28 when not, 33 alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 openvino==2026.4.1 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cat >"$work/passes.py" <<'PY'
import json
import os
import sys
import threading
import time
import numpy as np
import openvino
import openvino.opset13 as ops

options = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY", **json.loads(sys.argv[1])}
picture = ops.parameter([1, 64, 96, 96], np.float32)
maps, draw = picture, np.random.default_rng(0)
for _ in range(6):
    weights = ops.constant(draw.normal(0, 0.04, (64, 64, 3, 3)).astype(np.float32))
    maps = ops.convolution(maps, weights, [1, 1], [1, 1], [1, 1], [1, 1])
model = openvino.Core().compile_model(openvino.Model([maps], [picture]), "CPU", options)
request, values = model.create_infer_request(), draw.normal(size=(1, 64, 96, 96)).astype(np.float32)
before = os.sched_getaffinity(0)
caller, during, done = threading.get_native_id(), set(), threading.Event()

def look():
    while not done.wait(0.001):
        during.add(tuple(sorted(os.sched_getaffinity(caller))))

looking = threading.Thread(target=look)
looking.start()
begun, passes = time.perf_counter(), 0
while time.perf_counter() - begun < 5:
    request.infer([values])
    passes += 1
rate = passes / (time.perf_counter() - begun)
done.set()
looking.join()
print(json.dumps({"cores": sorted(before), "during": sorted(during), "after": sorted(os.sched_getaffinity(0)), "rate": rate}))
PY
cd "$work"
"$work/venv/bin/python" - <<'PY'
import json
import subprocess
import sys

def two(options):
    command = [sys.executable, "passes.py", json.dumps(options)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return [json.loads(each.communicate()[0]) for each in both]

found = {name: two(options) for name, options in (("default", {}), ("ENABLE_CPU_PINNING=False", {"ENABLE_CPU_PINNING": False}))}
for name, processes in found.items():
    for each in processes:
        print(f"{name}: may use cores {each['cores']}, during calls {each['during']}, afterwards {each['after']}; "
              f"{each['rate']:.1f} passes a second")
cores = found["default"][0]["cores"]
if len(cores) < 2:
    print("There is one core alone here, so nothing can be told.")
    sys.exit(2)
pinned = {tuple(core) for each in found["default"] for core in each["during"] if len(core) == 1}
free = {tuple(core) for each in found["ENABLE_CPU_PINNING=False"] for core in each["during"]}
if all(any(len(core) == 1 for core in each["during"]) for each in found["default"]) and len(pinned) == 1 and free == {tuple(cores)}:
    print(f"As stated: both processes compute on core {next(iter(pinned))[0]}.")
else:
    print("Changed: they are not pinned to one core as stated.")
    sys.exit(1)
PY
