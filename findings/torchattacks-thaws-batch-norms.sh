#!/usr/bin/env bash
# torchattacks 3.5.1: after an attack the whole model is in training mode, frozen batch norms included.
#
# Expected: an attack gives the model back in the modes in which it found it.
# Happens: it looks at the model's own flag alone and calls train() on all of it, where that was set. A batch norm in
# evaluation mode within a model in training mode, as in any fine-tuning with frozen means, is thawed by the first
# FGSM: after 20 batches its means have moved from 0 to .42, without the attack not at all. And a model in evaluation
# mode, attacked with set_model_training_mode(True), is left in training mode, dropout and all.
# Why it matters: adversarial training changes what was declared frozen, and the plain run beside it does not: part of
# the difference in the table is that. A score taken after the attack may be one with dropout.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
install() {
  "$work/venv/bin/pip" install -q --disable-pip-version-check "$@" 2>>"$work/pip.log"
}
{ install numpy==2.4.6 scipy==1.17.1 pillow==13.0.0 scikit-image==0.26.0 torch==2.13.0 && install --no-deps torchattacks==3.5.1; } || {
  echo "The pinned packages could not be installed, so nothing was tried."
  exit 2
}
cd "$work"
PYTHONWARNINGS=ignore "$work/venv/bin/python" - <<'PY'
import sys
import torch
import torchattacks
from skimage import data

torch.set_num_threads(1)
pictures = torch.stack([torch.from_numpy(getattr(data, name)()[:256, :256].copy()).permute(2, 0, 1) for name in ("astronaut", "coffee", "chelsea")])
pictures = pictures.float() / 255
labels = torch.tensor([0, 1, 2])

def trained(attacked):
    torch.manual_seed(0)
    victim = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1),
                                 torch.nn.Flatten(), torch.nn.Dropout(), torch.nn.Linear(8, 3))
    victim.train()
    victim[1].eval()  # the usual fine-tuning: the batch norm's means stay as they were learned
    attack = torchattacks.FGSM(victim, eps=1 / 255)
    before = victim.training, victim[1].training
    for _ in range(20):
        victim(attack(pictures, labels) if attacked else pictures)
    return before, (victim.training, victim[1].training), victim[1].running_mean.abs().max().item()

plain, attacked = trained(False), trained(True)
for name, seen in (("plain", plain), ("with FGSM", attacked)):
    print(f"{name:10} model and batch norm in training mode: before {seen[0]}, after {seen[1]}; "
          f"the frozen means, zero before, after 20 batches: {seen[2]:.4f}")
victim = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(), torch.nn.Linear(3 * 256 * 256, 3)).eval()
attack = torchattacks.FGSM(victim)
attack.set_model_training_mode(True)
attack(pictures, labels)
print(f"a model in evaluation mode, attacked with set_model_training_mode(True), is then in training mode: {victim.training}")
if plain[1:] == ((True, False), 0.0) and attacked[1] == (True, True) and attacked[2] > 0.1 and victim.training:
    print("As stated: an attack leaves other modes behind than it found.")
else:
    print("Changed: the modes are given back.")
    sys.exit(1)
PY
