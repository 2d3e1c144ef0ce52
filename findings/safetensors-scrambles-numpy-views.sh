#!/usr/bin/env bash
# safetensors 0.8.0: a NumPy array that is a view is stored with its values in another order, without an error.
#
# Expected: what load() returns is what save() was given, as with numpy.save; or an error, as from safetensors.torch,
# which refuses a tensor that is not contiguous, by name. (Of both kinds the page says that they need to be
# contiguous.)
# Happens: save and save_file of safetensors.numpy write the memory from the array's first byte on, under the shape of
# the view. A photograph with its colours moved to the front comes back with 97 percent of its values wrong; its right
# half and every second column come back as other pixels of it; a network's kernel, transposed, comes back as another
# kernel, whose answers have a correlation of .03 with the right ones.
# Why it matters: transpose(2, 0, 1) is the first thing that is done to a picture, and crops are views. Attacked
# pictures and weights that were passed on so have the right names, shapes, types and, transposed, the very histogram;
# the scores are wrong, and nothing says where it happened.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 torch==2.13.0 safetensors==0.8.0 2>"$work/pip.log" || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from skimage import data

torch.set_num_threads(1)
photo = data.astronaut()
kernel = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
views = {
    "the photograph": photo,
    "colours first": photo.transpose(2, 0, 1),
    "every second column": photo[:, ::2],
    "the right half": photo[:, 256:],
    "the lower half": photo[256:],
    "a kernel, transposed": kernel.T,
}
same, errors = {}, 0
for name, view in views.items():
    safetensors.numpy.save_file({"array": view}, "file.safetensors")
    back = safetensors.numpy.load_file("file.safetensors")["array"]
    assert back.shape == view.shape and back.dtype == view.dtype
    same[name] = (back == view).mean()
    try:
        safetensors.torch.save_file({"array": torch.from_numpy(view)}, "tensor.safetensors")
        torchs = "stores it"
    except ValueError:
        torchs, errors = "refuses it", errors + 1
    copied = safetensors.numpy.load(safetensors.numpy.save({"array": np.ascontiguousarray(view)}))["array"]
    assert (copied == view).all()
    print(f"{name:21} contiguous: {str(view.flags.c_contiguous):5} of its values {same[name]:7.2%} come back; safetensors.torch {torchs}")
answers = [np.random.default_rng(1).standard_normal((500, 64)) @ weights for weights in (kernel.T, back)]
print(f"correlation of the answers of the stored kernel with those of the right one: {np.corrcoef(answers[0].ravel(), answers[1].ravel())[0, 1]:.3f}")
scrambled = ("colours first", "every second column", "the right half", "a kernel, transposed")
if all(same[name] < 0.1 for name in scrambled) and same["the photograph"] == same["the lower half"] == 1 and errors == len(scrambled):
    print("As stated: views are stored scrambled, and nothing says so.")
else:
    print("Changed: views are not stored as stated.")
    sys.exit(1)
PY
