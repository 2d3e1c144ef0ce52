#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU, x86-64: whether a NaN outlives max pooling depends on where it stands.
#
# Expected: NaN in, NaN out, as NumPy's max, PyTorch's max pooling and average pooling have it; or
# never, as in fmax. The same in every cell of a window.
# Happens: MaxPool and GlobalMaxPool keep a NaN in the window's last cell and lose it in the others,
# where the answer is a plain finite number. ReduceMax keeps it in the first cell instead, and beside
# a NaN it can miss the largest number as well: 3 where a 4 stands in the window. Nothing is raised and
# nothing warned of. AveragePool keeps them all. (It fits the processor's maximum instruction, which
# gives back its second operand when either is NaN: the last one compared wins.)
# Why it matters: a check of a scorer's output for NaN does not tell that its features were sound. An
# exported scorer whose features overflowed can return an ordinary score for one picture and NaN for
# the same picture mirrored, and a search that follows the score is then steered by cells that vanished.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import platform, sys
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

def run(op, values, **attributes):
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], ["y"], **attributes)], "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return float(session.run(None, {"x": np.float32(values).reshape(1, 1, 2, 2)})[0].max())

print("machine:", platform.machine())
seen = {}
for op, attributes in (("AveragePool", {"kernel_shape": [2, 2]}), ("MaxPool", {"kernel_shape": [2, 2]}),
                       ("GlobalMaxPool", {}), ("ReduceMax", {"keepdims": 1})):
    answers = []
    for cell in range(4):
        values = [1.0, 2.0, 3.0, 4.0]
        values[cell] = float("nan")
        answers.append(run(op, values, **attributes))
    seen[op] = [a != a for a in answers]
    print(f"{op:14} NaN in cell 0, 1, 2, 3 gives {answers}")
print("numpy.max      with a NaN in any cell gives", np.max(np.float32([1, np.nan, 3, 4])))
mixed = all(any(seen[op]) and not all(seen[op]) for op in ("MaxPool", "GlobalMaxPool"))
if mixed and all(seen["AveragePool"]) and not all(seen["ReduceMax"]):
    print("As stated: the cell decides whether the NaN is seen.")
else:
    print("Changed: pooling no longer treats a NaN by its place as stated.")
    sys.exit(1)
PY
