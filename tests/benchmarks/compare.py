"""Our recipe against others, on the same dinosaurs, for the same time, on the same machine, in one process.

    pip install -e ".[bench]"
    OMP_NUM_THREADS=1 TQDM_DISABLE=1 taskset -c 0 python tests/benchmarks/compare.py    # two hours on one core of its own

Each contestant is trained in turns of 20 seconds, so that a slow minute of the machine hits all alike; only its own turns
count. Where the learning rate depends on how long training will take, there is a run for each length. Everything is then
judged by the same recogniser, on 1024 drawings against 2048 held-out dinosaurs. The table and the sheet go to `docs/`.
"""

import argparse
import copy
import functools
import importlib.machinery
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import MagicMock

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dino.data import dinosaurs, load, sheet
from dino.denoiser import Denoiser, in_bfloat16
from dino.evaluation import copies, frechet_distance
from dino.noise import mix
from dino.recogniser import load_recogniser
from dino.sampling import sample
from dino.training import Run, train, training_step, update_average

CPU = torch.device("cpu")
DOCS = Path(__file__).parents[2] / "docs"


def without_torchvision() -> None:
    """Let the others be imported where torchvision does not fit this torch: they only use it to load picture files."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("torchvision", "torchvision.transforms", "torchvision.utils"):
            sys.modules[name] = MagicMock(__spec__=importlib.machinery.ModuleSpec(name, None))


@dataclass
class Contestant:
    """One recipe at work.

    steps    a generator that takes one training step each time
    draw     takes how many pictures and how many calls of the network, and returns pictures in [0, 1]
    batch    how many pictures one step learns from
    minutes  after how many minutes of training it is judged
    spent    seconds of training so far
    ways     other ways to draw, by name
    results  what the judge found, by minutes
    """

    name: str
    settings: str
    network: nn.Module
    steps: Iterator
    draw: Callable[[int, int], Tensor]
    batch: int
    minutes: tuple[float, ...]
    ways: dict[str, Callable] = field(default_factory=dict)
    spent: float = 0.0
    taken: int = 0
    results: dict[float, dict[str, float]] = field(default_factory=dict)
    drawn: Tensor | None = None


def flipped_batches(images: Tensor, batch: int) -> Iterator[Tensor]:
    """Batches without end, half of the pictures mirrored, in [-1, 1], as the others want them."""
    while True:
        for some in torch.randperm(len(images)).split(batch):
            clean = torch.where(torch.rand(len(some), 1, 1, 1) < 0.5, images[some].flip(3), images[some])
            yield clean * 2 - 1


def ours(images: Tensor, minutes: float, speed: float) -> Contestant:
    """Ours at its defaults; how many steps fit into the time is measured before."""
    torch.manual_seed(0)
    run = Run(Denoiser())
    steps = int(speed * minutes * 60)

    def draw(count: int, calls: int, stretch: float = 2.0) -> Tensor:
        return sample(in_bfloat16(run.average, CPU), torch.rand(count, 3, 32, 32), calls, stretch).float()

    settings, training = f"the defaults, {steps} steps", train(run, images, steps)
    ways = {f"stretch {stretch}": functools.partial(draw, stretch=stretch) for stretch in (1.0, 1.5)}
    return Contestant("Dino", settings, run.denoiser, training, draw, 16, (minutes,), ways)


def classic(images: Tensor, *minutes: float) -> Contestant:
    """The classic recipe: wide everywhere, float32, AdamW at 3e-4, an average that is updated every two seconds."""
    torch.manual_seed(0)
    network = Denoiser((64,) * 5, (2,) * 5)
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-4, amsgrad=True)
    batches = flipped_batches(images, 16)

    def steps() -> Iterator[None]:
        seconds, updates = 0.0, 0
        while True:
            start = time.perf_counter()
            training_step(network, optimizer, (next(batches) + 1) / 2)
            seconds += time.perf_counter() - start
            if seconds > 2:
                update_average(average, network, updates)
                seconds, updates = 0.0, updates + 1
            yield

    def draw(count: int, calls: int) -> Tensor:
        return sample(average, torch.rand(count, 3, 32, 32), calls)

    settings = "widths 64 five times, depths 2, batch 16, AdamW 3e-4 with amsgrad, float32"
    return Contestant("classic settings", settings, network, steps(), draw, 16, minutes)


def serious(images: Tensor, minutes: float, speed: float) -> Contestant:
    """The variant for serious runs: Gaussian noise, pictures in [-1, 1], image minus noise, stratified log-normal levels."""
    torch.manual_seed(0)
    run = Run(Denoiser())
    nn.init.zeros_(run.denoiser.leave[-1].bias)
    total = int(speed * minutes * 60)
    batches = flipped_batches(images, 16)

    def steps() -> Iterator[None]:
        for n in range(total):
            run.optimizer.param_groups[0]["lr"] = 1.5e-3 * min(1, (n + 1) / 200) * (1 - n / total)
            clean = next(batches)
            even = (torch.randperm(len(clean)) + torch.rand(len(clean))) / len(clean)
            level = torch.sigmoid(torch.erfinv(2 * even.clamp(1e-4, 1 - 1e-4) - 1) * 2**0.5).view(-1, 1, 1, 1)
            noise = torch.randn_like(clean)
            loss = F.mse_loss(
                in_bfloat16(run.denoiser, CPU)(mix(clean, noise, level), level),
                clean - noise,
            )
            run.optimizer.zero_grad()
            loss.backward()
            run.optimizer.step()
            if n % 10 == 0:
                update_average(run.average, run.denoiser, n // 10)
            yield

    def draw(count: int, calls: int) -> Tensor:
        network = in_bfloat16(run.average, CPU)

        def guess(
            noisy: Tensor, level: Tensor
        ) -> Tensor:  # our sampler draws in [0, 1], this network thinks in [-1, 1]
            wide = 2 * noisy - 1
            return (wide + level * network(wide, level).float() + 1) / 2

        return sample(guess, (torch.randn(count, 3, 32, 32) + 1) / 2, calls)

    settings = "Gaussian noise, image minus noise, stratified log-normal levels, pictures not shaken; all else as ours"
    return Contestant(
        "Dino, serious variant",
        settings,
        run.denoiser,
        steps(),
        draw,
        16,
        (minutes,),
    )


def smalldiffusion(images: Tensor, *minutes: float) -> Contestant:
    """smalldiffusion with its Unet, at the settings of its example fashion_mnist_unet.py, narrower."""
    from smalldiffusion import Scaled, ScheduleLogLinear, Unet, samples, training_loop

    torch.manual_seed(0)
    schedule = ScheduleLogLinear(sigma_min=0.01, sigma_max=20, N=800)
    network = Scaled(Unet)(32, 3, 3, ch=32, ch_mult=(1, 1, 2), attn_resolutions=(16,))
    average = copy.deepcopy(network)
    batches = flipped_batches(images, 32)

    def steps() -> Iterator[None]:
        # Its loop goes over a loader again and again; a list of one endless iterator will do.
        for n, _ in enumerate(training_loop(batches, network, schedule, epochs=1, lr=7e-4)):
            keep = min(0.999, (1 + n) / (10 + n))  # as torch_ema, which its example uses
            with torch.no_grad():
                for old, new in zip(average.parameters(), network.parameters(), strict=True):
                    old.lerp_(new, 1 - keep)
            yield

    def draw(count: int, calls: int, gam: float = 1.6) -> Tensor:
        *_, last = samples(average, schedule.sample_sigmas(calls), gam=gam, batchsize=count)
        return ((last + 1) / 2).clamp(0, 1)

    ways = {"DDIM (gam 1)": functools.partial(draw, gam=1.0)}
    settings = "Unet ch 32 (1, 1, 2), attention at 16, batch 32, AdamW 7e-4, average 0.999; gam 1.6"
    return Contestant("smalldiffusion", settings, network, steps(), draw, 32, minutes, ways)


def denoising_diffusion_pytorch(images: Tensor, *minutes: float) -> Contestant:
    """denoising-diffusion-pytorch at the settings of its README, narrower; what its Trainer does, without the files."""
    from denoising_diffusion_pytorch import GaussianDiffusion, Unet
    from ema_pytorch import EMA

    torch.manual_seed(0)
    network = Unet(dim=24, dim_mults=(1, 2, 4), flash_attn=True)
    diffusion = GaussianDiffusion(network, image_size=32, timesteps=1000, sampling_timesteps=250)
    average = EMA(diffusion, beta=0.995, update_every=10)
    optimizer = torch.optim.Adam(diffusion.parameters(), lr=8e-5, betas=(0.9, 0.99))
    batches = flipped_batches(images, 32)

    def steps() -> Iterator[None]:
        while True:
            for _ in range(2):
                loss = in_bfloat16(diffusion, CPU)((next(batches) + 1) / 2) / 2
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

    settings = "Unet dim 24 (1, 2, 4), batch 2 x 32, Adam 8e-5, average 0.995, v-prediction; DDIM"
    return Contestant("denoising-diffusion-pytorch", settings, network, steps(), draw, 64, minutes)


def diffusers(images: Tensor, minutes: float, speed: float) -> Contestant:
    """diffusers with UNet2DModel and the loop of its training example, narrower."""
    from diffusers import DDIMScheduler, DDPMScheduler, HeunDiscreteScheduler, UNet2DModel
    from diffusers.optimization import get_cosine_schedule_with_warmup

    torch.manual_seed(0)
    network = UNet2DModel(
        sample_size=32,
        layers_per_block=1,
        block_out_channels=(32, 64, 64, 64),
        down_block_types=(
            "DownBlock2D",
            "DownBlock2D",
            "AttnDownBlock2D",
            "DownBlock2D",
        ),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    )
    noising = DDPMScheduler(num_train_timesteps=1000)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    total = int(speed * minutes * 60)
    rate = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=min(500, total // 10), num_training_steps=total)
    batches = flipped_batches(images, 16)

    def steps() -> Iterator[None]:
        for _ in range(total):
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

    ways = {"Heun": functools.partial(draw, heun=True)}
    settings = f"UNet2DModel (32, 64, 64, 64) with one layer each, batch 16, AdamW 1e-4 cosine over {total} steps; DDIM"
    return Contestant("diffusers", settings, network, steps(), draw, 16, (minutes,), ways)


def speed_of(make: Callable[[float], Contestant], steps: int = 40) -> float:
    """How many training steps a second a contestant takes, alone: the median of some, after ten to warm up."""
    contestant = make(1e9)
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        next(contestant.steps)
        seconds.append(time.perf_counter() - start)
    return 1 / statistics.median(seconds[10:])


def take_turns(contestants: list[Contestant], judge: "Judge", turn: float) -> None:
    """Train all to the last of their minutes, in turns of so many seconds, and judge each at every one of its minutes."""
    while waiting := [contestant for contestant in contestants if len(contestant.results) < len(contestant.minutes)]:
        for contestant in waiting:
            goal = 60 * contestant.minutes[len(contestant.results)]
            over, start = False, time.perf_counter()
            before = contestant.spent
            while not over and contestant.spent < min(goal, before + turn):
                over = next(contestant.steps, "over") == "over"
                contestant.taken += not over
                contestant.spent = before + time.perf_counter() - start
            if over or contestant.spent >= goal:
                judge(contestant, contestant.minutes[len(contestant.results)])


class Judge:
    """Draws with a contestant and measures what it draws, with as many calls of its network as fit into our time.

    pictures  how many to draw
    allowed   seconds that one drawing may take: ours, at its 25 calls, on this machine
    """

    def __init__(self, pictures: int):
        self.pictures, self.recogniser = pictures, load_recogniser()
        self.known, self.fresh = load(dinosaurs(4096)), load(dinosaurs(2048, seed=1))
        self.real = self.recogniser.features(self.fresh)
        self.allowed = self.seconds(ours(self.known[:64], 1, 1), 25)

    def seconds(self, contestant: Contestant, calls: int) -> float:
        """How long one drawing takes."""
        batch = min(128, self.pictures)
        contestant.draw(batch, 1)
        start = time.perf_counter()
        contestant.draw(batch, calls)
        return (time.perf_counter() - start) / batch

    def distance(self, draw: Callable, calls: int, pictures: int) -> tuple[float, Tensor]:
        """How far what is drawn is from held-out dinosaurs, and what was drawn."""
        torch.manual_seed(1)
        batch = min(128, pictures)
        drawn = torch.cat([draw(batch, calls) for _ in range(pictures // batch)])
        return frechet_distance(self.recogniser.features(drawn), self.real), drawn

    def best(self) -> float:
        """How far as many real dinosaurs are, which nobody can beat but by chance."""
        return frechet_distance(self.recogniser.features(load(dinosaurs(self.pictures, seed=2))), self.real)

    def __call__(self, contestant: Contestant, minutes: float) -> None:
        per_call = self.seconds(contestant, 4) / 4
        calls = max(2, round(self.allowed / per_call))
        distance, drawn = self.distance(contestant.draw, calls, self.pictures)
        sure = self.recogniser(drawn)[0].softmax(dim=1)[:, :4].amax(dim=1) > 0.9
        contestant.results[minutes] = found = {
            "distance": distance,
            "recognised": sure.float().mean().item(),
            "copies": copies(drawn, self.known, self.fresh),
            "calls": calls,
            "draws a second": 1 / (per_call * calls),
            "learns from, a second": contestant.taken * contestant.batch / contestant.spent,
        }
        contestant.drawn = drawn[:24]
        words = ", ".join(f"{name} {value:.3g}" for name, value in found.items())
        print(f"{contestant.name}, {minutes:g} min, {contestant.taken} steps: {words}", flush=True)


def table(contestants: list[Contestant], minutes: list[float]) -> str:
    """The results as a table in Markdown."""
    lines = [
        "| minutes | recipe | weights | learns from, a second | distance | recognised | near copies | calls | draws, a second |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for end in minutes:
        judged = [one for one in contestants if end in one.results]
        for one in sorted(judged, key=lambda one: one.results[end]["distance"]):
            found = one.results[end]
            weights = sum(weight.numel() for weight in one.network.parameters())
            lines.append(
                f"| {end:g} | {one.name} | {weights / 1e6:.1f} million | {found['learns from, a second']:.0f} "
                f"| **{found['distance']:.1f}** | {found['recognised']:.0%} | {found['copies']:.1%} "
                f"| {found['calls']} | {found['draws a second']:.1f} |"
            )
    return "\n".join(lines)


def samplers(contestants: list[Contestant], judge: Judge) -> str:
    """Distances at equal numbers of calls of the networks that were trained longest, as a table in Markdown."""
    counts = (5, 10, 20, 40)
    lines = [
        "| network, sampler | " + " | ".join(f"{calls} calls" for calls in counts) + " |",
        "|---" * 5 + "|",
    ]
    for contestant in contestants:
        for name, draw in {"": contestant.draw, **contestant.ways}.items():
            row = " | ".join(f"{judge.distance(draw, calls, judge.pictures // 4)[0]:.1f}" for calls in counts)
            lines.append(f"| {contestant.name}{', ' + name if name else ''} | {row} |")
    return "\n".join(lines)


def publish(tables: dict[str, str], rows: dict[str, Tensor]) -> None:
    """Put the tables between their marks in `docs/comparison.md`, and the drawings beside it."""
    page = DOCS / "comparison.md"
    text = page.read_text(encoding="utf-8")
    for name, words in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        text = text[: text.index(begin) + len(begin)] + f"\n{words}\n" + text[text.index(end) :]
    page.write_text(text, encoding="utf-8")
    sheet(torch.cat(list(rows.values())), columns=24).save(DOCS / "assets" / "comparison.png")
    print("rows of the sheet:", ", ".join(rows))


def main() -> None:
    """Train and judge all, and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[5, 10])
    parser.add_argument(
        "--pictures", type=int, default=1024, help="to draw for each judgement; a quarter for a sampler"
    )
    given = parser.parse_args()
    without_torchvision()
    images, judge = load(dinosaurs(4096)), Judge(given.pictures)
    contestants = []
    for make in (ours, serious, diffusers):  # their learning rate depends on how long they have
        speed = speed_of(lambda minutes: make(images, minutes, 1))  # noqa: B023 - called at once
        contestants += [make(images, minutes, speed) for minutes in given.minutes]
    contestants += [make(images, *given.minutes) for make in (classic, smalldiffusion, denoising_diffusion_pytorch)]
    take_turns(contestants, judge, turn=20)
    last = [one for one in contestants if one.minutes[-1] == given.minutes[-1]]
    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    threads, name = torch.get_num_threads(), processor[1] if processor else platform.processor()
    machine = f"{threads} core{'s' * (threads > 1)} of {name}"
    settings = "\n".join(f"- **{one.name}**: {one.settings}" for one in last)
    tables = {
        "results": table(contestants, given.minutes),
        "samplers": samplers(last, judge),
        "settings": settings,
    }
    rows = {one.name: one.drawn for one in last}
    able = torch.cpu.get_capabilities().get("avx512_bf16", False)
    tables["machine"] = (
        f"Measured on {machine}, in {'bfloat16' if able else 'float32'}, with torch {torch.__version__}. "
        f"Each distance is of {given.pictures} drawings (a quarter of that for each sampler) to 2048 held-out dinosaurs; "
        f"as many real ones are {judge.best():.1f} from these."
    )
    publish(tables, rows)


if __name__ == "__main__":
    main()
