#!/usr/bin/env bash
# torch 2.13.0 (onnxscript 0.7.2): torch.onnx.export drops a divisor, makes losses infinite and bytes negative, without a word.
#
# Expected: the exported network answers what the module answers, or the export fails, as it does for operators that it
# does not know.
# Happens: average pooling with divisor_override=1, which sums, is exported without: 1 where torch has 4. logsigmoid becomes
# the logarithm of a sigmoid, and is minus infinity at -20 in ONNX Runtime 1.32.0, where torch has -20; binary
# cross-entropy of a logit of -20 and target 0 is infinite, not 0. logaddexp of 100 and 99 is infinite, not 100.313, and
# that of -200 and -201 minus infinity. Bytes that are shifted to the left come out signed: of 148 and 185 x >> 4 << 4,
# which cuts to 4 bits, is -112 and -80, not 144 and 176. log_softmax is right.
# Why it matters: sums over windows, log-losses and fewer bits, a defence, are in networks that are exported to be
# scored and attacked elsewhere. On mild inputs most of it agrees, and a check with one picture passes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import contextlib
import io
import logging
import sys
import numpy as np
import onnxruntime
import torch
from torch.nn import functional

torch.set_num_threads(1)
logging.disable(logging.CRITICAL)  # the exporter's, of operators that are not used

class Net(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)

def both(name, function, *inputs):
    with contextlib.redirect_stdout(io.StringIO()):
        program = torch.onnx.export(Net(function).eval(), inputs, dynamo=True, verbose=False)
    program.save("net.onnx")
    session = onnxruntime.InferenceSession("net.onnx", providers=["CPUExecutionProvider"])
    got = session.run(None, {at.name: value.numpy() for at, value in zip(session.get_inputs(), inputs, strict=True)})[0]
    want = function(*inputs).numpy()
    print(f"{name}\n  torch        ", *np.round(want.ravel()[:8].astype(float), 3), "\n  exported     ", *np.round(got.ravel()[:8].astype(float), 3),
          f"({got.dtype})", "\n  operators    ", *(node.op_type for node in program.model.graph))
    return want, got


pooled = both("avg_pool2d(ones, 2, divisor_override=1)", lambda x: functional.avg_pool2d(x, 2, divisor_override=1), torch.ones(1, 1, 4, 4))
sigmoid = both("logsigmoid of 5, 0, -5, -20, -100", functional.logsigmoid, torch.tensor([5.0, 0, -5, -20, -100]))
entropy = both("binary_cross_entropy_with_logits of 5, -5, -20, -100; the targets are 0",
               lambda x: functional.binary_cross_entropy_with_logits(x, torch.zeros_like(x), reduction="none"), torch.tensor([5.0, -5, -20, -100]))
added = both("logaddexp of 0, 50, 100, -200 and 0, 49, 99, -201", torch.logaddexp, torch.tensor([0.0, 50, 100, -200]), torch.tensor([0.0, 49, 99, -201]))
cut = both("x >> 4 << 4 of 0, 37, 74, 111, 148, 185, 222 as uint8", lambda x: x >> 4 << 4, torch.arange(0, 256, 37).to(torch.uint8))
control = both("log_softmax of the same kind, for comparison", lambda x: functional.log_softmax(x, 0), torch.tensor([5.0, 0, -5, -20, -100]))
mild = all(np.allclose(want[:2], got[:2], atol=1e-3) for want, got in (sigmoid, entropy, added))
if ((pooled[0] == 4).all() and (pooled[1] == 1).all() and mild and np.isneginf(sigmoid[1][3:]).all() and np.isposinf(entropy[1][2:]).all()
        and all(np.isfinite(want).all() for want, _ in (sigmoid, entropy, added)) and np.isposinf(added[1][2]) and np.isneginf(added[1][3])
        and cut[1].dtype == np.int8 and cut[1][4:6].tolist() == [-112, -80] and cut[0][4:6].tolist() == [144, 176] and np.allclose(*control)):
    print("As stated: what is exported computes something else.")
else:
    print("Changed: the exported networks do not answer as stated.")
    sys.exit(1)
PY
