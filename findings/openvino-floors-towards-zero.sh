#!/usr/bin/env bash
# OpenVINO 2026.4.1 (torch 2.13.0): a network's whole numbers are divided towards zero, not down.
#
# Expected: a converted network divides whole numbers as the module does, // and rounding_mode="floor" down: -29 // 7 is
# -5; or conversion refuses.
# Happens: the division of negative ones is cut, not floored: -29 // 7 is -4. The remainder, %, is the module's, so that a
# number is no longer 7 * (n // 7) + n % 7 within one and the same converted network. Floats are floored right.
# Why it matters: quality models quantise coefficients and count them in bins (n // step). All negative values but multiples
# land one bin off, silently: the converted network's histogram, and its score, are another's.
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

class Net(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)

numbers = torch.arange(-40.0, 41.0)
functions = {
    "n // 7": lambda x: x.long() // 7,
    "n divided by 7, rounding_mode floor": lambda x: torch.div(x.long(), 7, rounding_mode="floor"),
    "n % 7": lambda x: x.long() % 7,
    "7 * (n // 7) + n % 7": lambda x: 7 * (x.long() // 7) + x.long() % 7,
    "floats // 7": lambda x: x // 7,
}
wrong = {}
for name, function in functions.items():
    net = Net(function)
    program = torch.export.export(net, (numbers,))
    compiled = openvino.compile_model(openvino.convert_model(program), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    got, want = next(iter(compiled([numbers.numpy()]).values())), net(numbers).numpy()
    wrong[name] = np.flatnonzero(got != want)
    said = f", as {got[wrong[name][0]]} for {want[wrong[name][0]]} of {numbers[wrong[name][0]]:.0f}" if len(wrong[name]) else ""
    print(f"{name:36}: {len(wrong[name])} of {len(numbers)} numbers from -40 to 40 come out otherwise{said}")
negative = [i for i, n in enumerate(numbers.tolist()) if n < 0 and n % 7]
floored = {name for name in functions if len(wrong[name])}
if floored == {*functions} - {"n % 7", "floats // 7"} and all(wrong[name].tolist() == negative for name in floored):
    print("As stated: negative whole numbers are divided towards zero.")
else:
    print("Changed: whole numbers are not divided as stated.")
    sys.exit(1)
PY
