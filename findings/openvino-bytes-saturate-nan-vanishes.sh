#!/usr/bin/env bash
# OpenVINO 2026.4.1 (torch 2.13.0): a network's bytes saturate instead of wrapping, NaN becomes a number, logsigmoid is infinite.
#
# Expected: a network that is converted from torch.export answers what the module answers, NaN where that is NaN.
# Happens: uint8 arithmetic stops at the ends: 128 times 2 is 0 in torch and 255 converted, 100 plus 200 is 44 and 255, 100 minus
# 128 is 228 and 0. relu of NaN is 0 and clamp(-1, 1) of NaN is -1, where torch has NaN; maximum keeps it.
# logsigmoid is minus infinity from -88 on, where torch has -88. Precision is set to f32.
# Why it matters: a victim that cuts bits or hashes bytes scores other pictures; one whose features have run away
# answers a plain number after its next relu, and nobody is told; and a log-loss is lost.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 packaging==26.3 torch==2.13.0 openvino==2026.4.1 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
import openvino
import torch
from torch.nn import functional

class Net(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)

def both(name, function, *values):
    x = torch.tensor([values])
    program = torch.export.export(Net(function).eval(), (x,))
    compiled = openvino.compile_model(openvino.convert_model(program), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    want, got = function(x).numpy()[0], next(iter(compiled([x.numpy()]).values()))[0]
    print(f"{name:22} of", *values, "torch:", *np.round(want, 3), "converted:", *np.round(got, 3))
    return got.tolist(), want.tolist()

levels, nan = (10.0, 100.0, 128.0, 200.0), float("nan")
doubled = both("bytes times 2", lambda x: (x.to(torch.uint8) * 2).float(), *levels)
added = both("bytes plus 200", lambda x: (x.to(torch.uint8) + 200).float(), *levels)
taken = both("100 minus bytes", lambda x: (100 - x.to(torch.uint8)).float(), *levels)
relu = both("relu", functional.relu, nan, 1.0)
clamped = both("clamp(-1, 1)", lambda x: x.clamp(-1, 1), nan, 1.0)
largest = both("maximum with .5", lambda x: torch.maximum(x, x * 0 + 0.5), nan, 1.0)
sigmoid = both("logsigmoid", functional.logsigmoid, 0.0, -20.0, -80.0, -88.0, -100.0)
if (doubled == ([20, 200, 255, 255], [20, 200, 0, 144]) and added == ([210, 255, 255, 255], [210, 44, 72, 144])
        and taken == ([90, 0, 0, 0], [90, 0, 228, 156]) and relu[0] == [0, 1] and clamped[0] == [-1, 1]
        and all(np.isnan(want[0]) for _, want in (relu, clamped, largest)) and np.isnan(largest[0][0])
        and np.isneginf(sigmoid[0][3:]).all() and np.allclose(sigmoid[0][:3], sigmoid[1][:3]) and np.isfinite(sigmoid[1]).all()):
    print("As stated: bytes stop at the ends, and NaN does not last.")
else:
    print("Changed: bytes, NaN or logsigmoid are not as stated.")
    sys.exit(1)
PY
