#!/usr/bin/env bash
# torchattacks 3.5.1: Square sets the seed of the whole process, and five runs with five seeds are one.
#
# Expected: torch.manual_seed before an attack decides its draws, as with PGD's random start; what is drawn after it, a
# shuffle or a dropout, goes on from there.
# Happens: Square's own seed, 0 unless given, goes into torch's global generator at every call. After
# torch.manual_seed(0) to (4) it returns the same bytes five times, where PGD returns five pictures; and the shuffle
# drawn next is the same one after each. (Where the victim is not fooled it returns the clean picture, so that a
# score's mean fall counts these as no fall at all.)
# Why it matters: "five seeds, deviation 0.0" in a table of black-box attacks is one run. In a training loop each epoch
# with this attack repeats the shuffles and dropouts of the one before.
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
picture = torch.from_numpy(data.astronaut()[:256:4, 128:384:4].copy()).permute(2, 0, 1)[None].float() / 255
torch.manual_seed(1)
victim = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(picture.numel(), 10)).eval()
with torch.no_grad():
    label = victim(picture).argmax(1)
    victim[1].bias[label] += 0.05  # so that it is not fooled at once
seen = {"PGD": set(), "Square": set()}
draws = {"PGD": set(), "Square": set()}
for name, attack in (("PGD", torchattacks.PGD(victim, eps=8 / 255, steps=5)), ("Square", torchattacks.Square(victim, eps=8 / 255, n_queries=200))):
    for seed in range(5):
        torch.manual_seed(seed)
        attacked = attack(picture, label).detach()
        seen[name].add(attacked.numpy().tobytes())
        draws[name].add(torch.randperm(1000)[0].item())
    fooled = (victim(attacked).argmax(1) != label).item()
    print(f"{name:6} after torch.manual_seed(0) to (4): {len(seen[name])} different pictures (fooled: {fooled}); "
          f"the first of a shuffle drawn next: {len(draws[name])} different, {sorted(draws[name])}")
with torch.no_grad():
    victim[1].bias[label] += 100
torch.manual_seed(0)
result = torchattacks.Square(victim, eps=8 / 255, n_queries=200)(picture, label)
same = torch.equal(result, picture)
print("where the victim is not fooled, Square returns the clean picture:", same)
if len(seen["Square"]) == len(draws["Square"]) == 1 and len(seen["PGD"]) == 5 and fooled and len(draws["PGD"]) > 1 and same:
    print("As stated: five seeds are one run, before and after.")
else:
    print("Changed: the seed is the caller's.")
    sys.exit(1)
PY
