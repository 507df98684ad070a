"""Chapter 2: guess the clean picture.

`noise` asked the questions; here is who answers them. First the best answer that there can be, when all pictures are
known; then a network that learns to come close to it when they are not. The network is a UNet (Ronneberger et al.,
arXiv 1505.04597) of convolutions and ReLU, with no attention, no normalisation and no embedding of time.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def best_guess(noisy: Tensor, level: float, images: Tensor) -> Tensor:
    """The best guess that anyone can make when the clean picture is one of `images`, all equally likely.

    Uniform noise can turn an image into `noisy`, or it cannot, and all those that it can are equally likely. So the
    guess with the least mean squared error is their plain mean.

    noisy   (3, height, width)         one noisy picture, in [0, 1]
    level   number in (0, 1]           how noisy it is
    images  (count, 3, height, width)  all the pictures that there are, in [0, 1]

    Returns the guess, (3, height, width); nan if none of the images can have become `noisy`.
    """
    # Subtract each image, scaled by its share: what is left must have come from noise.
    rest = noisy - (1 - level) * images
    # Noise leaves something between 0 and level in every pixel; a hair of room is for rounding.
    possible = ((rest > -1e-6) & (rest < level + 1e-6)).flatten(start_dim=1).all(dim=1)
    # The images that are possible are equally likely, so take their mean.
    return images[possible].mean(dim=0)


def conv(inputs: int, outputs: int, bias: bool = True) -> nn.Conv2d:
    """A 3x3 convolution that keeps height and width."""
    return nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=bias)


class Block(nn.Module):
    """Two convolutions that look around each pixel; what they find is added to what came in.

    Because it adds, a block with all weights at 0 hands on what came in (residual learning, He et al., arXiv 1512.03385).

    width  the number of channels, in and out

    Takes and returns (batch, width, height, width of the picture).
    """

    def __init__(self, width: int):
        super().__init__()
        # A convolution, a ReLU, and a convolution without bias.
        self.layers = nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        # Add what the layers find to what came in.
        return x + self.layers(x)


class Pool(nn.Module):
    """Tell every pixel what there is anywhere in the picture.

    The maximum of each channel over the whole picture goes through two 1x1 convolutions and is added everywhere.
    """

    def __init__(self, width: int):
        super().__init__()
        wide, narrow = (
            nn.Conv2d(width, 4 * width, kernel_size=1),
            nn.Conv2d(4 * width, width, kernel_size=1, bias=False),
        )
        self.layers = nn.Sequential(wide, nn.ReLU(), narrow)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(F.adaptive_max_pool2d(x, 1))


class Stage(nn.Sequential):
    """All the work at one size: a convolution to `outputs` channels, `depth` blocks, and one pool."""

    def __init__(self, inputs: int, outputs: int, depth: int):
        blocks = [Block(outputs) for _ in range(depth)]
        super().__init__(conv(inputs, outputs, bias=False), *blocks, Pool(outputs))


class Denoiser(nn.Module):
    """Guesses clean pictures from noisy ones, looking at them at several sizes.

    widths  the number of channels at each size, from the full size down; each size is half of the one before
    depths  the number of blocks at each size
    words   what it can be told besides the level, a number for each (chapter 8); until then, nothing

    Takes noisy pictures, (batch, 3, height, width), in [0, 1], and their levels, (batch, 1, 1, 1); returns its guess
    at the clean pictures, (batch, 3, height, width), not clamped. Height and width must be multiples of `multiple`.
    """

    def __init__(
        self, widths: Sequence[int] = (32, 64, 64, 64), depths: Sequence[int] = (1, 1, 2, 2), words: Sequence[str] = ()
    ):
        super().__init__()
        pairs = list(zip(widths, widths[1:], depths[1:], strict=False))
        self.widths, self.depths, self.words, self.multiple = list(widths), list(depths), list(words), 2 ** len(pairs)
        self.enter = Stage(3 + 1 + len(words), widths[0], depths[0])
        self.down = nn.ModuleList(Stage(above, below, depth) for above, below, depth in pairs)
        self.up = nn.ModuleList(Stage(below, above, depth) for above, below, depth in reversed(pairs))
        last = conv(widths[0], 3)
        nn.init.constant_(last.bias, 0.5)
        self.leave = nn.Sequential(Stage(widths[0], widths[0], depths[0]), conv(widths[0], widths[0]), nn.ReLU(), last)

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        # Put the level beside the three colours, as a fourth channel that is the same everywhere.
        level = level.expand(-1, -1, *noisy.shape[2:])
        x = self.enter(torch.cat([noisy, level], dim=1))
        # On the way down, keep x for later and halve its size.
        kept = []
        for stage in self.down:
            kept.append(x)
            x = stage(F.avg_pool2d(x, 2))
        # On the way up, double the size and add what was kept there.
        for stage in self.up:
            x = F.interpolate(stage(x), scale_factor=2) + kept.pop()
        # Turn channels into colours.
        return self.leave(x)


def in_bfloat16(denoiser: Denoiser, device: torch.device) -> Callable:
    """The same denoiser, calculating with half as many bits where the processor is made for it: much faster."""
    able = device.type != "cpu" or torch.cpu.get_capabilities().get("avx512_bf16", False)
    return torch.autocast(device.type, torch.bfloat16, enabled=able)(denoiser)
