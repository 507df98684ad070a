"""Training and drawing for the command line: settings, progress, checkpoints and sheets around `dino.training.train`."""

import io
import json
import signal
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from PIL import Image
from tqdm import tqdm

from dino.course.workspace import write
from dino.data import load, sheet
from dino.denoiser import Denoiser, in_bfloat16
from dino.sampling import Watched, sample
from dino.saving import save_denoiser
from dino.training import Run, train


@dataclass(frozen=True)
class Settings:
    """What makes a run the run that it is: two runs with the same settings give the same weights."""

    data: str
    size: int
    steps: int
    batch: int
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    seed: int


def state_of(run: Run) -> dict[str, torch.Tensor]:
    """All tensors of a run, by name."""
    state = {f"denoiser.{name}": weight for name, weight in run.denoiser.state_dict().items()}
    state |= {f"average.{name}": weight for name, weight in run.average.state_dict().items()}
    for i, moments in run.optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{i}.{name}": moment for name, moment in moments.items()}
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def save_checkpoint(path: Path, run: Run, settings: Settings) -> None:
    """Write all that a run remembers to one safetensors file, which is there whole or not at all."""
    about = {"settings": json.dumps(asdict(settings)), "taken": str(run.taken)}
    write(path, safetensors.torch.save(state_of(run), metadata=about))


def load_checkpoint(path: Path, run: Run, settings: Settings) -> None:
    """Put a run back to where it was when the checkpoint was written.

    Raises ValueError if the file is damaged, or belongs to a run with other settings.
    """
    another = f"Name another folder with --out, or remove {path.parent}."
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            theirs, taken = json.loads(about["settings"]), int(about["taken"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"The checkpoint {path} is damaged, or something else. {another}") from error
    for name, mine in json.loads(json.dumps(asdict(settings))).items():
        if theirs.get(name) != mine:
            raise ValueError(
                f"The checkpoint {path} comes from a run with {name} {theirs.get(name)}, and you ask for {mine}. {another}"
            )
    try:
        for name in ("denoiser", "average"):
            part = {key.partition(".")[2]: tensor for key, tensor in state.items() if key.startswith(f"{name}.")}
            getattr(run, name).load_state_dict(part)
        moments = {}
        for key in (key for key in state if key.startswith("optimizer.")):
            _, i, name = key.split(".")
            moments.setdefault(int(i), {})[name] = state[key]
        run.optimizer.load_state_dict(run.optimizer.state_dict() | {"state": moments})
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"The checkpoint {path} does not fit a network of these widths and depths. {another}"
        ) from error
    # The same order in memory as before, so that the same sums are added up in the same order.
    for weight, moment in run.optimizer.state.items():
        for name, tensor in moment.items():
            if tensor.shape == weight.shape:
                moment[name] = torch.empty_like(weight).copy_(tensor)
    run.taken = taken


@contextmanager
def asked_to_stop():
    """An event that Ctrl-C sets, so that the step under way can finish first. A second Ctrl-C stops at once."""
    event, before = threading.Event(), signal.getsignal(signal.SIGINT)

    def on_interrupt(*_):
        event.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


def draw_sheet(denoiser: Denoiser, path: Path, size: int, device: str, count: int = 64) -> None:
    """Draw pictures with the denoiser, always from the same noise, and write them as one sheet."""
    noise = torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device)
    with torch.no_grad():
        pictures = sample(in_bfloat16(denoiser, noise.device), noise, steps=25)
    write_picture(sheet(pictures.float()), path)


def write_picture(picture: Image.Image, path: Path, **options) -> None:
    """Write a picture, whole or not at all, in the format that its name asks for."""
    buffer = io.BytesIO()
    picture.save(buffer, format=Image.registered_extensions()[path.suffix.lower()], **options)
    write(path, buffer.getvalue())


def run_training(settings: Settings, folder: Path, every: int) -> bool:
    """Train in a folder, going on from its checkpoint if it has one; returns whether the run is complete.

    Raises ValueError or OSError, with a sentence, before anything is written.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(settings.seed)
    denoiser = Denoiser(settings.widths, settings.depths).to(device)
    if settings.size % denoiser.multiple:
        raise ValueError(
            f"Pictures of {settings.size} pixels cannot be halved {len(settings.widths) - 1} times. Choose a --size that is "
            f"a multiple of {denoiser.multiple}, or fewer --widths and --depths."
        )
    run, checkpoint = Run(denoiser), folder / "checkpoint.safetensors"
    if checkpoint.exists():
        load_checkpoint(checkpoint, run, settings)
    images = load(settings.data, settings.size).to(device)
    print(
        f"{len(images)} pictures of {settings.size}x{settings.size}; {settings.steps} steps, {run.taken} of them taken."
    )
    smooth = None
    bar = tqdm(total=settings.steps, initial=run.taken, desc="training", unit="step", smoothing=0.05)
    with asked_to_stop() as stop, bar:
        for loss in train(run, images, settings.steps, settings.batch, seed=settings.seed):
            smooth = loss if smooth is None else 0.98 * smooth + 0.02 * loss
            bar.set_postfix(loss=f"{smooth:.4f}", refresh=False)
            bar.update()
            if run.taken % every == 0 or run.taken == settings.steps or stop.is_set():
                save_checkpoint(checkpoint, run, settings)
                if not stop.is_set():
                    draw_sheet(run.average, folder / f"sheet-{run.taken:06d}.png", settings.size, device)
            if stop.is_set():
                return False
    save_denoiser(run.average, folder / "weights.safetensors", settings.size)
    return True


def draw_run(denoiser: Denoiser, noise: torch.Tensor, steps: int, stretch: float, path: Path) -> list[Path]:
    """Draw pictures, and write a sheet of them and, beside it, the run from noise to pictures as an animation."""
    watched = Watched(in_bfloat16(denoiser, noise.device))
    pictures = sample(watched, noise, steps, stretch).float()
    write_picture(sheet(pictures, scale=3), path)
    frames = [sheet(frame.float()) for frame in [*watched.pictures[:: max(1, steps // 40)], pictures]]
    durations = [80] * (len(frames) - 1) + [3000]
    film = path.with_suffix(".webp")
    options = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0, "quality": 40}
    write_picture(frames[0], film, **options)
    return [path, film]
