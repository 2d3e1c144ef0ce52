"""pyiqa's cache of downloads in a temporary folder, with seeded weights under the right names.

Every file is made from pyiqa's own architecture and read back by pyiqa's own loading code.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
import torch
from torch import Tensor, nn


class Download(NamedTuple):
    """A file that pyiqa downloads for a metric.

    `module` and `made_by` are the architecture, `options` what it is made with, `weights` its name
    in the module's table of addresses, and `key` what the state dict stands under in the file.
    `backbone` is the torchvision network that it fetches besides.
    """

    module: str
    made_by: str
    weights: str
    key: str | None = None
    options: Mapping[str, Any] = {}
    backbone: str | None = None


DOWNLOADS = {
    "cnniqa": [Download("cnniqa_arch", "CNNIQA", "koniq10k", "params")],
    "dbcnn": [
        Download("dbcnn_arch", "SCNN", "scnn"),
        Download("dbcnn_arch", "DBCNN", "koniq", "params", backbone="vgg16"),
    ],
    "musiq": [Download("musiq_arch", "MUSIQ", "koniq10k", options={"pretrained": "koniq10k"})],
    "tres": [Download("tres_arch", "TReS", "koniq", backbone="resnet50")],
    "unique": [Download("unique_arch", "UNIQUE", "mix", backbone="resnet34")],
}

PutWeights = Callable[[str], None]


@pytest.fixture(scope="session", autouse=True)
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return torch's folder of downloads, set before pyiqa is imported: it looks only then."""
    home = tmp_path_factory.mktemp("torch")
    offline = {"TORCH_HOME": str(home), "HF_HOME": str(home / "hf"), "HF_HUB_OFFLINE": "1"}
    with mock.patch.dict(os.environ, offline):
        yield home / "hub"


@pytest.fixture(scope="session")
def put_weights(hub: Path) -> PutWeights:
    """Return a function that puts a metric's seeded weights where pyiqa looks for them."""
    there: set[str] = set()

    def put(name: str) -> None:
        for download in DOWNLOADS[name] if name not in there else []:
            _put(download, hub)
        there.add(name)

    return put


def _put(download: Download, hub: Path) -> None:
    if download.backbone:
        _put_backbone(download.backbone, hub / "checkpoints")
    module = import_module(f"pyiqa.archs.{download.module}")
    with mock.patch.object(module, "load_pretrained_network"):
        net = getattr(module, download.made_by)(**download.options)
    seed(net)
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    file = hub / "pyiqa" / Path(module.default_model_urls[download.weights]).name
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({download.key: state} if download.key else state, file)


def _put_backbone(name: str, folder: Path) -> None:
    """Put a file of torchvision's there, all zeros: the metric's own weights replace every one."""
    models = import_module("torchvision.models")
    [url] = {weights.url for weights in models.get_model_weights(name) if "V1" in weights.name}
    with torch.device("meta"):
        shapes = models.get_model(name).state_dict()
    folder.mkdir(parents=True, exist_ok=True)
    # One number stands for all of a tensor's: the file is small.
    torch.save(
        {key: torch.zeros((), dtype=t.dtype).expand(t.shape) for key, t in shapes.items()},
        folder / Path(url).name,
    )


def seed(net: nn.Module) -> None:
    """Fill a network so that activations neither vanish nor explode, the same every time."""
    generator = torch.Generator().manual_seed(0)

    def normal(like: Tensor, spread: float) -> Tensor:
        return spread * torch.randn(like.shape, generator=generator)

    with torch.no_grad():
        for name, tensor in net.named_parameters():
            if tensor.dim() > 1:
                tensor.copy_(normal(tensor, tensor[0].numel() ** -0.5))
            else:  # a norm's weight is around one, a bias around zero
                tensor.copy_(normal(tensor, 0.1) + name.endswith("weight"))
        for name, buffer in net.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.copy_(normal(buffer, 0.1).abs() + name.endswith("var"))
