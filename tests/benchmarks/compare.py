"""Our recipe against others: the same pictures, the same minutes on one core, the same judge.

    pip install -e ".[bench]"
    npm pack emoji-datasource-twitter@16.0.0
    python tests/benchmarks/emoji.py emoji-datasource-twitter-16.0.0.tgz emoji
    OMP_NUM_THREADS=1 taskset -c 0 python tests/benchmarks/compare.py speeds           # three minutes, with nothing else running
    OMP_NUM_THREADS=1 python tests/benchmarks/compare.py train --emoji emoji           # hours; two at once share the work
    python tests/benchmarks/compare.py publish

`speeds` measures how many steps a minute each contestant takes on one idle core, in turns, the median of many. From then on
a minute is that many steps: so it does not matter what else the machine does while they train, nor which machine it is, nor
whether training is stopped and started again. Each then draws with as many calls of its network as fit into the time that
ours takes for 25, and the judge compares drawings with real pictures: of dinosaurs, the recogniser of chapter 5; of emoji, the
same network, trained to tell them apart. What is found is kept in `tests/benchmarks/compared/`.
"""

import argparse
import fcntl
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import datasets
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from contestants import RECIPES, Contestant, without_torchvision
from machine import machine
from torch import Tensor, nn
from tqdm import tqdm

from dino.course.train.run import keep_memory
from dino.data import dinosaurs, load, sheet
from dino.evaluation import copies, frechet_distance
from dino.recogniser import Recogniser, load_recogniser, spoil

FOUND = Path(__file__).parent / "compared"
DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "comparison.md"
MINUTES = (5, 10, 20)
CALLS = (5, 10, 20, 40)


def made(name: str, images: Tensor, steps: int, pace: float) -> Contestant:
    """A contestant that has not begun, always with the same weights."""
    torch.manual_seed(0)
    return RECIPES[name].make(images, steps, pace)


def speeds(rounds: int = 8, steps: int = 2) -> None:
    """Measure how long a step takes each contestant, and a call to draw one picture, in seconds: in turns, the median."""
    images = load(dinosaurs(512))
    contestants = {name: made(name, images, 100_000, 600) for name in RECIPES}
    learning, drawing = ({name: [] for name in RECIPES} for _ in range(2))
    for turn in tqdm(range(rounds + 1)):
        for name, one in contestants.items():
            for _ in range(steps):
                start = time.perf_counter()
                next(one.steps)
                learning[name] += [time.perf_counter() - start] if turn else []
            start = time.perf_counter()
            one.draw(16, 2)
            drawing[name] += [(time.perf_counter() - start) / 32] if turn else []
    name, precision = machine()
    found = {
        "machine": f"{name}, torch {torch.__version__}",
        "precision": precision,
        "step": {name: statistics.median(some) for name, some in learning.items()},
        "call": {name: statistics.median(some) for name, some in drawing.items()},
    }
    FOUND.mkdir(exist_ok=True)
    (FOUND / "speeds.json").write_text(json.dumps(found, indent=1) + "\n")


class Judge:
    """Says how far drawings are from real pictures."""

    def __init__(self, data: str, emoji: Path | None):
        self.recogniser = load_recogniser()
        if data == "dinosaurs":
            self.known, self.fresh = load(dinosaurs(4096)), load(dinosaurs(2048, seed=1))
            self.features = self.recogniser.features
            self.real = self.features(self.fresh)
        else:
            self.known = load(str(emoji))
            labels = datasets.load_dataset("imagefolder", data_dir=str(emoji), split="train")["label"]
            self.features = features_of(self.known, labels)
            self.real = torch.cat([self.features(side) for side in (self.known, self.known.flip(3))])

    @torch.no_grad()
    def __call__(self, draw: Callable, calls: int, pictures: int) -> tuple[Tensor, dict[str, float]]:
        """The drawings, and what is found about them."""
        torch.manual_seed(1)
        drawn = torch.cat([draw(128, calls) for _ in range(max(1, pictures // 128))])
        found = {"distance": frechet_distance(self.features(drawn), self.real)}
        if self.features == self.recogniser.features:
            sure = self.recogniser(drawn)[0].softmax(dim=1)[:, :4].amax(dim=1) > 0.9
            found |= {"recognised": sure.float().mean().item(), "copies": copies(drawn, self.known, self.fresh)}
        return drawn, found


def features_of(images: Tensor, labels: list[str], steps: int = 1500, batch: int = 64) -> Callable[[Tensor], Tensor]:
    """The features of a network that was trained to tell pictures of many kinds, and spoiled ones, apart."""
    torch.manual_seed(0)
    kinds = sorted(set(labels))
    truth = torch.tensor([kinds.index(label) for label in labels])
    look = Recogniser().look.to(memory_format=torch.channels_last)
    network = nn.Sequential(look, nn.ReLU(), nn.Linear(64, len(kinds) + 1))
    optimizer = torch.optim.AdamW(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for _ in range(steps):
        some = torch.randint(len(images), (batch,))
        pictures = torch.where(torch.rand(batch, 1, 1, 1) < 0.5, images[some].flip(3), images[some])
        both = torch.cat([pictures, spoil(pictures, images[torch.randint(len(images), (batch,))])])
        loss = F.cross_entropy(network(both * 2 - 1), torch.cat([truth[some], torch.full((batch,), len(kinds))]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval().requires_grad_(False)
    return lambda pictures: look(pictures * 2 - 1)


def runs() -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """All runs, as the data, the name of the recipe, and the minutes at which it is judged."""
    for data in ("dinosaurs", "emoji"):
        for name, recipe in RECIPES.items():
            yield from ((data, name, each) for each in ([(end,) for end in MINUTES] if recipe.planned else [MINUTES]))


def place(data: str, name: str, minutes: tuple[int, ...]) -> Path:
    """Where the results of a run are kept, but for the ending."""
    return FOUND / re.sub(r"\W+", "-", f"{data} {name} {minutes[-1]}").lower()


def learn(data: str, name: str, minutes: tuple[int, ...], judge: Judge, pictures: int, known: dict) -> None:
    """Train, judge and keep what was found."""
    pace = 60 / known["step"][name]
    calls = max(1, round(25 * known["call"]["Dino"] / known["call"][name]))
    contestant = made(name, judge.known, round(minutes[-1] * pace), pace)
    found, taken = {}, 0
    for end in minutes:
        for _ in tqdm(range(taken, round(end * pace)), desc=f"{data}, {name}, {end} min", mininterval=10):
            next(contestant.steps)
        taken = round(end * pace)
        drawn, found[end] = judge(contestant.draw, calls, pictures)
    weights = sum(weight.numel() for weight in contestant.network.parameters())
    record = {"data": data, "name": name, "settings": contestant.settings, "weights": weights, "calls": calls}
    record |= {"learns": contestant.batch * pace / 60, "found": found}
    if data == "dinosaurs" and minutes[-1] == MINUTES[-1]:
        ways = {"": contestant.draw, **contestant.ways}
        record["samplers"] = {
            way: [judge(draw, count, pictures // 4)[1]["distance"] for count in CALLS] for way, draw in ways.items()
        }
    if minutes[-1] == MINUTES[-1]:
        (DOCS / "assets" / "comparison").mkdir(exist_ok=True)
        sheet(drawn[:12], columns=12).save(DOCS / "assets" / "comparison" / f"{place(data, name, minutes).name}.png")
    place(data, name, minutes).with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


def train_all(emoji: Path | None, pictures: int) -> None:
    """Take all runs that nobody has taken or is taking."""
    known = json.loads((FOUND / "speeds.json").read_text())
    judges = {}
    for run in runs():
        if run[0] == "emoji" and emoji is None:
            continue
        with place(*run).with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if not place(*run).with_suffix(".json").exists():
                if run[0] not in judges:
                    judges[run[0]] = Judge(run[0], emoji)
                learn(*run, judges[run[0]], pictures, known)
            place(*run).with_suffix(".lock").unlink()


def found_on(data: str) -> list[dict]:
    """What was found so far on one data set: a record for each recipe, that with the least distance at the end first."""
    recipes = {}
    for run in runs():
        path = place(*run).with_suffix(".json")
        if run[0] == data and path.exists():
            one = json.loads(path.read_text())
            recipes[run[1]] = one | {"found": recipes.get(run[1], {"found": {}})["found"] | one["found"]}
    return sorted(recipes.values(), key=lambda one: min(found["distance"] for found in one["found"].values()))


def results(recipes: list[dict]) -> str:
    """The distances as a table in Markdown."""
    lines = [
        f"| recipe | weights | learns from, a second | calls | {' | '.join(f'{end} minutes' for end in MINUTES)} |",
        "|---" * (4 + len(MINUTES)) + "|",
    ]
    for one in recipes:
        cells = []
        for found in map(one["found"].get, map(str, MINUTES)):
            sure = f" ({found['recognised']:.0%})" if found and "recognised" in found else ""
            cells.append(f"**{found['distance']:.1f}**{sure}" if found else "")
        numbers = f"{one['weights'] / 1e6:.1f} million | {one['learns']:.0f} | {one['calls']}"
        lines.append(f"| {one['name']} | {numbers} | {' | '.join(cells)} |")
    return "\n".join(lines)


def drawings(data: str, recipes: list[dict]) -> str:
    """What each draws after the longest time, as a table in Markdown."""
    lines = ["| recipe | its first 12 drawings |", "|---|---|"]
    for one in recipes:
        if str(MINUTES[-1]) in one["found"]:
            picture = f"assets/comparison/{place(data, one['name'], MINUTES).name}.png"
            lines.append(f"| {one['name']} | ![12 {data} by {one['name']}]({picture}){{ loading=lazy }} |")
    return "\n".join(lines)


def samplers(recipes: list[dict]) -> str:
    """Distances at equal numbers of calls of the networks that were trained longest, as a table in Markdown."""
    lines = [f"| network, sampler | {' | '.join(f'{calls} calls' for calls in CALLS)} |", "|---" * 5 + "|"]
    for one in recipes:
        for way, distances in one.get("samplers", {}).items():
            name = f"{one['name']}, {way}" if way else one["name"]
            lines.append(f"| {name} | {' | '.join(f'{distance:.1f}' for distance in distances)} |")
    return "\n".join(lines)


def plot(both: dict[str, list[dict]], path: Path) -> None:
    """Draw distances over minutes."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, (data, recipes) in zip(axes, both.items(), strict=True):
        for name in RECIPES:
            for one in (one for one in recipes if one["name"] == name):
                ends = [end for end in MINUTES if str(end) in one["found"]]
                style = {"color": f"C{list(RECIPES).index(name.partition(',')[0])}", "marker": "o"}
                style |= {"linestyle": "--", "markerfacecolor": "white"} if "our width" in name else {}
                axis.plot(ends, [one["found"][str(end)]["distance"] for end in ends], label=name, **style)
        axis.set(title=data, xlabel="minutes on one core", ylabel="Frechet distance", xscale="log", yscale="log")
        axis.set_xticks(MINUTES, MINUTES, minor=False)
        axis.set_xticks([], minor=True)
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right")
    figure.savefig(path, dpi=120)


def publish(tables: dict[str, str]) -> None:
    """Put the tables between their marks in the page."""
    text = PAGE.read_text(encoding="utf-8")
    for name, words in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        text = text[: text.index(begin) + len(begin)] + f"\n{words}\n" + text[text.index(end) :]
    PAGE.write_text(text, encoding="utf-8")


def publish_all() -> None:
    """Write the page's tables and draw its figures from what was found so far."""
    (DOCS / "assets" / "comparison").mkdir(exist_ok=True)
    known = json.loads((FOUND / "speeds.json").read_text())
    both = {data: found_on(data) for data in ("dinosaurs", "emoji")}
    tables = {data: results(recipes) for data, recipes in both.items()}
    tables |= {f"drawn_{data}": drawings(data, recipes) for data, recipes in both.items()}
    tables["samplers"] = samplers(both["dinosaurs"])
    tables["settings"] = "\n".join(f"- **{one['name']}**: {one['settings']}" for one in both["dinosaurs"])
    tables["machine"] = (
        f"A minute is as many steps as one idle core ({known['machine']}) takes in a minute, in {known['precision']}."
    )
    publish(tables)
    plot(both, DOCS / "assets" / "comparison" / "minutes.png")


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speeds", "train", "publish"])
    parser.add_argument("--emoji", type=Path, help="the folder of emoji; without it, dinosaurs alone")
    parser.add_argument(
        "--pictures", type=int, default=1024, help="to draw for each judgement; a quarter for a sampler"
    )
    given = parser.parse_args()
    without_torchvision()
    keep_memory()
    if given.what == "speeds":
        speeds()
    elif given.what == "train":
        train_all(given.emoji, given.pictures)
    else:
        publish_all()


if __name__ == "__main__":
    main()
