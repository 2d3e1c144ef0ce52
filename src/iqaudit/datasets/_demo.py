"""The demo's pictures: four photographs from scikit-image, and a degraded copy of each."""

from skimage import data

from iqaudit._core import distortions
from iqaudit._core.picture import Picture

QUERIES = 250
"""A picture and attack; two attacks on eight pictures fit into three minutes on two cores of a 2024
server."""


def pictures() -> list[Picture]:
    """Return the eight pictures, at their own sizes, so that scores are pushed both ways."""
    astronaut, coffee = data.astronaut(), data.coffee()
    chelsea, rocket = data.chelsea(), data.rocket()
    compressed = distortions.jpeg(rocket, quality=10)
    return [
        Picture("astronaut", astronaut),
        Picture("astronaut-jpeg", distortions.jpeg(astronaut, quality=10)),
        Picture("coffee", coffee),
        Picture("coffee-blur", distortions.blur(coffee, sigma=3)),
        Picture("chelsea", chelsea),
        Picture("chelsea-noise", distortions.noise(chelsea, sigma=25)),
        Picture("rocket", rocket),
        Picture("rocket-jpeg-blur", distortions.blur(compressed, sigma=1.5)),
    ]
