#!/usr/bin/env bash
# OpenVINO 2026.4.1: average pooling of a picture's three channels makes sixteen of them, for what comes next as well.
#
# Expected: a level of a Laplacian pyramid (average over 2 x 2 pixels, nearest upsampling, difference) is three cheap passes
# over a small array, whatever operator averages.
# Happens: the averaging operator is computed in blocks of sixteen channels (layout aBcd16b), so of three channels thirteen
# are padding; and the upsampling and the difference behind it are done in blocks too, between two changes of layout. The
# same averages as a convolution of each channel by itself (groups, all weights a quarter) have none of it: the level
# takes half the time or less, with the same numbers.
# Why it matters: quality models average pictures all the time (pyramids, several scales, local means), and there the
# picture is at its largest. A whole network of pyramid branches took 13.2 ms with the one operator and 5.7 with the other;
# who measures "OpenVINO" on such a model measures this.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 openvino==2026.4.1 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
"$work/venv/bin/python" - <<'PY'
import statistics
import sys
import time

import numpy as np
import openvino
import openvino.opset13 as ops

HEIGHT, WIDTH = 384, 512
CONFIG = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False, "PERF_COUNT": True}

def level(average):
    picture = ops.parameter([1, 3, HEIGHT, WIDTH], np.float32)
    size = np.array([HEIGHT, WIDTH], np.int64)
    none = [0, 0, 0, 0]
    larger = ops.interpolate(
        average(picture), size, "nearest", "sizes", none, none, "asymmetric", "floor", False, -0.75, np.array([2, 3], np.int64))
    detail = ops.subtract(picture, larger)
    model = openvino.Model([ops.reduce_mean(ops.abs(detail), np.array([2, 3]), False)], [picture])
    return openvino.Core().compile_model(model, "CPU", CONFIG).create_infer_request()

quarter = np.full((3, 1, 1, 2, 2), 0.25, np.float32)
levels = {
    "average pooling": level(lambda x: ops.avg_pool(x, [2, 2], [0, 0], [0, 0], [2, 2], True, "floor", "explicit")),
    "convolution": level(lambda x: ops.group_convolution(x, ops.constant(quarter), [2, 2], [0, 0], [0, 0], [1, 1])),
}
picture = np.random.default_rng(0).random((1, 3, HEIGHT, WIDTH), np.float32)
seconds, values, blocks = {name: [] for name in levels}, {}, {}
for _ in range(60):
    for name, request in levels.items():
        begun = time.perf_counter()
        answer = request.infer([picture])
        seconds[name].append(time.perf_counter() - begun)
        values[name] = np.array(next(iter(answer.values())))
for name, request in levels.items():
    blocks[name] = sum("16b" in each.node_name for each in request.profiling_info)
    print(f"{name}: {1e3 * statistics.median(seconds[name]):.2f} ms, changes of layout with blocks of sixteen: {blocks[name]}")
apart = float(abs(values["average pooling"] - values["convolution"]).max())
ratio = statistics.median(a / b for a, b in zip(seconds["average pooling"], seconds["convolution"]))
print(f"largest difference of the answers {apart:.1e}; average pooling takes {ratio:.1f} times as long")
as_stated = apart < 1e-6 and ratio > 1.3 and blocks["average pooling"] > 0 and not blocks["convolution"]
print("As stated." if as_stated else "Changed: the two take alike, or other layouts are chosen.")
sys.exit(not as_stated)
PY
