#!/usr/bin/env bash
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 packaging==26.3 scikit-image==0.26.0 \
  torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 openvino==2026.4.1 opencv-python-headless==5.0.0.93 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import contextlib
import io
import sys
import cv2
import numpy as np
import onnxruntime
import openvino
import torch
from skimage import data
from torch.nn import functional

torch.set_num_threads(1)
photo = torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1)[None].float()

class Resize(torch.nn.Module):
    def __init__(self, side, mode, antialias):
        super().__init__()
        self.options = {"size": (side, side), "mode": mode, "antialias": antialias}

    def forward(self, x):
        return functional.interpolate(x, **self.options)

class Sharpness(torch.nn.Module):
    """How strong a halved picture's steps are, on average: a score as simple as can be."""
    def __init__(self, antialias):
        super().__init__()
        self.resize = Resize(128, "bilinear", antialias)

    def forward(self, x):
        small = self.resize(x).mean(1)
        return (small[:, 1:] - small[:, :-1]).abs().mean((1, 2))

def onnxruntimes(file):
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: photo.numpy()})[0]

def openvinos(file):
    compiled = openvino.compile_model(openvino.convert_model(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return next(iter(compiled([photo.numpy()]).values()))

def opencvs(file):
    net = cv2.dnn.readNetFromONNX(file)
    net.setInput(photo.numpy())
    return net.forward()

programs = {"onnxruntime": onnxruntimes, "OpenVINO": openvinos, "OpenCV": opencvs}

def answers(net):
    with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        torch.onnx.export(net.eval(), (photo,), dynamo=True, verbose=False).save("net.onnx")
        return {"torch": net(photo).numpy()} | {name: program("net.onnx") for name, program in programs.items()}

off = {}
for side in (128, 224, 700):
    for mode in ("bilinear", "bicubic"):
        for antialias in (True, False):
            got = answers(Resize(side, mode, antialias))
            off[side, mode, antialias] = {name: np.abs(pixels - got["torch"]).max() for name, pixels in got.items()}
            print(f"512 to {side}, {mode:8} antialias={antialias!s:5} off from torch by up to", ", ".join(f"{value:.3f} levels in {name}" for name, value in off[side, mode, antialias].items() if name != "torch"))
            if antialias:
                plain = Resize(side, mode, False)(photo).numpy()
                print("    from torch without antialias:", ", ".join(f"{np.abs(got[n]-plain).max():.3f} in {n}" for n in got))
scores = {antialias: {name: value.item() for name, value in answers(Sharpness(antialias)).items()} for antialias in (True, False)}
for antialias, values in scores.items():
    print(f"sharpness, antialias={antialias!s:5}:", ", ".join(f"{value:.3f} by {name}" for name, value in values.items()))
PY
