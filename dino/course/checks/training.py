"""Checks for chapter 3."""

import torch
import torch.nn.functional as F
from torch import nn

from dino import training as lesson
from dino.course.checks import pictures
from dino.course.claims import Claim, Claims, check_of
from dino.noise import make_question, mix


class Spy(nn.Module):
    """A denoiser of three weights, whose gradients are plain to see, that remembers what it was asked."""

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([0.3, 0.2, 0.1]))
        self.questions = []

    def forward(self, noisy, level):
        self.questions.append((noisy.detach().clone(), level.detach().clone() if torch.is_tensor(level) else level))
        return self.weights[0] * noisy + self.weights[1] * level + self.weights[2]


class Descent:
    """Plain gradient descent that writes down what it is asked to do. (Torch's own takes over a second to load.)"""

    def __init__(self, weights: nn.Parameter, rate: float):
        self.weights, self.rate, self.events = weights, rate, []
        weights.register_hook(lambda gradient: self.events.append("backward"))

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.events.append("zero_grad")
        self.weights.grad = None

    @torch.no_grad()
    def step(self) -> None:
        self.events.append("step")
        if self.weights.grad is not None:
            self.weights -= self.rate * self.weights.grad


def step_with(
    ask=make_question,
    show=lambda noisy, clean: noisy,
    tell=lambda level: level,
    aim=lambda clean, noisy, level: clean,
    measure=F.mse_loss,
    order=("zero", "backward", "step"),
    give=lambda loss: loss.item(),
):
    """The lesson's training step, with one part replaced."""

    def training_step(denoiser, optimizer, clean):
        noisy, level = ask(clean)
        loss = measure(denoiser(show(noisy, clean), tell(level)), aim(clean, noisy, level))
        moves = {"zero": optimizer.zero_grad, "backward": loss.backward, "step": optimizer.step}
        moves["ascent"] = lambda: (-loss).backward()
        for move in order:
            moves[move]()
        return give(loss)

    return training_step


@check_of(
    lesson.training_step,
    hints=(
        "First comes the question: `make_question(clean)`. Then the guess, and how far it is from the clean pictures: "
        "`F.mse_loss`. Then three calls that every torch training makes. In which order?",
        "`optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()`: forget the old gradients, work out the new ones, "
        "change the weights. At the end, return `loss.item()`.",
    ),
    mistakes={
        "The guess is compared with the noisy pictures: the aim is the clean ones.": step_with(
            aim=lambda clean, noisy, level: noisy
        ),
        "The guess is compared with the noise: this denoiser guesses the clean pictures.": step_with(
            aim=lambda clean, noisy, level: (noisy - (1 - level) * clean) / level
        ),
        "The denoiser is shown the clean pictures, so there is nothing to guess.": step_with(
            show=lambda noisy, clean: clean
        ),
        "The denoiser is told another level than the one that was mixed.": step_with(tell=lambda level: 1 - level),
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
        "Gradients are never worked out: `loss.backward()` is missing.": step_with(order=("zero", "step")),
        "The optimizer steps twice.": step_with(order=("zero", "backward", "step", "step")),
        "The weights climb: the loss grows. Take the gradients of the loss, not of its negative.": step_with(
            order=("zero", "ascent", "step")
        ),
        "The loss is the absolute difference. Its best guess is the median; ours is the mean, from squares.": step_with(
            measure=F.l1_loss
        ),
        "The loss is the sum of the squares: take their mean.": step_with(
            measure=lambda guess, clean: ((guess - clean) ** 2).sum()
        ),
    },
)
def training_step(answer) -> Claims:
    clean, spy = pictures(6, 12, 10), Spy()
    optimizer = Descent(spy.weights, rate=0.1)
    expected = spy.weights.detach().clone()
    for time in ("first", "second"):
        optimizer.events.clear()
        loss = answer(spy, optimizer, clean)
        yield Claim(f"The {time} step asks the denoiser once.", len(spy.questions), 1 if time == "first" else 2)
        noisy, level = spy.questions[-1]
        noise = (noisy - (1 - level) * clean) / level
        yield Claim("What it is asked has noise in it.", float((noisy - clean).abs().mean() > 0.01), 1.0)
        fits = float(((noise > -1e-2) & (noise < 1 + 1e-2)).float().mean())
        yield Claim("It is told the level at which the pictures were mixed.", fits, 1.0, tolerance=0.01)
        weights = expected.requires_grad_()
        true = ((weights[0] * noisy + weights[1] * level + weights[2] - clean) ** 2).mean()
        (slope,) = torch.autograd.grad(true, weights)
        says = "The loss is the mean squared error between guess and clean pictures."
        yield Claim(says, float("nan") if loss is None else loss, float(true.detach()))
        expected = (weights - 0.1 * slope).detach()
        if not torch.allclose(spy.weights, expected, atol=1e-5):
            order = "zero_grad, backward, step"
            yield Claim(
                "One call does zero_grad, backward and step, in this order.", ", ".join(optimizer.events), order
            )
        says = f"The {time} step moves the weights against the gradients of its own loss."
        yield Claim(says, spy.weights.detach().clone(), expected, tolerance=1e-5)


def average_with(share):
    """The lesson's average, with another share of the old weights to keep."""

    def update_average(average, denoiser, n):
        with torch.no_grad():
            for old, new in zip(average.parameters(), denoiser.parameters(), strict=True):
                old.copy_(share(n) * old + (1 - share(n)) * new)

    return update_average


def changes_the_denoiser(average, denoiser, n):
    lesson.update_average(denoiser, average, n)


def shares_the_weights(average, denoiser, n):
    for old, new in zip(average.parameters(), denoiser.parameters(), strict=True):
        old.data = new.data


def does_nothing(average, denoiser, n):
    pass


@check_of(
    lesson.update_average,
    hints=(
        "Go through both networks' `parameters()` side by side, with `zip`. Each weight of the average keeps a share `keep` "
        "of itself and takes the rest from the new weight: that is a mix again.",
        "`keep = min(0.95, n / 10)`; then, for each pair, `old.copy_(keep * old + (1 - keep) * new)`. `copy_` writes into "
        "the weight itself; `old = ...` would only give a name to something new.",
    ),
    mistakes={
        "The average does not change: write into its weights, with `old.copy_(...)`; `old = ...` only moves a name.": (
            does_nothing
        ),
        "The shares are swapped: `keep` is the share of the average itself.": average_with(
            lambda n: 1 - min(0.95, n / 10)
        ),
        "The average is only a copy of the newest weights.": average_with(lambda n: 0.0),
        "There is no warm-up: 0.95 from the start keeps the useless first weights for long.": average_with(
            lambda n: 0.95
        ),
        "`max` instead of `min`: the share kept is never below 0.95, and later above 1.": average_with(
            lambda n: max(0.95, n / 10)
        ),
        "The share kept grows without end: `min(0.95, ...)` stops it.": average_with(lambda n: n / 10),
        "The wrong network changes: the denoiser must stay as it is.": changes_the_denoiser,
        "The average shares its memory with the denoiser: copy numbers, not tensors.": shares_the_weights,
    },
)
def update_average(answer) -> Claims:
    def weights(network):
        return torch.cat([weight.detach().flatten() for weight in network.parameters()]).clone()

    for n in (0, 3, 9, 10, 200):
        average, denoiser = nn.Linear(3, 2), nn.Linear(3, 2)
        old, new = weights(average), weights(denoiser)
        answer(average, denoiser, n)
        keep = min(0.95, n / 10)
        says = f"At update {n}, the average keeps {keep:.0%} of itself and takes {1 - keep:.0%} of the new weights."
        yield Claim(says, weights(average), keep * old + (1 - keep) * new, tolerance=1e-5)
        yield Claim("The denoiser is still what it was before.", weights(denoiser), new)
    before = weights(average)
    with torch.no_grad():
        for weight in denoiser.parameters():
            weight.add_(1)
    yield Claim("When the denoiser learns on, the average waits for its next update.", weights(average), before)


def losses_with(
    noise=torch.rand_like, told=lambda level: level, aim=lambda clean, noisy: clean, measure=F.mse_loss, grad=False
):
    """The lesson's loss by level, with one part replaced."""

    def loss_by_level(denoiser, clean, levels):
        losses = []
        with torch.set_grad_enabled(grad):
            for level in levels:
                same = level.expand(len(clean), 1, 1, 1)
                noisy = mix(clean, noise(clean), same)
                losses.append(measure(denoiser(noisy, told(same)), aim(clean, noisy)))
        return torch.stack(losses)

    return loss_by_level


def one_number(denoiser, clean, levels):
    return lesson.loss_by_level(denoiser, clean, levels).mean()


def a_list(denoiser, clean, levels):
    return lesson.loss_by_level(denoiser, clean, levels).tolist()


@check_of(
    lesson.loss_by_level,
    hints=(
        "One level after the other: mix fresh noise into all pictures at this level, let the denoiser guess, measure the "
        "mean squared error. At the end, `torch.stack` makes one tensor of them.",
        "The denoiser wants a level for each picture: `level.expand(len(clean), 1, 1, 1)`. Then "
        "`F.mse_loss(denoiser(noisy, same), clean)`.",
    ),
    mistakes={
        "The guess is compared with the noisy pictures: compare it with the clean ones.": losses_with(
            aim=lambda clean, noisy: noisy
        ),
        "The denoiser is told another level than the one that was mixed.": losses_with(told=lambda level: 1 - level),
        "The noise is Gaussian: use `torch.rand_like`.": losses_with(noise=torch.randn_like),
        "You return one number: there should be one loss for each level.": one_number,
        "You return a list: make it one tensor with `torch.stack`.": a_list,
        "The loss is the absolute difference: square it, `F.mse_loss`.": losses_with(measure=F.l1_loss),
        "The losses still carry their gradients, which fills the memory: keep `@torch.no_grad()` on top.": losses_with(
            grad=True
        ),
    },
)
def loss_by_level(answer) -> Claims:
    clean = pictures(8, 16, 16).repeat(4, 1, 1, 1)
    levels = torch.tensor([0.1, 0.4, 0.7, 1.0])
    seen = []

    def grey(noisy, level):
        seen.append((noisy.detach(), level))
        return torch.full_like(noisy, 0.5)

    losses = answer(grey, clean, levels)
    expected = ((clean - 0.5) ** 2).mean().expand(4)
    says = "A denoiser that always says grey has the same loss at every level."
    yield Claim(says, losses if torch.is_tensor(losses) else torch.zeros(0), expected)
    shapes = {tuple(level.shape) for _, level in seen if torch.is_tensor(level)}
    yield Claim(
        "The denoiser is told one level per picture, in the shape (batch, 1, 1, 1).", shapes, {(len(clean), 1, 1, 1)}
    )
    told = torch.cat([level.flatten() for _, level in seen])
    yield Claim("Each level is told to all pictures, in their order.", told, levels.repeat_interleave(len(clean)))
    # A denoiser that hands back what it was shown is wrong by level * (noise - clean).
    scale = torch.nn.Parameter(torch.ones(()))
    losses = answer(lambda noisy, level: scale * noisy, clean, levels)
    expected = levels**2 * ((clean - 0.5) ** 2 + 1 / 12).mean()
    says = "A denoiser that hands back the noisy picture has a loss that grows with the square of the level."
    yield Claim(says, losses.detach(), expected, tolerance=0.01)
    losses_told = answer(lambda noisy, level: noisy * 0 + level, clean, levels)
    expected = torch.stack([((clean - level) ** 2).mean() for level in levels])
    yield Claim("A denoiser that paints the level itself has the loss of that grey.", losses_told, expected)
    yield Claim("The losses carry no gradients.", losses.requires_grad, False)
