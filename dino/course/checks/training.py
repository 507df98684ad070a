"""Checks for chapter 3."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dino import training as lesson
from dino.course.checks import noise as questions
from dino.course.checks.claims import Bars, Claim, Claims, Curve, Pictures, Shape, check_of, name_of
from dino.course.checks.inputs import any_size, between, pictures, spread_levels
from dino.noise import mix


class Spy(nn.Module):
    """A denoiser of three weights, whose gradients are plain to see, that remembers what it was asked."""

    def __init__(self):
        super().__init__()
        self.shares = nn.Parameter(torch.tensor([1.2, -0.5]) * (0.8 + 0.4 * torch.rand(2)))
        self.shift = nn.Parameter(0.1 + 0.1 * torch.rand(()))
        self.questions = []

    def forward(self, noisy, level):
        level = torch.as_tensor(level)
        self.questions.append((noisy.detach().clone(), level.detach().clone()))
        return self.shares[0] * noisy + self.shares[1] * level + self.shift

    def weights(self) -> Tensor:
        """All weights in a row."""
        return torch.cat([self.shares, self.shift[None]]).detach()


class Descent:
    """Plain gradient descent that writes down what it is asked to do. (Torch's own takes over a second to load.)"""

    def __init__(self, weights: list[nn.Parameter]):
        self.weights, self.events, self.untouched = weights, [], True
        # The rate at which it goes down is not that in the group, so that who does its work by hand is found out.
        self.rate, self.told = torch.empty(2).uniform_(0.05, 0.2).tolist()
        self.param_groups = [{"params": weights, "lr": self.told}]
        weights[0].register_hook(lambda gradient: self.events.append("backward"))

    def look(self) -> bool:
        """Whether the settings are what they were, now and at every step so far."""
        settings = {key: value for key, value in self.param_groups[0].items() if key != "params"}
        self.untouched = self.untouched and str(settings) == str({"lr": self.told})
        return self.untouched

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.events.append("zero_grad")
        for weight in self.weights:
            weight.grad = None

    @torch.no_grad()
    def step(self, closure=None):
        loss = torch.enable_grad()(closure)() if closure else None
        self.events.append("step")
        self.look()
        for weight in self.weights:
            if weight.grad is not None:
                weight -= self.rate * self.param_groups[0]["lr"] / self.told * weight.grad
        return loss


def told(noisy: Tensor, level: Tensor, clean: Tensor) -> str:
    """What level the denoiser was told, in words: one can tell the true one from the pictures."""
    if noisy.min() < -0.01 or noisy.max() > 1.01:
        return "noise that leaves the range from 0 to 1"
    if (noisy - clean).abs().mean() < 0.01:
        return "pictures with no noise in them"
    # On white paper, the darkest pixels are as dark as the noise is strong.
    true, level = 1 - noisy.masked_fill(clean < 1, 1).flatten(1).amin(dim=1), level.flatten()
    if (true - level).abs().max() < 0.08:
        return "the level that was mixed" if level.max() > level.min() else "the same level for all"
    if (true - (1 - level)).abs().max() < 0.08:
        return "1 - level"
    return "always the same level" if level.max() == level.min() else "another level"


def is_uniform(noisy: Tensor, level: Tensor, clean: Tensor) -> bool:
    """Whether what was mixed into pictures can be uniform noise: its range, its mean and its spread fit."""
    rest = noisy - (1 - level) * clean  # noise times level
    inside = bool((rest > -1e-4).all()) and bool((rest < level + 1e-4).all())
    noise = (rest / level)[level.flatten() > 0.01]
    return inside and abs(float(noise.mean()) - 0.5) < 0.03 and abs(float(noise.var()) - 1 / 12) < 0.01


def usual_losses(guess: Tensor, noisy: Tensor, level: Tensor, clean: Tensor) -> dict[str, Tensor]:
    """What people measure; the first is right."""
    error, square = guess - clean, (guess - clean) ** 2
    to = {"noisy pictures": noisy, "noise": (noisy - (1 - level) * clean) / level}
    to |= {"difference of noisy and clean": noisy - clean, "level": level}
    return {
        "the mean squared error to the clean pictures": square.mean(),
        "half of it": square.mean() / 2, "that times the number of pictures": square.mean() * len(clean), "its square root": square.mean().sqrt(), "its negative": -square.mean(),
        "the sum of the squares": square.sum(), "the sum over pixels, averaged over pictures": square.sum() / len(clean),
        "the mean absolute error": error.abs().mean(), "the mean error, without a square": error.mean(),
        "a smooth L1 loss": F.smooth_l1_loss(guess, clean),
        "a cross-entropy": F.binary_cross_entropy_with_logits(guess, clean),
        "the mean squared error of the clamped guess": ((guess.clamp(0, 1) - clean) ** 2).mean(),
        "the mean squared error of the first picture alone": square[0].mean(),
        "the mean squared error times the level": (level * square).mean(),
        "the mean squared error times (1 - level)": ((1 - level) * square).mean(),
        **{f"the mean squared error to the {name}": ((guess - aim) ** 2).mean() for name, aim in to.items()},
        "the mean squared error of the noisy pictures": ((noisy - clean) ** 2).mean(),
    }  # fmt: skip


@check_of(
    lesson.training_step,
    hints=(
        "First comes the question: `make_question(clean)`. Then the guess, and how far it is from the clean pictures: "
        "`F.mse_loss`. Then three calls that every torch training makes. In which order?",
        "`optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()`: forget the old gradients, work out the new ones, "
        "change the weights. At the end, return `loss.item()`.",
    ),
    notice="`loss.item()` is a plain number. Returning the tensor would keep alive what was needed to work it out.",
    mistakes={
        "The guess is compared with the noisy pictures: the aim is the clean ones.": {", clean)": ", noisy)"},
        "The guess is compared with the noise: this denoiser guesses the clean pictures.":
            {", clean)": ", (noisy - (1 - level) * clean) / level)"},
        "The guess is compared with the difference of noisy and clean: this denoiser guesses the clean pictures.":
            {", clean)": ", noisy - clean)"},
        "The guess is compared with the level: this denoiser guesses the clean pictures.":
            {", clean)": ", level.expand_as(clean))"},
        "The noisy pictures are compared with the clean ones, so the guess plays no part: measure the guess.":
            {"denoiser(noisy, level)": "0 * denoiser(noisy, level) + noisy"},
        "The denoiser is shown the clean pictures, so there is nothing to guess.": {"(noisy, level)": "(clean, level)"},
        "The denoiser is shown pictures with Gaussian noise: use `make_question`, which takes uniform noise.":
            {"loss =": "noisy = mix(clean, torch.randn_like(clean), level); loss ="},
        "Noisy pictures and level are unpacked in the wrong order: `make_question` gives the pictures first.":
            {"noisy, level =": "level, noisy ="},
        "The denoiser is told 1 - level: tell it the level itself.": {"(noisy, level)": "(noisy, 1 - level)"},
        "The denoiser is told another level than the one that was mixed.": {"(noisy, level)": "(noisy, torch.rand_like(level))"},
        "The denoiser is always told the same level: tell it the one that was mixed.":
            {"(noisy, level)": "(noisy, torch.full_like(level, 0.5))"},
        "All pictures are mixed at the same level: `make_question` draws one for each.":
            {"loss =": "level = level[:1].expand_as(level); noisy = mix(clean, torch.rand_like(clean), level); loss ="},
        "The levels are squeezed before the denoiser is told: leave them in the shape (batch, 1, 1, 1).":
            {"(noisy, level)": "(noisy, level.flatten())"},
        "The denoiser is told one number for the whole batch: tell it the level of each picture.":
            {"(noisy, level)": "(noisy, level.mean())"},
        "The old gradients are never forgotten, so they pile up: call `optimizer.zero_grad()` before `loss.backward()`.":
            {"optimizer.zero_grad()": ""},
        "The gradients are forgotten before they are used: `zero_grad` comes before `backward`.":
            {"optimizer.zero_grad()\n    loss.backward()": "loss.backward(); optimizer.zero_grad()"},
        "The step comes before `loss.backward()`: it uses the gradients of the step before.":
            {"optimizer.step()": "", "optimizer.zero_grad()": "optimizer.step(); optimizer.zero_grad()"},
        "The step comes between `zero_grad` and `backward`, when there are no gradients.":
            {"loss.backward()\n    optimizer.step()": "optimizer.step(); loss.backward()"},
        "The optimizer never steps: the weights stay what they are.": {"optimizer.step()": ""},
        "Gradients never reach the weights: `loss.backward()` is missing, has lost its brackets, or is called on a loss that was made "
        "anew (`torch.tensor(loss.item())`), which knows nothing of the weights.":
            ({"backward()": "backward"}, {"loss.back": "torch.tensor(loss.item(), requires_grad=True).back"}),
        "The denoiser may be any function, and a function has no `train`, `eval`, `zero_grad` or `parameters`: leave these to whoever "
        "made it, and use the optimizer's `zero_grad`.": (
            {"noisy, level =": "denoiser.train()\n    noisy, level ="},
            {"noisy, level =": "denoiser.eval()\n    noisy, level ="},
            {"optimizer.zero_grad()": "denoiser.zero_grad()"},
            {"optimizer.step()": "nn.utils.clip_grad_norm_(denoiser.parameters(), 1e9); optimizer.step()"},
            {"noisy, level =": "denoiser.requires_grad_()\n    noisy, level ="},
            {"optimizer.step()": "optimizer.step(); denoiser.to('cpu')"},
        ),
        "Nothing is learnt: `zero_grad`, `backward` and `step` are all missing.":
            {"optimizer.zero_grad()": "", "loss.backward()": "", "optimizer.step()": ""},
        "The optimizer steps twice.": {"optimizer.step()": "optimizer.step(); optimizer.step()"},
        "`backward` is called twice, so the gradients count double.":
            {"loss.backward()": "loss.backward(retain_graph=True); loss.backward()"},
        "The weights climb: the loss grows. Take the gradients of the loss, not of its negative.": {"loss.back": "(-loss).back"},
        "The loss is negative: it is a mean of squares, and the optimizer makes it smaller by itself.": {"F.mse": "-F.mse"},
        "The loss is the absolute difference. Its best guess is the median; ours is the mean, from squares.": {"mse": "l1"},
        "The loss is the sum of the squares: take their mean.": {", clean)": ", clean, reduction='sum')"},
        "The loss is summed over pixels and averaged over pictures: take the mean over everything.":
            {", clean)": ", clean, reduction='sum') / len(clean)"},
        "The square root of the loss is taken: the mean of the squares is what you want.": {", clean)": ", clean).sqrt()"},
        "The loss is halved: take the mean of the squares as it is.": {", clean)": ", clean) / 2"},
        "The loss is the mean difference without the square, in which too bright and too dark cancel out.":
            {"F.mse_loss(denoiser(noisy, level), clean)": "(denoiser(noisy, level) - clean).mean()"},
        "The loss is a Huber or smooth L1 loss: take the plain mean of the squares.": {"mse": "smooth_l1"},
        "The loss is a cross-entropy, which is for probabilities: take the mean of the squares.":
            {"mse_loss": "binary_cross_entropy_with_logits"},
        "The guess is clamped before it is measured, which stops the gradients wherever it is out of range.":
            {", clean)": ".clamp(0, 1), clean)"},
        "The loss is left as one number per pixel: `backward` wants one number, their mean.":
            {", clean)": ", clean, reduction='none')"},
        "The guess is cut off from its gradients (`detach`, `no_grad`, `.data`), so nothing can be learnt.":
            {", clean)": ".detach(), clean)"},
        "The loss is made a plain number before `backward`: call `item()` last, for what you return.":
            {"loss.back": "loss.item().back"},
        "The loss is not returned.": {"return ": ""},
        "The guess is returned: return the loss.":
            {"denoiser(noisy, level)": "(guess := denoiser(noisy, level))", "loss.item()": "guess"},
        "The denoiser is asked twice in one step: ask once, and learn from that answer.":
            {"loss.item()": "F.mse_loss(denoiser(noisy, level), clean).item()"},
    },
)  # fmt: skip
def training_step(answer) -> Claims:
    height, width = (between(18, 28) for _ in range(2))
    clean, spy = pictures(between(5, 8), height, width), Spy()
    optimizer = Descent(list(spy.parameters()))
    before = torch.zeros(3)

    def step(time: str, denoiser=spy) -> Claims:
        nonlocal before
        optimizer.events.clear()
        spy.questions.clear()
        old = spy.weights().requires_grad_()
        loss = answer(denoiser, optimizer, clean)
        clue = f"One step asks the denoiser once, and yours asks it {len(spy.questions)} times."
        yield Claim(f"The {time} step asks the denoiser once.", yours=len(spy.questions), expected=1, clue=clue)
        noisy, level = spy.questions[0]
        says = "The denoiser is shown pictures of the shape of the clean ones."
        yield Claim(says, yours=noisy, expected=Shape(tuple(clean.shape)))
        says = "It is told a level for each picture, in the shape (batch, 1, 1, 1)."
        yield Claim(says, yours=level, expected=Shape((len(clean), 1, 1, 1)))
        says = "It is shown noisy pictures, and told the level at which they were mixed."
        word = told(noisy, level, clean)
        see = Pictures(mix(clean, torch.rand_like(clean), level.clamp(0, 1)), noisy)
        clue = f"What the denoiser is shown and told does not fit together: it is {word}."
        yield Claim(says, yours=word, expected="the level that was mixed", figure=see, clue=clue)
        clue = "What is mixed into the pictures is not noise that is drawn evenly from 0 to 1: use `make_question`."
        even = is_uniform(noisy, level, clean)
        yield Claim("What is mixed in is uniform noise.", yours=even, expected=True, clue=clue)
        losses = usual_losses(old[0] * noisy + old[1] * level + old[2], noisy, level, clean)
        (right, true), *_ = losses.items()
        (slope,) = torch.autograd.grad(true, old)
        losses = {name: float(value.detach()) for name, value in losses.items()}
        word = None if loss is None else name_of(loss, losses, tolerance=1e-5)
        said = word if word in losses else "another number"
        says = "The loss that comes back is the mean squared error between guess and clean pictures."
        yield Claim(says, yours=word, expected=right, clue=f"The loss that comes back is not {right}, but {said}.")
        moved, due = spy.weights() - old.detach(), -optimizer.rate * slope
        near = 2e-5 * max(1.0, float(due.abs().max()))
        ways = {"against the gradients of this loss": due, "not at all": 0 * due, "along them": -due}
        ways |= {"twice as far": 2 * due, "against the gradients of the step before": before}
        bars = Bars(due, moved, across="weight", up="how far it moves")
        if not torch.allclose(moved, due, rtol=0, atol=near):
            says = "One call does zero_grad, backward and step, in this order."
            done = ", ".join(optimizer.events) or "none of them"
            clue = f"The weights do not follow the gradients of this step's loss. What happened was: {done}."
            yield Claim(says, yours=done, expected="zero_grad, backward, step", figure=bars, clue=clue)
        says = f"The {time} step moves the weights against the gradients of its own loss."
        yield Claim(says, yours=name_of(moved, ways, near), expected=next(iter(ways)), figure=bars)
        before = due

    yield from step("first")
    # A denoiser that is far off has large gradients, which nobody but the optimizer may cut.
    with torch.no_grad():
        for weight in spy.parameters():
            weight *= 1e4
    yield from step("second")
    # In the chapter, a function around the network takes its place.
    yield from step("third", lambda noisy, level: spy(noisy, level))

    def asked(clean: Tensor) -> tuple[Tensor, Tensor]:
        spy.questions.clear()
        answer(spy, optimizer, clean)
        return spy.questions[0]

    # What it asks should be as good as what `make_question` asks.
    yield from questions.make_question(asked)
    yield from step("last")
    # One picture, the batch of the course, and more; at last pictures that are guessed so well that gradients are tiny.
    many, large = any_size(17, 64), any_size(33, 64)
    for says, sides, size in (
        ("It learns from a single picture, too.", (1, 3, any_size(8, 64), any_size(8, 64)), 1.0),
        ("It learns from a batch of 16 pictures of 32 pixels, too.", (16, 3, 32, 32), 1.0),
        ("It learns from a large batch of large pictures, too.", (many, 3, large, any_size(8, 64)), 1.0),
        ("When it is hardly wrong any more, it still learns.", (4, 3, 16, 16), 1e-6),
    ):
        some = size * torch.rand(sides)
        with torch.no_grad():
            for weight in spy.parameters():
                weight.uniform_(0.5 * size, size)
        spy.questions.clear()
        old = spy.weights().requires_grad_()
        loss = answer(spy, optimizer, some)
        noisy, level = spy.questions[-1]
        right = F.mse_loss(old[0] * noisy + old[1] * level + old[2], some)
        due = -optimizer.rate * torch.autograd.grad(right, old)[0]
        wrong = abs(float(loss) / right.item() - 1) + float((spy.weights() - old - due).norm() / due.norm())
        clue = "Small batches and small pictures came out right, and this does not: is a size or a limit hard-coded?"
        yield Claim(says, yours=wrong < 0.01, expected=True, clue=clue)
    clue = "The settings in `optimizer.param_groups` have changed: leave them to whoever made the optimizer."
    yield Claim("The settings of the optimizer stay as they are.", yours=optimizer.look(), expected=True, clue=clue)


def alike(count: int, least: int = 1) -> list[nn.Module]:
    """Networks of the same parts, whose names, sizes and number, from `least` to twice that, are drawn."""
    inside, outside, parts = (between(1, 2) for _ in range(3))
    parts = least if parts == 1 else 2 * least
    numbers = torch.randperm(100)[: parts + 1].tolist()

    def pair() -> nn.Module:
        return nn.Sequential(nn.Linear(inside, outside), nn.Conv2d(outside, inside, (1, 2)))

    return [nn.ModuleDict({f"part{i}": pair() for i in numbers}) for _ in range(count)]


@check_of(
    lesson.update_average,
    hints=(
        "Go through both networks' `parameters()` side by side, with `zip`. Each weight of the average keeps a share `keep` "
        "of itself and takes the rest from the new weight: that is a mix again.",
        "`keep = min(0.95, n / 10)`; then, for each pair, `old.copy_(keep * old + (1 - keep) * new)`. `copy_` writes into "
        "the weight itself; `old = ...` would only give a name to something new.",
    ),
    notice="At n = 0 nothing is kept, so the first update copies the denoiser, and it does not matter what the average held "
    "before. `copy_` writes into the weight; without `no_grad`, torch would refuse.",
    mistakes={
        "The average does not change: write into its weights, with `old.copy_(...)`; `old = ...` only moves a name.":
            {"old.copy_(": "old = ("},
        "The shares are swapped: `keep` is the share of the average itself.": {"= min": "= 1 - min"},
        "The average is only a copy of the newest weights.": {"min(0.95, n / 10)": "0.0"},
        "There is no warm-up: 0.95 from the start keeps the useless first weights for long.": {"min(0.95, n / 10)": "0.95"},
        "`max` instead of `min`: the share kept is never below 0.95, and later above 1.": {"min": "max"},
        "The share kept grows without end: `min(0.95, ...)` stops it.": {"min(0.95, n / 10)": "n / 10"},
        "The warm-up is ten times too slow: n / 10, not n / 100.": {"/ 10": "/ 100"},
        "The warm-up has no division: n / 10, not n.": {" / 10": ""},
        "The warm-up divides the wrong way round: n / 10, not 10 / n.": {"n / 10": "10 / n"},
        "The warm-up is one update ahead: n / 10, not (n + 1) / 10.": {"n / 10": "(n + 1) / 10"},
        "`//` cuts the fraction off: n / 10 with one stroke.": {"/ 10": "// 10"},
        "The average is that of all weights so far, n / (n + 1): it should forget, with min(0.95, n / 10).":
            {"min(0.95, n / 10)": "n / (n + 1)"},
        "Too much is kept: the share stops at 0.95, not at 0.99 or so.": ({"0.95": "0.99"}, {"0.95": "0.999"}, {"0.95": "0.9999"}),
        "Too little is kept: the share stops at 0.95, not at 0.9.": {"0.95": "0.9"},
        "The warm-up is another one, (1 + n) / (10 + n): ours is n / 10.": {"n / 10": "(1 + n) / (10 + n)"},
        "The share kept is always one half: it should be min(0.95, n / 10).": {"min(0.95, n / 10)": "0.5"},
        "The new weights are added on top: the average should keep only a share of itself.": {"keep * old": "old"},
        "The new weights come in at full strength: their share is 1 - keep.": {"(1 - keep) * ": ""},
        "Both shares are `keep`: the new weights' should be 1 - keep.": {"(1 - keep)": "keep"},
        "The new weights are missing: the average only shrinks.": {" + (1 - keep) * new": ""},
        "The wrong network changes: the denoiser must stay as it is.": {"old, new": "new, old"},
        "The wrong network changes, and with swapped shares: the denoiser must stay as it is.": {"old.copy_": "new.copy_"},
        "Both networks change: the denoiser must stay as it is.": {"new)": "new); new.copy_(old)"},
        "The average shares its memory with the denoiser: copy numbers, not tensors.":
            ({"old.copy_(keep * old + (1 - keep) * new)": "old.data = new.data"},
             {"old.copy_(keep * old + (1 - keep) * new)": "old.data = keep * old + (1 - keep) * new if n else new.data"}),
        "Only the first weights are averaged: is there a `return` inside the loop?": {"new)": "new); return"},
        "Biases are left out, or whatever has one dimension: average all weights.": {"old.copy_(": "old.dim() > 1 and old.copy_("},
        "Only the last weights are averaged: should the line after the loop be inside it?": {"old.copy_": "pass\n    old.copy_"},
        "Weights are written to while torch records gradients: keep `@torch.no_grad()` on top.": {"@torch.no_grad()": ""},
    },
)  # fmt: skip
def update_average(answer) -> Claims:
    def weights(network) -> Tensor:
        return torch.cat([weight.detach().flatten() for weight in network.parameters()])

    # Of the warm-up its beginning, its end, and two updates between; later, one soon and one after long.
    early, soon = torch.randperm(8)[:2].sort().values + 1, between(11, 39)
    updates = [0, *early.tolist(), 9, 10, soon, int(100 * 1000 ** torch.rand(()))]
    kept, mixes = [], []
    for n in updates:
        average, denoiser = alike(2)
        old, new = weights(average), weights(denoiser)
        answer(average, denoiser, n)
        now, after = weights(average), weights(denoiser)
        bars = Bars(new, after, across="weight", up="its value in the denoiser")
        yield Claim("The denoiser is still what it was before.", yours=after, expected=new, figure=bars)
        kept.append(float((now - new) @ (old - new) / ((old - new) @ (old - new))))
        mixes.append((now, old, new))
    right = [min(0.95, n / 10) for n in updates]
    for n, share, keep, (now, old, new) in zip(updates, right, kept, mixes, strict=True):
        says = f"At update {n}, each weight of the average becomes a mix of its old value and the denoiser's. The shares add "
        says += "up to 1, and are the same for all weights."
        names = {"a mix of the two": keep * old + (1 - keep) * new, "the two added up": old + new}
        names |= {"the old one with the new one's share added": old + (1 - share) * new}
        names |= {"the old one's share with the new one added": share * old + new}
        names |= {"both with the same share": share * (old + new), "the old one's share alone": share * old}
        bars = Bars(share * old + (1 - share) * new, now, across="weight", up="its value in the average")
        yield Claim(says, yours=name_of(now, names), expected="a mix of the two", figure=bars)
    row, shares = (", ".join(f"{one:.3g}" if one < 1 else str(one) for one in some) for some in (updates, right))
    says = f"At updates {row}, the average keeps {shares} of itself."
    off = [three for three in zip(updates, right, kept, strict=True) if abs(three[1] - three[2]) > 1e-3]
    clue = " ".join("At update {} the average should keep {:.3g}, and keeps {:.3g}.".format(*three) for three in off)
    right, kept = torch.tensor(right), torch.tensor(kept)
    curve = Curve(right, kept, across="update n", up="the share that the average keeps", ticks=updates)
    yield Claim(says, yours=kept, expected=right, tolerance=1e-3, figure=curve, clue=clue)
    # One pair for long, as in training.
    average, denoiser = alike(2)
    rows, due = [], weights(average)
    for n in range(between(12, 15)):
        due = torch.lerp(weights(denoiser), due, min(0.95, n / 10))
        answer(average, denoiser, n)
        now = weights(average)
        with torch.no_grad():
            for weight in denoiser.parameters():
                weight.add_(torch.randn_like(weight))
        rows.append(torch.stack([due, now, weights(average)]))
    due, now, later = torch.stack(rows, dim=1)
    for says, before, after in (
        ("When the denoiser learns on after an update, the average waits for its next one.", now, later),
        ("After many updates in a row, the average is the mix of all weights that the denoiser has had.", due, now),
    ):
        curve = Curve(before.mean(dim=1), after.mean(dim=1), across="update n", up="mean weight of the average")
        yield Claim(says, yours=after, expected=before, figure=curve)
    # One weight, and many; at updates from the tenth to the millionth, evenly by their logarithm.
    late = (10 * 1e5 ** ((torch.arange(16) + torch.rand(16)) / 16)).int().tolist()
    one, large = (nn.PReLU(), nn.PReLU()), alike(2, 5)
    for kind, (average, denoiser), updates in (("one weight", one, late), ("many weights", large, late[::5])):
        rows = []
        for n in updates:
            for weight in denoiser.parameters():
                weight.data, weight.grad = torch.randn_like(weight), torch.randn_like(weight)
            slopes, due = [weight.grad.clone() for weight in denoiser.parameters()], weights(average)
            due = 0.95 * due + 0.05 * weights(denoiser)
            answer(average, denoiser, n)
            rows.append(torch.stack([due, weights(average)]))
        due, now = torch.stack(rows, dim=1)
        says = f"Of {kind}, the average keeps 0.95 of itself at each update from 10 to a million."
        clue = "Up to here all was right, with other numbers of weights and of updates: is such a number hard-coded?"
        yield Claim(
            says, yours=now, expected=due, clue=clue, figure=Bars(due[-1], now[-1], across="weight", up="average")
        )
        kept = [
            weight.grad is not None and torch.equal(weight.grad, slope)
            for weight, slope in zip(denoiser.parameters(), slopes, strict=True)
        ]
        can = denoiser.training and all(weight.requires_grad for weight in denoiser.parameters())
        clue = "The denoiser still learns: its gradients, its `requires_grad` and its mode should stay as they are."
        says = "The denoiser keeps its gradients and can learn on."
        yield Claim(says, yours=can and all(kept), expected=True, clue=clue)


@check_of(
    lesson.loss_by_level,
    hints=(
        "One level after the other: mix fresh noise into all pictures at this level, let the denoiser guess, measure the "
        "mean squared error. At the end, `torch.stack` makes one tensor of them.",
        "The denoiser wants a level for each picture: `level.expand(len(clean), 1, 1, 1)`. Then "
        "`F.mse_loss(denoiser(noisy, same), clean)`.",
    ),
    notice="Looping over a tensor gives tensors without dimensions, and `expand` turns one number into a whole batch of levels "
    "without copying it.",
    mistakes={
        "The guess is compared with the noisy pictures: compare it with the clean ones.": {", clean)": ", noisy)"},
        "The guess is compared with the difference of noisy and clean pictures: compare it with the clean ones.":
            {", clean)": ", noisy - clean)"},
        "The denoiser is shown nothing but noise: mix it into the pictures, at the level that is asked for.":
            {"mix(clean, torch.rand_like(clean), same)": "torch.rand_like(clean)"},
        "The denoiser is shown the clean pictures: mix noise into them first.": {"(noisy, same)": "(clean, same)"},
        "The noise is added at full picture strength: use `mix`.":
            {"mix(clean, torch.rand_like(clean), same)": "clean + same * torch.rand_like(clean)"},
        "Pictures and noise are swapped when you call `mix`: mix(clean, noise, level).":
            {"clean, torch.rand_like(clean)": "torch.rand_like(clean), clean"},
        "The denoiser is told 1 - level: tell it the level itself.": {"(noisy, same)": "(noisy, 1 - same)"},
        "The pictures are mixed at random levels: mix them at the one that is asked for.":
            {"like(clean), same": "like(clean), torch.rand_like(same)"},
        "Pictures and denoiser get random levels: the question is how large the loss is at the levels given.":
            {"level.expand": "torch.rand"},
        "The denoiser is told other levels than those that are asked for: take them one after the other.":
            ({"(noisy, same)": "(noisy, torch.rand_like(same))"}, {"(noisy, same)": "(noisy, torch.full_like(same, 0.5))"}),
        "The denoiser is told a bare number: it wants a level for each picture, (batch, 1, 1, 1).":
            {"(noisy, same)": "(noisy, level)"},
        "The denoiser is told one level for the batch, (1, 1, 1, 1): it wants one for each picture, (batch, 1, 1, 1).":
            {"(noisy, same)": "(noisy, same[:1])"},
        "The levels that the denoiser is told are flat: it wants the shape (batch, 1, 1, 1).":
            {"(noisy, same)": "(noisy, same.flatten())"},
        "The noise is Gaussian: use `torch.rand_like`.": {"rand_like": "randn_like"},
        "The noise is even grey: use `torch.rand_like`.": {"rand_like(clean)": "full_like(clean, 0.5)"},
        "The noise is black: use `torch.rand_like`.": {"rand_like": "zeros_like"},
        "The losses are sorted by size: keep them in the order of the levels.": {"stack(losses)": "stack(losses).sort().values"},
        "The losses come in the wrong order: one for each level, in the order of the levels.":
            {"stack(losses": "stack(losses[::-1]"},
        "You return one number: there should be one loss for each level.": {"stack(losses)": "stack(losses).mean()"},
        "You return the loss of one level only: is there a `return` inside the loop?":
            ({"losses.append": "return "}, {"return torch": "    return torch"}),
        "The last level is left out.": {"in levels": "in levels[:-1]"},
        "The random generator is seeded inside: every call takes the same noise.": {"losses =": "torch.manual_seed(0)\n    losses ="},
        "You return the loss of the last level only: collect them all.": {"torch.stack(losses)": "losses[-1]"},
        "You return a list: make it one tensor with `torch.stack`.": {"stack(losses)": "stack(losses).tolist()"},
        "Nothing is returned: is the `return` missing?": {"return ": ""},
        "The losses pile up from level to level: begin anew at each.": {"stack(losses)": "stack(losses).cumsum(dim=0)"},
        "The losses are divided by the number of levels: no mean is wanted here.":
            {"stack(losses)": "stack(losses) / len(losses)"},
        "The loss is the absolute difference: square it, `F.mse_loss`.": {"mse": "l1"},
        "The square root of the loss is taken: the mean of the squares is what you want.": {", clean)": ", clean).sqrt()"},
        "The loss is the sum of the squares: take their mean.": {", clean)": ", clean, reduction='sum')"},
        "The squares are summed over pixels: take the mean over everything.":
            {", clean)": ", clean, reduction='sum') / len(clean)"},
        "The mean runs over the batch alone: take it over everything, so that one number is left for each level.":
            {", clean)": ", clean, reduction='none').mean(dim=0)"},
        "There is one loss for each picture: take the mean over the pictures too.":
            {", clean)": ", clean, reduction='none').mean(dim=(1, 2, 3))"},
        "The losses still carry their gradients, which fills the memory: keep `@torch.no_grad()` on top.":
            {"@torch.no_grad()": ""},
    },
)  # fmt: skip
def loss_by_level(answer) -> Claims:
    height, width = (between(13, 16) for _ in range(2))
    clean = pictures(between(32, 40), height, width)
    levels = spread_levels(between(4, 6)).flatten()
    asked = []

    def grey(noisy, level):
        asked.append((noisy.detach().clone(), level))
        return torch.full_like(noisy, 0.5)

    def measured(says: str, yours: Tensor, expected: Tensor, tolerance: float = 1e-4, clue: str = "") -> Claim:
        figure = Curve(expected, yours, across="level", up="loss", x=levels)
        return Claim(says, yours=yours, expected=expected, tolerance=tolerance, figure=figure, clue=clue)

    losses = answer(grey, clean, levels)
    yield Claim("There is one loss for each level.", yours=losses, expected=Shape((len(levels),)))
    shapes = [tuple(level.shape) if torch.is_tensor(level) else type(level).__name__ for _, level in asked]
    wrong = [shape for shape, (noisy, _) in zip(shapes, asked, strict=True) if shape != (len(noisy), 1, 1, 1)]
    right = "(batch, 1, 1, 1)"
    says = "The denoiser is told one level for each picture that it is shown, in the shape (batch, 1, 1, 1)."
    yield Claim(says, yours=str([*wrong, right][0]), expected=right)
    told = torch.cat([level.flatten() for _, level in asked]).float().sort().values
    every = levels.repeat_interleave(len(clean)).sort().values
    right = "each level, for all pictures"
    other = "other levels" if told.shape == every.shape else f"{len(told)} levels in all, where {len(every)} are due"
    words = name_of(told, {right: every, "1 - level": 1 - every.flip(0), other: told})
    curve = Curve(every, told, across="how often asked before", up="level told, in order of size")
    clue = f"The denoiser should be told each level, for all pictures, and is told {words}."
    says = "The denoiser is told each level, for all pictures."
    yield Claim(says, yours=words, expected=right, figure=curve, clue=clue)
    says = "A denoiser that always says grey has the same loss at every level, whatever the noise."
    yield measured(says, losses, ((clean - 0.5) ** 2).mean().expand(len(levels)))

    # What noise must have been mixed in, to give these pictures? (One picture, many times: so it is clear which one it was.)
    def noise_and_levels() -> tuple[Tensor, Tensor]:
        asked.clear()
        answer(grey, clean[:1].repeat(24, 1, 1, 1), levels)
        told = torch.cat([level for _, level in asked])
        return (torch.cat([noisy for noisy, _ in asked]) - (1 - told) * clean[:1]) / told, told.flatten()

    (noise, told), (again, _) = noise_and_levels(), noise_and_levels()
    says = "Nothing but uniform noise is mixed in: from 0 to 1."
    ends, due = torch.stack([noise.min(), noise.max()]), torch.tensor([0.0, 1.0])
    bars = Bars(due, ends, across="smallest, largest", up="number")
    yield Claim(says, yours=ends, expected=due, tolerance=0.01, figure=bars)
    says = "The noise varies by 1/12 from picture to picture, from colour to colour and from pixel to pixel."
    spread, due = torch.stack([noise.var(dim=dim).mean() for dim in (0, 1, (2, 3))]), torch.full((3,), 1 / 12)
    bars = Bars(due, spread, across="over pictures, colours, pixels", up="variance")
    clue = "The noise is not a random number for every pixel and colour of every picture: `torch.rand_like(clean)`."
    yield Claim(says, yours=spread, expected=due, tolerance=0.01, figure=bars, clue=clue)
    same = bool(((noise - again).flatten(1).abs().amax(dim=1) < 1e-4).any())
    yield Claim("Two calls take different noise.", yours=same, expected=False)
    # To draw it once for all levels is as good as for each.
    twins = len(noise) - sum(len(noise[(told - level).abs() < 1e-4][:, 0, 0].unique(dim=0)) for level in levels)
    yield Claim("No two pictures have the same noise.", yours=twins, expected=0, clue=clue)
    # A denoiser that hands back what it was shown is wrong by level * (noise - clean).
    scale = torch.nn.Parameter(torch.ones(()))
    losses = answer(lambda noisy, level: scale * noisy, clean, levels)
    says = "A denoiser that hands back the noisy picture has a loss that grows with the square of the level."
    clue = "The pictures that the denoiser is shown are not the clean ones, mixed with fresh noise at the level asked for."  # fmt: skip
    yield measured(says, losses, levels**2 * ((clean - 0.5) ** 2 + 1 / 12).mean(), tolerance=0.01, clue=clue)
    painted = answer(lambda noisy, level: noisy * 0 + level, clean, levels)
    says = "A denoiser that paints the level itself has the loss of that grey."
    yield measured(says, painted, torch.stack([((clean - level) ** 2).mean() for level in levels]))
    yield Claim("The losses carry no gradients.", yours=losses.requires_grad, expected=False)
    # One picture and one level; then many of both, with both ends, and pictures that grow brighter to the last.
    clue = "With some pictures and levels all was right, and with one or many it is not: is a number or a limit hard-coded?"
    for kind, count, ends in (("One picture has", 1, ()), ("Many pictures have", any_size(65, 200), (1.0, 0.0))):
        some = torch.linspace(0.2, 1, count).view(-1, 1, 1, 1) * torch.rand(count, 3, 8, 8)
        levels = torch.tensor([*ends, *torch.rand(1 + 3 * len(ends)).tolist()])
        losses = answer(lambda noisy, level: noisy * 0 + level, some, levels)
        due = torch.stack([((some - level) ** 2).mean() for level in levels])
        yield measured(f"{kind} the right loss at every level from 0 to 1.", losses, due, clue=clue)
    seen = []
    answer(
        lambda noisy, level: seen.append(noisy.detach().clone()) or noisy, some[:1].repeat(64, 1, 1, 1), torch.ones(1)
    )
    related = torch.corrcoef(torch.cat(seen).flatten(1).T).fill_diagonal_(0).abs().max()
    clue = "The noise is the same, or its opposite, in two places: draw a number for each pixel and colour."
    yield Claim("No two places of a picture have the same noise.", yours=bool(related > 0.9), expected=False, clue=clue)
