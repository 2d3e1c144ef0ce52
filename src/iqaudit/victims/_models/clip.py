"""CLIP ViT-B/32, as much of it as LIQE needs, with the names of published checkpoints' tensors.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021.
"""

import torch
from torch import Tensor, nn

PATCH, GRID = 32, 7
"""Pixels a patch, patches a side: 224 x 224."""

SHARED = 512
"""Width of the space that pictures and texts are compared in."""

CONTEXT, VOCABULARY = 77, 49408


class _QuickGELU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class _Block(nn.Module):
    """A residual attention block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, width // 64)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", _QuickGELU())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Transform (tokens, n, width)."""
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        z: Tensor = x + self.mlp(self.ln_2(x))
        return z


class _Transformer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList([_Block(width) for _ in range(12)])

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x.transpose(0, 1)
        for block in self.resblocks:
            x = block(x, mask)
        return x.transpose(0, 1)


class _Visual(nn.Module):
    """The picture's side: (n, 3, 224, 224), normalised, to (n, 512)."""

    def __init__(self) -> None:
        super().__init__()
        width = 768
        self.conv1 = nn.Conv2d(3, width, PATCH, PATCH, bias=False)
        self.class_embedding = nn.Parameter(0.04 * torch.randn(width))
        self.positional_embedding = nn.Parameter(0.04 * torch.randn(GRID**2 + 1, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = _Transformer(width)
        self.proj = nn.Parameter(0.04 * torch.randn(width, SHARED))

    def forward(self, x: Tensor) -> Tensor:
        patches = self.conv1(x).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(x), 1, -1)
        tokens = torch.cat((first, patches), dim=1) + self.positional_embedding
        tokens = self.transformer(self.ln_pre(tokens))
        y: Tensor = self.ln_post(tokens[:, 0]) @ self.proj
        return y


class CLIP(nn.Module):
    """A network that maps pictures and texts into one space."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = _Visual()
        self.transformer = _Transformer(SHARED)
        self.token_embedding = nn.Embedding(VOCABULARY, SHARED)
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(CONTEXT, SHARED))
        self.ln_final = nn.LayerNorm(SHARED)
        self.text_projection = nn.Parameter(0.04 * torch.randn(SHARED, SHARED))
        self.logit_scale = nn.Parameter(torch.tensor(2.6593))  # log(1 / 0.07), CLIP's own start

    def encode_text(self, tokens: Tensor, ends: Tensor) -> Tensor:
        """Encode texts.

        Parameters
        ----------
        tokens : Tensor of int, (n, length)
            Padded behind each text's end token with anything: attention looks back only, so a
            length below 77 changes nothing.
        ends : Tensor of int, (n,)
            Where each text's end token stands.
        """
        length = tokens.shape[1]
        x = self.token_embedding(tokens) + self.positional_embedding[:length]
        mask = torch.full((length, length), -torch.inf, device=x.device).triu(1)
        x = self.ln_final(self.transformer(x, mask))
        y: Tensor = x[torch.arange(len(x)), ends] @ self.text_projection
        return y
