#!/usr/bin/env bash
# What becomes of a change of 3 levels on its way through current libraries: docs/guides/pictures.md's tables.
#
#   bash tools/measure_pictures.sh
#
# Makes a folder for itself, installs pinned packages in it, prints tables in Markdown and cleans up. The
# picture is scikit-image's astronaut, 512 x 384; the change has a random sign times 3 levels on each channel of each
# pixel. "left" is the part of the change that is still there, by projection on it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 scipy==1.17.1 scikit-image==0.26.0 pillow==13.0.0 imageio==2.38.1 \
  opencv-python-headless==5.0.0.93 imagecodecs==2026.3.6 pillow-heif==1.8.1 av==18.1.0 \
  simplejpeg==1.9.0 jpeglib==1.0.2 pyvips==3.2.0 pyvips-binary==8.18.7
cp "$(dirname "$0")/measure_pictures.py" "$work"
cd "$work"
PYTHONWARNINGS=ignore venv/bin/python measure_pictures.py
