"""The recipes that `compare.py` compares: each at the settings that it recommends, and others again at our width and batch.

What other libraries recommend is made narrower, so that it has about as many weights as ours; nothing else is changed, and
none of them is tuned. `diffusers` is at our width and batch as it is.
"""

import copy
import functools
import importlib.machinery
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from unittest.mock import MagicMock

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dino.denoiser import Denoiser, in_bfloat16
from dino.sampling import sample
from dino.training import Run, train, training_step, update_average

CPU = torch.device("cpu")


@dataclass
class Contestant:
    """One recipe at work.

    settings  what it is, in words
    network   what learns
    steps     a generator that takes one training step each time
    draw      takes how many pictures and how many calls of the network, and returns pictures in [0, 1]
    batch     how many pictures one step learns from
    ways      other ways to draw, by name
    """

    settings: str
    network: nn.Module
    steps: Iterator
    draw: Callable[[int, int], Tensor]
    batch: int = 16
    ways: dict[str, Callable] = field(default_factory=dict)


@dataclass
class Recipe:
    """How to make a contestant: `make(images, steps, pace)`, for a run of so many steps, at so many steps a minute.

    planned  whether its learning rate depends on how long the run will be: then each length is a run of its own
    """

    make: Callable[[Tensor, int, float], Contestant]
    planned: bool = False


def without_torchvision() -> None:
    """Let the others be imported where torchvision does not fit this torch: they only use it to load picture files."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("torchvision", "torchvision.transforms", "torchvision.utils"):
            sys.modules[name] = MagicMock(__spec__=importlib.machinery.ModuleSpec(name, None))


def flipped_batches(images: Tensor, batch: int) -> Iterator[Tensor]:
    """Batches without end, half of the pictures mirrored, in [-1, 1], as the others want them."""
    while True:
        for some in torch.randperm(len(images)).split(batch):
            clean = torch.where(torch.rand(len(some), 1, 1, 1) < 0.5, images[some].flip(3), images[some])
            yield clean * 2 - 1


def ours(images: Tensor, steps: int, _pace: float) -> Contestant:
    """Ours at its defaults."""
    run = Run(Denoiser())

    def draw(count: int, calls: int, stretch: float = 2.0) -> Tensor:
        return sample(in_bfloat16(run.average, CPU), torch.rand(count, 3, 32, 32), calls, stretch).float()

    ways = {f"stretch {stretch}": functools.partial(draw, stretch=stretch) for stretch in (1.0, 1.5)}
    return Contestant("the defaults", run.denoiser, train(run, images, steps), draw, ways=ways)


def classic(images: Tensor, steps: int, pace: float, fair: bool = False) -> Contestant:
    """The classic recipe: AdamW at 3e-4 with amsgrad, and an average that is updated every two seconds."""
    network = Denoiser().to(memory_format=torch.channels_last) if fair else Denoiser((64,) * 5, (2,) * 5)
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-4, amsgrad=True)
    batches = flipped_batches(images, 16)
    ask, asked = (in_bfloat16(one, CPU) if fair else one for one in (network, average))
    interval = max(1, round(pace / 30))

    def learn() -> Iterator[None]:
        for n in range(steps):
            training_step(ask, optimizer, (next(batches) + 1) / 2)
            if n % interval == interval - 1:
                update_average(average, network, n // interval)
            yield

    def draw(count: int, calls: int) -> Tensor:
        return sample(asked, torch.rand(count, 3, 32, 32), calls).float()

    widths = "our widths and depths, in bfloat16" if fair else "widths 64 five times, depths 2, in float32"
    settings = f"{widths}; batch 16, AdamW 3e-4 with amsgrad, an average that is updated every two seconds"
    return Contestant(settings, network, learn(), draw)


def smalldiffusion(images: Tensor, _steps: int, _pace: float, fair: bool = False) -> Contestant:
    """smalldiffusion with its Unet, at the settings of its example fashion_mnist_unet.py, narrower."""
    from smalldiffusion import Scaled, ScheduleLogLinear, Unet, samples, training_loop

    schedule = ScheduleLogLinear(sigma_min=0.01, sigma_max=20, N=800)
    widths, batch = ((1, 2, 2, 2), 16) if fair else ((1, 1, 2), 32)
    network = Scaled(Unet)(32, 3, 3, ch=32, ch_mult=widths, attn_resolutions=(16,))
    average = copy.deepcopy(network)
    batches = flipped_batches(images, batch)
    able = fair and torch.cpu.get_capabilities().get("avx512_bf16", False)
    half = functools.partial(torch.autocast, "cpu", torch.bfloat16, enabled=able)

    def learn() -> Iterator[None]:
        # Its loop goes over a loader again and again; a list of one endless iterator will do.
        steps = training_loop(batches, network, schedule, epochs=1, lr=7e-4)
        for n in itertools.count():
            with half():
                next(steps)
            keep = min(0.999, (1 + n) / (10 + n))  # as torch_ema, which its example uses
            with torch.no_grad():
                for old, new in zip(average.parameters(), network.parameters(), strict=True):
                    old.lerp_(new, 1 - keep)
            yield

    def draw(count: int, calls: int, gam: float = 1.6) -> Tensor:
        with half():
            *_, last = samples(average, schedule.sample_sigmas(calls), gam=gam, batchsize=count)
        return ((last.float() + 1) / 2).clamp(0, 1)

    settings = f"Unet ch 32 {widths}, attention at 16, batch {batch}, AdamW 7e-4, average 0.999; gam 1.6"
    return Contestant(settings, network, learn(), draw, batch, {"DDIM (gam 1)": functools.partial(draw, gam=1.0)})


def denoising_diffusion_pytorch(images: Tensor, _steps: int, _pace: float, fair: bool = False) -> Contestant:
    """denoising-diffusion-pytorch at the settings of its README, narrower; what its Trainer does, without the files."""
    from denoising_diffusion_pytorch import GaussianDiffusion, Unet
    from ema_pytorch import EMA

    network = Unet(dim=32, dim_mults=(1, 2, 2, 2)) if fair else Unet(dim=24, dim_mults=(1, 2, 4), flash_attn=True)
    batch, parts = (16, 1) if fair else (32, 2)
    diffusion = GaussianDiffusion(network, image_size=32, timesteps=1000, sampling_timesteps=250)
    average = EMA(diffusion, beta=0.995, update_every=10)
    optimizer = torch.optim.Adam(diffusion.parameters(), lr=8e-5, betas=(0.9, 0.99))
    batches = flipped_batches(images, batch)

    def learn() -> Iterator[None]:
        while True:
            for _ in range(parts):
                loss = in_bfloat16(diffusion, CPU)((next(batches) + 1) / 2) / parts
                loss.backward()
            nn.utils.clip_grad_norm_(diffusion.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            average.update()
            yield

    def draw(count: int, calls: int) -> Tensor:
        average.ema_model.sampling_timesteps = calls
        average.ema_model.is_ddim_sampling = True
        return in_bfloat16(average.ema_model.sample, CPU)(batch_size=count).float().clamp(0, 1)

    widths = "dim 32 (1, 2, 2, 2), batch 16" if fair else "dim 24 (1, 2, 4), batch 2 x 32"
    settings = f"Unet {widths}, Adam 8e-5, average 0.995, v-prediction; DDIM"
    return Contestant(settings, network, learn(), draw, batch * parts)


def diffusers(images: Tensor, steps: int, _pace: float) -> Contestant:
    """diffusers with UNet2DModel and the loop of its training example, narrower."""
    from diffusers import DDIMScheduler, DDPMScheduler, HeunDiscreteScheduler, UNet2DModel
    from diffusers.optimization import get_cosine_schedule_with_warmup

    network = UNet2DModel(
        sample_size=32,
        layers_per_block=1,
        block_out_channels=(32, 64, 64, 64),
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    )
    noising = DDPMScheduler(num_train_timesteps=1000)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    rate = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=min(500, steps // 10), num_training_steps=steps)
    batches = flipped_batches(images, 16)

    def learn() -> Iterator[None]:
        for _ in range(steps):
            clean = next(batches)
            noise, when = torch.randn_like(clean), torch.randint(1000, (len(clean),))
            guess = in_bfloat16(network, CPU)(noising.add_noise(clean, noise, when), when, return_dict=False)[0]
            loss = F.mse_loss(guess.float(), noise)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            rate.step()
            optimizer.zero_grad()
            yield

    @torch.no_grad()
    def draw(count: int, calls: int, heun: bool = False) -> Tensor:
        kind = HeunDiscreteScheduler if heun else DDIMScheduler
        sampler = kind.from_config(noising.config, timestep_spacing="trailing")
        sampler.set_timesteps((calls + 1) // 2 if heun else calls)  # Heun asks twice at every step but the last
        picture = torch.randn(count, 3, 32, 32) * sampler.init_noise_sigma
        for when in sampler.timesteps:
            guess = in_bfloat16(network, CPU)(sampler.scale_model_input(picture, when), when, return_dict=False)[0]
            picture = sampler.step(guess.float(), when, picture).prev_sample
        return ((picture + 1) / 2).clamp(0, 1)

    settings = "UNet2DModel (32, 64, 64, 64) with one layer each, batch 16, AdamW 1e-4 with cosine decay; DDIM"
    return Contestant(settings, network, learn(), draw, ways={"Heun": functools.partial(draw, heun=True)})


RECIPES = {
    "Dino": Recipe(ours, planned=True),
    "classic settings": Recipe(classic),
    "smalldiffusion": Recipe(smalldiffusion),
    "denoising-diffusion-pytorch": Recipe(denoising_diffusion_pytorch),
    "diffusers": Recipe(diffusers, planned=True),
    "classic settings, our width": Recipe(functools.partial(classic, fair=True)),
    "smalldiffusion, our width": Recipe(functools.partial(smalldiffusion, fair=True)),
    "denoising-diffusion-pytorch, our width": Recipe(functools.partial(denoising_diffusion_pytorch, fair=True)),
}
