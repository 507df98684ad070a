"""The judge of chapter 5: a small network that recognises dinosaurs, their species and their colour.

It has seen real dinosaurs, and spoiled ones: blurred, noisy, blended, stitched together, with a piece missing. So it can
also say of a drawing that it is none. What it looks at to tell, its `features`, says what a picture is like in 64 numbers.

`python -m dino.recogniser` trains the one that comes with the course.
"""

from pathlib import Path

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dino.data import dinosaurs, load
from dino.denoiser import conv, in_bfloat16
from dino.drawing import SPECIES
from dino.pen import COLOURS

JUDGE = Path(__file__).parent / "weights" / "recogniser.safetensors"


class Recogniser(nn.Module):
    """Says of which species and of which colour a dinosaur is.

    Takes pictures, (batch, 3, height, width), in [0, 1]; scales them to 32 by 32 pixels if they are of another size.
    Returns a score for each species, and one more for `none of them`, (batch, 5), and for each colour, (batch, 8).
    """

    def __init__(self) -> None:
        super().__init__()
        stages = [
            nn.Sequential(conv(above, below), nn.ReLU(), conv(below, below), nn.ReLU(), nn.AvgPool2d(2))
            for above, below in [(3, 24), (24, 48), (48, 96)]
        ]
        self.look = nn.Sequential(*stages, nn.Flatten(), nn.Linear(96 * 4 * 4, 64), nn.BatchNorm1d(64, affine=False))
        self.species, self.colours = nn.Linear(64, len(SPECIES) + 1), nn.Linear(64, len(COLOURS))

    def features(self, pictures: Tensor) -> Tensor:
        """What the pictures are like, (batch, 64)."""
        if pictures.shape[2:] != (32, 32):
            pictures = F.interpolate(pictures, (32, 32), mode="area")
        return self.look(pictures * 2 - 1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        seen = F.relu(self.features(pictures))
        return self.species(seen), self.colours(seen)


def spoil(pictures: Tensor, others: Tensor) -> Tensor:
    """Spoil each picture in one of five ways; `others` are as many pictures of other species."""
    count, _, height, width = pictures.shape
    rows, columns = torch.arange(height).view(-1, 1), torch.arange(width)
    cut = torch.randint(width * 3 // 8, width * 5 // 8 + 1, (count, 1, 1, 1))
    share = torch.rand(count, 1, 1, 1) * 0.4 + 0.3
    # Where a third of the height and width is left white: around a point where there is something dark.
    dark = (1 - pictures.amin(dim=1)).flatten(1) + 1e-6
    at = torch.multinomial(dark, 1).view(-1, 1, 1, 1)
    hole = ((rows - at // width).abs() <= height // 6) & ((columns - at % width).abs() <= width // 6)
    ways = torch.stack(
        [
            torch.where(columns < cut, pictures, others),
            torch.lerp(pictures, others, share),
            torch.lerp(pictures, torch.rand_like(pictures), share),
            F.interpolate(F.avg_pool2d(pictures, 4), (height, width), mode="bilinear"),
            torch.where(hole, 1.0, pictures),
        ]
    )
    return ways[torch.randint(len(ways), (count,)), torch.arange(count)]


def teach(steps: int = 2500, batch: int = 64, count: int = 8192, seed: int = 3) -> Recogniser:
    """Train a recogniser on `count` dinosaurs, and as many spoiled ones."""
    torch.manual_seed(seed)
    drawn = dinosaurs(count, seed=seed)
    images, species, colours = load(drawn), torch.tensor(drawn["label"]), torch.tensor(drawn["colour"])
    recogniser = Recogniser().to(memory_format=torch.channels_last)
    judge = in_bfloat16(recogniser, images.device)
    optimizer = torch.optim.AdamW(recogniser.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for _ in range(steps):
        some = torch.randint(len(images), (batch,))
        pictures = torch.where(torch.rand(batch, 1, 1, 1) < 0.5, images[some].flip(3), images[some])
        # A hint of noise, so that it does not rely on colours being exact.
        pictures = (pictures + 0.02 * torch.rand(batch, 1, 1, 1) * torch.randn_like(pictures)).clamp(0, 1)
        other = torch.multinomial((species[some, None] != species[some]).float(), 1).squeeze(1)
        of_species, of_colour = judge(torch.cat([pictures, spoil(pictures, pictures[other])]))
        truth = torch.cat([species[some], torch.full((batch,), len(SPECIES))])
        loss = F.cross_entropy(of_species, truth) + F.cross_entropy(of_colour[:batch], colours[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return recogniser.eval()


def load_recogniser(path: Path = JUDGE) -> Recogniser:
    """Read the recogniser that comes with the course."""
    recogniser = Recogniser()
    weights = safetensors.torch.load_file(path)
    recogniser.load_state_dict({name: weight.float() for name, weight in weights.items()})
    return recogniser.eval().requires_grad_(False)


if __name__ == "__main__":
    taught = teach()
    safetensors.torch.save_file(
        {name: weight.half().contiguous() for name, weight in taught.state_dict().items()}, JUDGE
    )
