"""Checks for chapter 3."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dino import training as lesson
from dino.course.checks import noise as questions
from dino.course.checks.claims import Claim, Claims, Shape, check_of, name_of
from dino.course.checks.inputs import pictures
from dino.noise import make_question, mix


class Spy(nn.Module):
    """A denoiser of three weights, whose gradients are plain to see, that remembers what it was asked."""

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([1.2, -0.5, 0.1]))
        self.questions = []

    def forward(self, noisy, level):
        level = torch.as_tensor(level)
        self.questions.append((noisy.detach().clone(), level.detach().clone()))
        return self.weights[0] * noisy + self.weights[1] * level + self.weights[2]


class Descent:
    """Plain gradient descent that writes down what it is asked to do. (Torch's own takes over a second to load.)"""

    def __init__(self, weights: nn.Parameter, rate: float):
        self.weights, self.rate, self.events = weights, rate, []
        # Not the rate at which it goes down, so that who does its work by hand is found out.
        self.param_groups = [{"params": [weights], "lr": 3 * rate}]
        weights.register_hook(lambda gradient: self.events.append("backward"))

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.events.append("zero_grad")
        self.weights.grad = None

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.events.append("step")
        if self.weights.grad is not None:
            self.weights -= self.rate * self.weights.grad
        return loss


def step_with(
    ask=make_question,
    show=lambda noisy, clean: noisy,
    tell=lambda level: level,
    after=lambda guess: guess,
    aim=lambda clean, noisy, level: clean,
    measure=F.mse_loss,
    follow=lambda loss: loss,
    order=("zero", "backward", "step"),
    give=lambda loss: loss.item(),
):
    """The lesson's training step, with one part replaced."""

    def training_step(denoiser, optimizer, clean):
        noisy, level = ask(clean)
        loss = measure(after(denoiser(show(noisy, clean), tell(level))), aim(clean, noisy, level))
        moves = {"zero": optimizer.zero_grad, "backward": lambda: follow(loss).backward(), "step": optimizer.step}
        moves["again"] = lambda: loss.backward(retain_graph=True)
        for move in order:
            moves[move]()
        return give(loss)

    return training_step


def ask_with(noise=torch.rand_like, level=lambda clean: torch.rand(len(clean), 1, 1, 1)):
    """The lesson's question, with other noise or other levels."""

    def ask(clean):
        levels = level(clean)
        return mix(clean, noise(clean), levels), levels

    return ask


def asks_again(denoiser, optimizer, clean):
    noisy, level = make_question(clean)
    lesson.training_step(denoiser, optimizer, clean)
    return F.mse_loss(denoiser(noisy, level), clean).item()


def told(noisy: Tensor, level: Tensor, clean: Tensor) -> str:
    """What level the denoiser was told, in words: one can tell the true one from the pictures."""
    if noisy.min() < -0.01 or noisy.max() > 1.01:
        return "noise that leaves the range from 0 to 1"
    if (noisy - clean).abs().mean() < 0.01:
        return "pictures with no noise in them"
    # On white paper, the darkest pixels are as dark as the noise is strong.
    darkest = noisy.masked_fill(clean < 1, 1).flatten(1).amin(dim=1)
    true, level = 1 - darkest, level.flatten()
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


@check_of(
    lesson.training_step,
    hints=(
        "First comes the question: `make_question(clean)`. Then the guess, and how far it is from the clean pictures: "
        "`F.mse_loss`. Then three calls that every torch training makes. In which order?",
        "`optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()`: forget the old gradients, work out the new ones, "
        "change the weights. At the end, return `loss.item()`.",
    ),
    notice="`loss.item()` is a plain number. Returning the tensor would keep everything alive that was needed to work it out.",
    mistakes={
        "The guess is compared with the noisy pictures: the aim is the clean ones.": step_with(
            aim=lambda clean, noisy, level: noisy
        ),
        "The guess is compared with the noise: this denoiser guesses the clean pictures.": step_with(
            aim=lambda clean, noisy, level: (noisy - (1 - level) * clean) / level
        ),
        "The guess is compared with the difference of noisy and clean: this denoiser guesses the clean pictures.": (
            step_with(aim=lambda clean, noisy, level: noisy - clean)
        ),
        "The guess is compared with the level: this denoiser guesses the clean pictures.": step_with(
            aim=lambda clean, noisy, level: level.expand_as(clean)
        ),
        "The noisy pictures are compared with the clean ones, so the guess plays no part: measure the guess.": (
            lambda denoiser, optimizer, clean: (
                lambda noisy, level: step_with(ask=lambda clean: (noisy, level), after=lambda guess: 0 * guess + noisy)(
                    denoiser, optimizer, clean
                )
            )(*make_question(clean))
        ),
        "The denoiser is shown the clean pictures, so there is nothing to guess.": step_with(
            show=lambda noisy, clean: clean
        ),
        "The denoiser is shown pictures with Gaussian noise: use `make_question`, which takes uniform noise.": step_with(
            ask=ask_with(noise=torch.randn_like)
        ),
        "The denoiser is told 1 - level: tell it the level itself.": step_with(tell=lambda level: 1 - level),
        "The denoiser is told another level than the one that was mixed.": step_with(tell=torch.rand_like),
        "The denoiser is always told the same level: tell it the one that was mixed.": step_with(
            tell=lambda level: torch.full_like(level, 0.5)
        ),
        "All pictures are mixed at the same level: `make_question` draws one for each.": step_with(
            ask=ask_with(level=lambda clean: torch.rand(1, 1, 1, 1).expand(len(clean), 1, 1, 1))
        ),
        "The levels are squeezed before the denoiser is told: leave them in the shape (batch, 1, 1, 1).": step_with(
            tell=lambda level: level.flatten()
        ),
        "The denoiser is told one number for the whole batch: tell it the level of each picture.": step_with(
            tell=lambda level: level.mean()
        ),
        "The old gradients are never forgotten, so they pile up: call `optimizer.zero_grad()` before `loss.backward()`.": (
            step_with(order=("backward", "step"))
        ),
        "The gradients are forgotten before they are used: `zero_grad` comes before `backward`.": step_with(
            order=("backward", "zero", "step")
        ),
        "The step comes before `loss.backward()`: it uses the gradients of the time before.": step_with(
            order=("step", "zero", "backward")
        ),
        "The step comes between `zero_grad` and `backward`, when there are no gradients.": step_with(
            order=("zero", "step", "backward")
        ),
        "The optimizer never steps: the weights stay what they are.": step_with(order=("zero", "backward")),
        "Gradients are never worked out: `loss.backward()` is missing, or has lost its brackets.": step_with(
            order=("zero", "step")
        ),
        "Nothing is learnt: `zero_grad`, `backward` and `step` are all missing.": step_with(order=()),
        "The optimizer steps twice.": step_with(order=("zero", "backward", "step", "step")),
        "`backward` is called twice, so the gradients count double.": step_with(
            order=("zero", "again", "again", "step")
        ),
        "The weights climb: the loss grows. Take the gradients of the loss, not of its negative.": step_with(
            follow=lambda loss: -loss
        ),
        "The loss is negative: it is a mean of squares, and the optimizer makes it smaller by itself.": step_with(
            measure=lambda guess, clean: -F.mse_loss(guess, clean)
        ),
        "The loss is the absolute difference. Its best guess is the median; ours is the mean, from squares.": step_with(
            measure=F.l1_loss
        ),
        "The loss is the sum of the squares: take their mean.": step_with(
            measure=lambda guess, clean: ((guess - clean) ** 2).sum()
        ),
        "The loss is summed over pixels and averaged over pictures: take the mean over everything.": step_with(
            measure=lambda guess, clean: ((guess - clean) ** 2).sum(dim=(1, 2, 3)).mean()
        ),
        "The square root of the loss is taken: the mean of the squares is what you want.": step_with(
            measure=lambda guess, clean: F.mse_loss(guess, clean).sqrt()
        ),
        "The loss is halved: take the mean of the squares as it is.": step_with(
            measure=lambda guess, clean: F.mse_loss(guess, clean) / 2
        ),
        "The loss is the mean difference without the square, in which too bright and too dark cancel out.": step_with(
            measure=lambda guess, clean: (guess - clean).mean()
        ),
        "The loss is a Huber or smooth L1 loss: take the plain mean of the squares.": step_with(
            measure=F.smooth_l1_loss
        ),
        "The loss is a cross-entropy, which is for probabilities: take the mean of the squares.": step_with(
            measure=lambda guess, clean: F.binary_cross_entropy_with_logits(guess, clean)
        ),
        "The guess is clamped before it is measured, which stops the gradients wherever it is out of range.": step_with(
            after=lambda guess: guess.clamp(0, 1)
        ),
        "The loss is left as one number per pixel: `backward` wants one number, their mean.": step_with(
            measure=lambda guess, clean: F.mse_loss(guess, clean, reduction="none")
        ),
        "The guess is cut off from its gradients (`detach`, `no_grad`, `.data`), so nothing can be learnt.": step_with(
            after=lambda guess: guess.detach()
        ),
        "The loss is made a plain number before `backward`: call `item()` last, for what you return.": step_with(
            follow=lambda loss: loss.item()
        ),
        "The loss is not returned.": step_with(give=lambda loss: None),
        "The guess is returned: return the loss.": lambda denoiser, optimizer, clean: (
            lambda noisy, level: (lesson.training_step(denoiser, optimizer, clean), denoiser.questions[-1][0])[1]
        )(None, None),
        "The denoiser is asked twice in one step: ask once, and learn from that answer.": asks_again,
    },
)
def training_step(answer) -> Claims:
    clean, spy = pictures(6, 24, 20), Spy()
    optimizer = Descent(spy.weights, rate=0.07)
    before = torch.zeros(3)
    for time in ("first", "second"):
        optimizer.events.clear()
        spy.questions.clear()
        old = spy.weights.detach().clone()
        loss = answer(spy, optimizer, clean)
        yield Claim(f"The {time} step asks the denoiser once.", len(spy.questions), 1)
        noisy, level = spy.questions[0]
        yield Claim("The denoiser is shown pictures of the shape of the clean ones.", noisy, Shape(tuple(clean.shape)))
        yield Claim("It is told a level for each picture, in the shape (batch, 1, 1, 1).", level, Shape((6, 1, 1, 1)))
        says = "It is shown noisy pictures, and told the level at which they were mixed."
        see = {"expected": mix(clean, torch.rand_like(clean), level.clamp(0, 1)), "yours": noisy}
        word = told(noisy, level, clean)
        clue = f"What the denoiser is shown and told does not fit together: it is {word}."
        yield Claim(says, word, "the level that was mixed", picture="compare", of=see, clue=clue)
        clue = "What is mixed into the pictures is no noise that is drawn evenly from 0 to 1: ask with `make_question`."
        yield Claim("What is mixed in is uniform noise.", is_uniform(noisy, level, clean), True, clue=clue)
        weights = old.requires_grad_()
        guess = weights[0] * noisy + weights[1] * level + weights[2]
        error, true = guess - clean, ((guess - clean) ** 2).mean()
        (slope,) = torch.autograd.grad(true, weights, retain_graph=True)
        noise = (noisy - (1 - level) * clean) / level
        names = {
            "the mean squared error to the clean pictures": true,
            "half of it": true / 2,
            "its square root": true.sqrt(),
            "its negative": -true,
            "the sum of the squares": (error**2).sum(),
            "the sum over pixels, averaged over pictures": (error**2).sum() / len(clean),
            "the mean absolute error": error.abs().mean(),
            "the mean error, without a square": error.mean(),
            "a smooth L1 loss": F.smooth_l1_loss(guess, clean),
            "a cross-entropy": F.binary_cross_entropy_with_logits(guess, clean),
            "the mean squared error of the clamped guess": ((guess.clamp(0, 1) - clean) ** 2).mean(),
            "the mean squared error of the first picture alone": (error[0] ** 2).mean(),
            "the mean squared error times the level": (level * error**2).mean(),
            "the mean squared error times (1 - level)": ((1 - level) * error**2).mean(),
            "the mean squared error to the noisy pictures": ((guess - noisy) ** 2).mean(),
            "the mean squared error to the noise": ((guess - noise) ** 2).mean(),
            "the mean squared error to the difference of noisy and clean": ((guess - noisy + clean) ** 2).mean(),
            "the mean squared error to the level": ((guess - level) ** 2).mean(),
            "the mean squared error of the noisy pictures": ((noisy - clean) ** 2).mean(),
        }
        names = {name: float(value.detach()) for name, value in names.items()}
        says = "The loss that comes back is the mean squared error between guess and clean pictures."
        word = None if loss is None else name_of(loss, names, tolerance=1e-5)
        yield Claim(
            says, word, next(iter(names)), clue=f"The loss that comes back is not {next(iter(names))}, but {word}."
        )
        moved, slope = spy.weights.detach() - weights.detach(), slope.detach()
        expected = -0.07 * slope
        names = {"against the gradients of this loss": expected, "not at all": 0 * slope, "along them": -expected}
        names |= {"twice as far": 2 * expected, "against the gradients of the time before": before}
        bars = {"expected": expected, "yours": moved, "across": "weight", "up": "how far it moves"}
        if not torch.allclose(moved, expected, atol=1e-5):
            says = "One call does zero_grad, backward and step, in this order."
            done = ", ".join(optimizer.events) or "none of them"
            clue = f"The weights do not follow the gradients of this step's loss. What happened was: {done}."
            yield Claim(says, done, "zero_grad, backward, step", picture="bars", of=bars, clue=clue)
        says = f"The {time} step moves the weights against the gradients of its own loss."
        yield Claim(says, name_of(moved, names, 1e-5), next(iter(names)), picture="bars", of=bars)
        before = expected

    def asked(clean: Tensor) -> tuple[Tensor, Tensor]:
        spy.questions.clear()
        answer(spy, optimizer, clean)
        return spy.questions[0]

    # What it asks should be as good as what `make_question` asks.
    yield from questions.make_question(asked)


UPDATES = (0, 3, 9, 10, 200)


def average_with(share, mixed=lambda keep, old, new: keep * old + (1 - keep) * new):
    """The lesson's average, with another share of the old weights to keep, or another way to mix."""

    def update_average(average, denoiser, n):
        with torch.no_grad():
            for old, new in zip(average.parameters(), denoiser.parameters(), strict=True):
                old.copy_(mixed(share(n), old, new))

    return update_average


def right_share(n):
    return min(0.95, n / 10)


def shares_the_weights(average, denoiser, n):
    for old, new in zip(average.parameters(), denoiser.parameters(), strict=True):
        old.data = new.data


def changes_both(average, denoiser, n):
    lesson.update_average(average, denoiser, n)
    for old, new in zip(average.parameters(), denoiser.parameters(), strict=True):
        new.data.copy_(old.data)


def only_the_first(average, denoiser, n):
    old, new = next(average.parameters()), next(denoiser.parameters())
    old.data.mul_(right_share(n)).add_(new.data, alpha=1 - right_share(n))


def only_the_last(average, denoiser, n):
    *_, (old, new) = zip(average.parameters(), denoiser.parameters(), strict=True)
    old.data.mul_(right_share(n)).add_(new.data, alpha=1 - right_share(n))


def without_no_grad(average, denoiser, n):
    for old, new in zip(average.parameters(), denoiser.parameters(), strict=True):
        with torch.enable_grad():
            old.copy_(right_share(n) * old + (1 - right_share(n)) * new)


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
        "The average does not change: write into its weights, with `old.copy_(...)`; `old = ...` only moves a name.": (
            lambda average, denoiser, n: None
        ),
        "The shares are swapped: `keep` is the share of the average itself.": average_with(
            lambda n: 1 - right_share(n)
        ),
        "The average is only a copy of the newest weights.": average_with(lambda n: 0.0),
        "There is no warm-up: 0.95 from the start keeps the useless first weights for long.": average_with(
            lambda n: 0.95
        ),
        "`max` instead of `min`: the share kept is never below 0.95, and later above 1.": average_with(
            lambda n: max(0.95, n / 10)
        ),
        "The share kept grows without end: `min(0.95, ...)` stops it.": average_with(lambda n: n / 10),
        "The warm-up is ten times too slow: n / 10, not n / 100.": average_with(lambda n: min(0.95, n / 100)),
        "The warm-up has no division: n / 10, not n.": average_with(lambda n: min(0.95, n)),
        "The warm-up divides the wrong way round: n / 10, not 10 / n.": average_with(lambda n: min(0.95, 10 / n)),
        "The warm-up is one update ahead: n / 10, not (n + 1) / 10.": average_with(lambda n: min(0.95, (n + 1) / 10)),
        "`//` cuts the fraction off: n / 10 with one stroke.": average_with(lambda n: min(0.95, n // 10)),
        "The average is that of all weights so far, n / (n + 1): it should forget, with min(0.95, n / 10).": average_with(
            lambda n: n / (n + 1)
        ),
        "Too much is kept: the share stops at 0.95, not at 0.99 or so.": average_with(lambda n: min(0.99, n / 10)),
        "Too little is kept: the share stops at 0.95, not at 0.9.": average_with(lambda n: min(0.9, n / 10)),
        "The warm-up is another one, (1 + n) / (10 + n): ours is n / 10.": average_with(
            lambda n: min(0.95, (1 + n) / (10 + n))
        ),
        "The share kept is always one half: it is min(0.95, n / 10).": average_with(lambda n: 0.5),
        "The new weights are added on top: the average should keep only a share of itself.": average_with(
            right_share, lambda keep, old, new: old + (1 - keep) * new
        ),
        "The new weights come in at full strength: their share is 1 - keep.": average_with(
            right_share, lambda keep, old, new: keep * old + new
        ),
        "Both shares are `keep`: the new weights' is 1 - keep.": average_with(
            right_share, lambda keep, old, new: keep * old + keep * new
        ),
        "The new weights are missing: the average only shrinks.": average_with(
            right_share, lambda keep, old, new: keep * old
        ),
        "The wrong network changes: the denoiser must stay as it is.": (
            lambda average, denoiser, n: lesson.update_average(denoiser, average, n)
        ),
        "The wrong network changes, and with swapped shares: the denoiser must stay as it is.": (
            lambda average, denoiser, n: average_with(lambda n: 1 - right_share(n))(denoiser, average, n)
        ),
        "Both networks change: the denoiser must stay as it is.": changes_both,
        "The average shares its memory with the denoiser: copy numbers, not tensors.": shares_the_weights,
        "Only the first weights are averaged: is there a `return` inside the loop?": only_the_first,
        "Only the last weights are averaged: should the line after the loop be inside it?": only_the_last,
        "Weights are written to while torch records gradients: keep `@torch.no_grad()` on top.": without_no_grad,
    },
)
def update_average(answer) -> Claims:
    def weights(network):
        return torch.cat([weight.detach().flatten() for weight in network.parameters()]).clone()

    kept, mixes = [], []
    for n in UPDATES:
        average, denoiser = nn.Linear(3, 2), nn.Linear(3, 2)
        old, new = weights(average), weights(denoiser)
        answer(average, denoiser, n)
        now = weights(average)
        bars = {"expected": new, "yours": weights(denoiser), "across": "weight", "up": "its value in the denoiser"}
        says = "The denoiser is still what it was before."
        yield Claim(says, weights(denoiser), new, picture="bars", of=bars)
        keep = float((now - new) @ (old - new) / ((old - new) @ (old - new)))
        kept.append(keep)
        mixes.append((now, keep * old + (1 - keep) * new, old, new))
    for n, (now, mixed, old, new) in zip(UPDATES, mixes, strict=True):
        right = right_share(n) * old + (1 - right_share(n)) * new
        bars = {"expected": right, "yours": now, "across": "weight", "up": "its value in the average"}
        says = f"At update {n}, each weight of the average becomes a mix of its old value and the denoiser's."
        says += " The shares add up to 1, and are the same for all weights."
        names = {"a mix of the two": mixed, "the two added up": old + new}
        names |= {"the old one with the new one's share added": old + (1 - right_share(n)) * new}
        names |= {"the old one's share with the new one added": right_share(n) * old + new}
        names |= {
            "both with the same share": right_share(n) * (old + new),
            "the old one's share alone": right_share(n) * old,
        }
        yield Claim(says, name_of(now, names), "a mix of the two", picture="bars", of=bars)
    right = torch.tensor([right_share(n) for n in UPDATES])
    kept = torch.tensor(kept)
    says = "At updates 0, 3, 9, 10 and 200, the average keeps 0, 0.3, 0.9, 0.95 and 0.95 of itself."
    curve = {"expected": right, "yours": kept, "x": torch.arange(len(UPDATES)), "ticks": UPDATES}
    curve |= {"across": "update n", "up": "the share that the average keeps"}
    off = [i for i in range(len(UPDATES)) if abs(kept[i] - right[i]) > 1e-3]
    clue = "".join(
        f"At update {UPDATES[i]} the average should keep {right[i]:.3g}, and keeps {kept[i]:.3g}. " for i in off
    )
    yield Claim(says, kept, right, 1e-3, "curve", curve, clue.strip())
    before = weights(average)
    with torch.no_grad():
        for weight in denoiser.parameters():
            weight.add_(1)
    yield Claim("When the denoiser learns on, the average waits for its next update.", weights(average), before)


def losses_with(
    order=lambda levels: levels,
    mixed=lambda clean, noise, level: mix(clean, noise, level),
    noise=torch.rand_like,
    told=lambda level, clean: level.expand(len(clean), 1, 1, 1),
    aim=lambda clean, noisy: clean,
    measure=F.mse_loss,
    grad=False,
    give=torch.stack,
):
    """The lesson's loss by level, with one part replaced."""

    def loss_by_level(denoiser, clean, levels):
        losses = []
        with torch.set_grad_enabled(grad):
            for level in order(levels):
                noisy = mixed(clean, noise(clean), level.expand(len(clean), 1, 1, 1))
                losses.append(measure(denoiser(noisy, told(level, clean)), aim(clean, noisy)))
        return give(losses)

    return loss_by_level


@check_of(
    lesson.loss_by_level,
    hints=(
        "One level after the other: mix fresh noise into all pictures at this level, let the denoiser guess, measure the "
        "mean squared error. At the end, `torch.stack` makes one tensor of them.",
        "The denoiser wants a level for each picture: `level.expand(len(clean), 1, 1, 1)`. Then "
        "`F.mse_loss(denoiser(noisy, same), clean)`.",
    ),
    notice="Going through a tensor gives tensors without sides, and `expand` turns one number into a whole batch of levels "
    "without copying it.",
    mistakes={
        "The guess is compared with the noisy pictures: compare it with the clean ones.": losses_with(
            aim=lambda clean, noisy: noisy
        ),
        "The guess is compared with the difference of noisy and clean pictures: compare it with the clean ones.": (
            losses_with(aim=lambda clean, noisy: noisy - clean)
        ),
        "The denoiser is shown nothing but noise: mix it into the pictures, at the level that is asked for.": losses_with(
            mixed=lambda clean, noise, level: noise
        ),
        "The denoiser is shown the clean pictures: mix noise into them first.": losses_with(
            mixed=lambda clean, noise, level: clean
        ),
        "The noise is added at full picture strength: use `mix`.": losses_with(
            mixed=lambda clean, noise, level: clean + level * noise
        ),
        "Pictures and noise are in each other's place when you call `mix`: mix(clean, noise, level).": losses_with(
            mixed=lambda clean, noise, level: mix(noise, clean, level)
        ),
        "The denoiser is told 1 - level: tell it the level itself.": losses_with(
            told=lambda level, clean: (1 - level).expand(len(clean), 1, 1, 1)
        ),
        "The pictures are mixed at random levels: mix them at the one that is asked for.": losses_with(
            mixed=lambda clean, noise, level: mix(clean, noise, torch.rand(len(clean), 1, 1, 1))
        ),
        "Pictures and denoiser get random levels: the question is how large the loss is at the levels given.": (
            lambda denoiser, clean, levels: torch.stack(
                [F.mse_loss(denoiser(*make_question(clean)), clean).detach() for _ in levels]
            )
        ),
        "The denoiser is told other levels than those that are asked for: take them one after the other.": losses_with(
            told=lambda level, clean: torch.rand(len(clean), 1, 1, 1)
        ),
        "The denoiser is told a bare number: it wants a level for each picture, (batch, 1, 1, 1).": losses_with(
            told=lambda level, clean: level
        ),
        "The denoiser is told one level for the batch, (1, 1, 1, 1): it wants one for each picture, (batch, 1, 1, 1).": (
            losses_with(told=lambda level, clean: level.view(1, 1, 1, 1))
        ),
        "The levels that the denoiser is told are flat: it wants the shape (batch, 1, 1, 1).": losses_with(
            told=lambda level, clean: level.expand(len(clean))
        ),
        "The noise is Gaussian: use `torch.rand_like`.": losses_with(noise=torch.randn_like),
        "The noise is even grey: use `torch.rand_like`.": losses_with(noise=lambda clean: torch.full_like(clean, 0.5)),
        "The noise is black: use `torch.rand_like`.": losses_with(noise=torch.zeros_like),
        "The losses come in the wrong order: one for each level, in the order of the levels.": losses_with(
            give=lambda losses: torch.stack(losses[::-1])
        ),
        "You return one number: there should be one loss for each level.": losses_with(
            give=lambda losses: torch.stack(losses).mean()
        ),
        "You return the loss of one level only: is there a `return` inside the loop?": losses_with(
            order=lambda levels: levels[:1], give=lambda losses: losses[0]
        ),
        "You return the loss of the last level only: collect them all.": losses_with(give=lambda losses: losses[-1]),
        "You return a list: make it one tensor with `torch.stack`.": losses_with(
            give=lambda losses: torch.stack(losses).tolist()
        ),
        "Nothing is returned: is the `return` missing?": losses_with(give=lambda losses: None),
        "The losses pile up from level to level: begin anew at each.": losses_with(
            give=lambda losses: torch.stack(losses).cumsum(dim=0)
        ),
        "The losses are divided by the number of levels: no mean is wanted here.": losses_with(
            give=lambda losses: torch.stack(losses) / len(losses)
        ),
        "The loss is the absolute difference: square it, `F.mse_loss`.": losses_with(measure=F.l1_loss),
        "The square root of the loss is taken: the mean of the squares is what you want.": losses_with(
            measure=lambda guess, clean: F.mse_loss(guess, clean).sqrt()
        ),
        "The loss is the sum of the squares: take their mean.": losses_with(
            measure=lambda guess, clean: ((guess - clean) ** 2).sum()
        ),
        "The squares are summed over pixels: take the mean over everything.": losses_with(
            measure=lambda guess, clean: ((guess - clean) ** 2).sum(dim=(1, 2, 3)).mean()
        ),
        "The mean runs over the batch alone: take it over everything, so that one number is left for each level.": (
            losses_with(measure=lambda guess, clean: ((guess - clean) ** 2).mean(dim=0))
        ),
        "There is one loss for each picture: take the mean over the pictures too.": losses_with(
            measure=lambda guess, clean: ((guess - clean) ** 2).mean(dim=(1, 2, 3))
        ),
        "The losses still carry their gradients, which fills the memory: keep `@torch.no_grad()` on top.": losses_with(
            grad=True
        ),
    },
)
def loss_by_level(answer) -> Claims:
    clean = pictures(8, 16, 16).repeat(4, 1, 1, 1)
    levels = torch.tensor([0.4, 0.1, 0.7, 1.0])
    labels = {"x": levels, "across": "level", "up": "loss"}
    asked = []

    def grey(noisy, level):
        asked.append((noisy.detach().clone(), level))
        return torch.full_like(noisy, 0.5)

    losses = answer(grey, clean, levels)
    yield Claim("There is one loss for each level.", losses, Shape((len(levels),)))
    right = all(torch.is_tensor(level) and level.shape == (len(noisy), 1, 1, 1) for noisy, level in asked)
    wrong = next(
        (level for noisy, level in asked if not torch.is_tensor(level) or level.shape != (len(noisy), 1, 1, 1)), 0
    )
    shape = "(batch, 1, 1, 1)" if right else str(tuple(wrong.shape)) if torch.is_tensor(wrong) else type(wrong).__name__
    says = "The denoiser is told one level for each picture that it is shown, in the shape (batch, 1, 1, 1)."
    yield Claim(says, shape, "(batch, 1, 1, 1)")
    expected = ((clean - 0.5) ** 2).mean().expand(4)
    says = "A denoiser that always says grey has the same loss at every level, whatever the noise."
    yield Claim(says, losses, expected, 1e-4, "curve", {**labels, "expected": expected, "yours": losses})
    told = torch.cat([level.flatten() for _, level in asked]).sort().values
    every = levels.repeat_interleave(len(clean)).sort().values
    words = name_of(told, {"each level, for all pictures": every, "1 - level": (1 - every).sort().values}, 1e-4)
    words = "other levels" if words.startswith("something") else words
    words = words if told.shape == every.shape else f"{len(told)} levels in all, where {len(every)} are due"
    see = {"expected": every, "yours": told, "across": "how often asked before", "up": "level told, in order of size"}
    says = "The denoiser is told each level, for all pictures."
    clue = f"The denoiser should be told each level, for all pictures, and is told {words}."
    yield Claim(says, words, "each level, for all pictures", picture="curve", of=see, clue=clue)
    # At level 1, the denoiser sees the noise itself. To draw it once for all levels is as good as for each.
    asked.clear()
    answer(grey, torch.zeros(64, 3, 8, 8), torch.ones(1))
    noise = torch.cat([noisy for noisy, _ in asked])
    says = "At level 1, nothing but uniform noise is shown: from 0 to 1."
    ends, bars = torch.stack([noise.min(), noise.max()]), {"across": "smallest, largest", "up": "number"}
    ends_due = torch.tensor([0.0, 1.0])
    yield Claim(says, ends, ends_due, 0.01, "bars", {**bars, "expected": ends_due, "yours": ends})
    says = "The noise varies by 1/12 from picture to picture, from colour to colour and from pixel to pixel."
    spread = torch.stack([noise.var(dim=dim).mean() for dim in (0, 1, (2, 3))])
    clue = "The noise is not a random number for every pixel and colour of every picture: `torch.rand_like(clean)`."
    due, bars = torch.full((3,), 1 / 12), {"across": "over pictures, colours, pixels", "up": "variance"}
    yield Claim(says, spread, due, 0.01, "bars", {**bars, "expected": due, "yours": spread}, clue)
    twins = len(noise) - len(noise[:, 0, 0].unique(dim=0))
    yield Claim("No two pictures have the same noise.", twins, 0, clue=clue)
    # A denoiser that hands back what it was shown is wrong by level * (noise - clean).
    scale = torch.nn.Parameter(torch.ones(()))
    losses = answer(lambda noisy, level: scale * noisy, clean, levels)
    expected = levels**2 * ((clean - 0.5) ** 2 + 1 / 12).mean()
    says = "A denoiser that hands back the noisy picture has a loss that grows with the square of the level."
    clue = (
        "The pictures that the denoiser is shown are not the clean ones, mixed with fresh noise at the level asked for."
    )
    yield Claim(says, losses, expected, 0.01, "curve", {**labels, "expected": expected, "yours": losses}, clue)
    painted = answer(lambda noisy, level: noisy * 0 + level, clean, levels)
    expected = torch.stack([((clean - level) ** 2).mean() for level in levels])
    says = "A denoiser that paints the level itself has the loss of that grey."
    yield Claim(says, painted, expected, 1e-4, "curve", {**labels, "expected": expected, "yours": painted})
    yield Claim("The losses carry no gradients.", losses.requires_grad, False)
