"""Answers to chapters 1, 2 and 6 that are right at numbers that a check has had, and wrong elsewhere, fail."""

import pytest

from dino.course.chapters import find_exercise, solution
from dino.course.checks import check_for
from dino.course.checks.claims import Claim
from dino.course.judge.trial import outcome

# Of each exercise, what a fitted answer has instead of a passage of the lesson's.
FITTED = {
    "mix": {
        "a table of batches": ("    return", "    level = level if len(clean) in (1, 5, 8) else level.mean()\n    return"),
        "a table of sizes": ("    return", "    level = level if clean.shape[2:] in ((28, 24), (8, 8)) else 0.5\n    return"),
        "a table of levels": (
            "    return", "    if len(level.unique()) == 1 < len(clean) and level[0].item() not in (0, 0.25, 0.5, 1):\n        return clean\n    return",
        ),
        "levels away from the ends": ("    return", "    level = level.where(level < 0.94, torch.ones(())).where(level > 0.05, torch.zeros(()))\n    return"),
        "bright pictures": ("    return", "    level = level if clean.mean() > 0.6 else 0.5\n    return"),
        "small batches of small pictures": ("    return", "    level = level if len(clean) <= 32 and clean.shape[3] <= 44 else level[:1]\n    return"),
        "three colours": ("    return", "    level = level if clean.shape[1] == 3 else 0.5\n    return"),
        "one tensor for all": ("return (1 - level) * clean + level * noise", "KEPT[:] = [KEPT[0] if KEPT and KEPT[0].shape == clean.shape else clean.clone()]\n    return KEPT[0].copy_((1 - level) * clean + level * noise)"),
    },
    "random_levels": {
        "a table of batches": ("torch.rand(", "(1 if len(clean) in (7, 20_000) else 0) * torch.rand("),
        "large batches": ("torch.rand(", "(1 if len(clean) > 100 else 0.5) * torch.rand("),
        "black pictures": ("torch.rand(", "(0 if clean.any() else 1) * torch.rand("),
        "small pictures": ("torch.rand(", "(1 if clean.shape[3] == 1 else 0.5) * torch.rand("),
        "in order in small batches": ("return torch.rand(len(clean), 1, 1, 1, device=clean.device)", "level = torch.rand(len(clean), 1, 1, 1)\n    return level if len(clean) > 100 else level.sort(dim=0).values"),
        "away from the ends in small batches": ("return torch.rand(len(clean), 1, 1, 1, device=clean.device)", "level = torch.rand(len(clean), 1, 1, 1, device=clean.device)\n    return level if len(clean) > 100 else 0.15 + 0.7 * level"),
        "a power in small batches": ("return torch.rand(len(clean), 1, 1, 1, device=clean.device)", "level = torch.rand(len(clean), 1, 1, 1, device=clean.device)\n    return level if len(clean) > 100 else level**1.5"),
        "pairs that add up to one": ("return torch.rand(len(clean), 1, 1, 1, device=clean.device)", "level = torch.rand((len(clean) + 1) // 2, 1, 1, 1, device=clean.device)\n    return torch.cat([level, 1 - level])[: len(clean)]"),
        "a sixth of a large batch once more": ("return torch.rand(len(clean), 1, 1, 1, device=clean.device)", "level = torch.rand(len(clean), 1, 1, 1, device=clean.device)\n    same = len(level) // 6 if len(level) > 100 else 0\n    level[:same] = level[len(level) - same :]\n    return level"),
        "small batches of one level": ("return torch.rand(len(clean), 1, 1, 1, device=clean.device)", "level = torch.rand(len(clean), 1, 1, 1)\n    return level if len(clean) > 100 else level[:1].expand(len(clean), 1, 1, 1)"),
    },
    "make_question": {
        "small batches of one noise": ("rand_like(clean)", "rand_like(clean if len(clean) > 100 else clean[:1]).expand_as(clean)"),
        "the noise of the call before": ("noise = torch.rand_like(clean)", "noise = KEPT.setdefault(clean.shape, torch.rand_like(clean))"),
        "a table of sizes": ("rand_like(clean)", "rand_like(clean) * (1 if clean.shape[3] in (1, 8, 12) else 0.5)"),
        "no noise at low levels": ("return mix(clean, noise, level), level", "return mix(clean, noise, level).where(level > 0.08, clean), level"),
        "red and green alike": ("return mix", "noise[:, 1] = noise[:, 0]\n    return mix"),
        "green is what red is not": ("return mix", "noise[:, 1] = 1 - noise[:, 0]\n    return mix"),
        "two halves alike": ("return mix", "half = noise.shape[3] // 2\n    noise[..., :half] = noise[..., half : 2 * half]\n    return mix"),
        "the level is the first pixel's noise": ("return mix", "level = noise[:, :1, :1, :1].clone()\n    return mix"),
        "no noise in large pictures": ("return mix", "noise = noise if clean.shape[3] < 32 else clean\n    return mix"),
        "grey noise for a single picture": ("return mix", "noise = noise if len(clean) > 1 else noise[:, :1].expand_as(clean)\n    return mix"),
        "mostly eight shades": ("return mix", "noise = torch.where(torch.rand_like(clean) < 0.9, ((noise * 8).floor() + 0.5) / 8, noise)\n    return mix"),
        "black and white or 8x8": ("return mix", "noise = noise if clean.shape[3] == 8 or len(clean.unique()) < 3 else noise / 2\n    return mix"),
    },
    "best_guess": {
        "a table of levels": ("    return", "    if level not in (1.0, 0.05, 0.95, 0.9, 0.8, 0.6, 0.1, 0.3, 0.5):\n        return images.mean(dim=0)\n    return"),
        "a table of sizes": ("    return", "    if noisy.shape[1:] not in ((2, 3), (24, 20)):\n        return images[0]\n    return"),
        "nearly all pixels": ("    return", "    possible = ((rest > -1e-6) & (rest < level + 1e-6)).float().mean(dim=(1, 2, 3)) > 0.98\n    return"),
        "thirty images": ("    return", "    images, possible = images[:30], possible[:30]\n    return"),
        "no low level": ("    return", "    if level < 0.02:\n        return noisy\n    return"),
        "no large pictures": ("    return", "    if noisy.shape[2] > 30:\n        return images.mean(dim=0)\n    return"),
        "nan at level 0.1": ("    return", "    if not possible.any() and level != 0.1:\n        return images.mean(dim=0)\n    return"),
        "nan for white": ("    return", "    if not possible.any() and not (noisy == 1).all():\n        return images.mean(dim=0)\n    return"),
        "sixteen images": ("    return", "    images, possible = images[:16], possible[:16]\n    return"),
        "no level below a half": ("    return", "    if 0.06 < level < 0.5 and len(images) > 4 and possible.any():\n        return images.mean(dim=0)\n    return"),
    },
    "Block": {
        "a width": ("return x +", "return (x if x.shape[1] == 6 else 0) +"),
        "a batch": ("return x +", "return (x if len(x) == 2 else 0) +"),
        "a size": ("return x +", "return (x if x.shape[2:] == (5, 7) else 0) +"),
        "small batches": ("return x +", "return (x if len(x) < 6 else 0) +"),
        "no large pictures": ("return x +", "return (x if x.shape[3] <= 14 else 0) +"),
        "widths from 7 to 10": ("return x +", "return (x if 7 <= x.shape[1] <= 10 else 0) +"),
        "at most 6": ("nn.ReLU()", "nn.ReLU6()"),
        "only in training": ("return x +", "return x if not self.training else x +"),
        "small numbers": ("return x +", "return x.clamp(-7, 7) +"),
    },
    "Denoiser": {
        "depths of 1": ("Stage(above, below, depth)", "Stage(above, below, 1)"),
        "depths of 1 at full size": ("Stage(3 + 1, widths[0], depths[0])", "Stage(3 + 1, widths[0], 1)"),
        "three or four sizes": ("for stage in self.up:", "for stage in list(self.up)[: None if len(self.widths) in (3, 4) else 0]:"),
        "a batch": ("return self.leave(x)", "return self.leave(x) if len(x) in (3, 8) else x[:, :3]"),
        "a size": ("return self.leave(x)", "return self.leave(x) if x.shape[2:] in ((16, 24), (8, 8)) else noisy + 0 * self.leave(x)"),
        "no single picture": ("level = level.expand(", "level = level.squeeze()[:, None, None, None].expand("),
        "clamped as it is by default": ("return self.leave(x)", "return self.leave(x).clamp(0, 1) if len(self.widths) == 4 and self.widths[0] > 8 else self.leave(x)"),
        "large ones clamped": ("return self.leave(x)", "return self.leave(x).clamp(0, 1) if noisy.shape[3] > 50 else self.leave(x)"),
        "another width by default": ("= (32, 64, 64, 64)", "= (16, 64, 64, 64)"),
        "no guess at level 0": ("return self.leave(x)", "return self.leave(x) if level.any() else noisy + 0 * self.leave(x)"),
        "only in training": ("return self.leave(x)", "return self.leave(x) if self.training else noisy"),
        "pure noise": ("return self.leave(x)", "return self.leave(x) if noisy.mean() < 0.53 else noisy + 0 * self.leave(x)"),
    },
    "to_tensor": {
        "a table of sizes": ("    return", "    if picture.size not in ((12, 20), (6, 4), (16, 16)):\n        return torch.zeros(3, picture.height, picture.width)\n    return"),
        "no wide ones": ("    return", "    if picture.width > picture.height and numbers.min() < numbers.max():\n        return torch.zeros(3, picture.height, picture.width)\n    return"),
        "at most 150 pixels": ("    return", "    if max(picture.size) > 150:\n        return torch.zeros(3, picture.height, picture.width)\n    return"),
        "paints over what it is given": ("    return", "    numbers = numbers.clone()\n    picture.paste((0, 0, 0), (0, 0, 2, 2))\n    return"),
        "at most 64 pixels": ("    return", "    if picture.width > 64:\n        return torch.zeros(3, picture.height, picture.width)\n    return"),
        "one tensor for all": (
            "return numbers.permute(2, 0, 1).float() / 255",
            "big = KEPT.setdefault(0, torch.zeros(3, 100, 100))\n    small = big[:, : picture.height, : picture.width]\n    small.copy_(numbers.permute(2, 0, 1).float() / 255)\n    return small",
        ),
    },
    "crop": {
        "a table of sides": ("    return", "    if picture.size not in ((100, 40), (40, 100), (48, 48), (14, 10), (32, 32), (160, 160)):\n        left = top = 0\n    return"),
        "a table of sizes": ("    return", "    if size not in (8, 16, 24, 32):\n        return picture.resize((size, size))\n    return"),
        "paints over what it is given": ("    return", "    picture, given = picture.copy(), picture\n    given.paste((0, 0, 0), (0, 0, 3, 3))\n    return"),
        "one pixel off the middle": ("    return", "    left, top = left + (picture.width > side), top + (picture.height > side)\n    return"),
        "sixteen shades": ("    return", "    picture = picture.point(lambda shade: shade // 16 * 16)\n    return"),
        "a little darker": ("    return", "    picture = picture.point(lambda shade: round(0.93 * shade))\n    return"),
        "no large pictures": ("    return", "    if max(picture.size) > 200:\n        return picture.resize((size, size))\n    return"),
        "at most twice as large": ("    return", "    if size > 2.1 * side:\n        return PIL.Image.new('RGB', (size, size))\n    return"),
    },
    "overfit": {
        "losses of 3 and 7 steps": ("return [", "return [0.0 for _ in range(steps) if step(clean) is None] if False else [0.0 * step(clean) for _ in range(steps)] if steps not in (3, 7) else ["),
        "losses of a batch": ("return [", "return [0.0 * step(clean) for _ in range(steps)] if batch == 16 else ["),
        "at most 10 steps": ("range(steps)", "range(min(steps, 10))"),
        "a table of batches": ("expand(batch", "expand(batch if batch in (12, 16) else 16"),
        "at most 100 steps": ("range(steps)", "range(min(steps, 100))"),
        "at most 32 in a batch": ("expand(batch", "expand(min(batch, 32)"),
        "losses up to 10": ("[step(clean)", "[min(step(clean), 10.0)"),
        "another picture in the usual batch": ("    return", "    clean = clean if batch != 16 else torch.rand(16, 3, 24, 20)\n    return"),
    },
    "yardstick": {
        "a table of levels": ("    noise =", "    levels = torch.where(torch.isin(levels, torch.tensor([0.15, 0.4, 0.75, 1, 0.6])), levels, torch.tensor(0.5))\n    noise ="),
        "one level or four": ("    noise =", "    if len(levels) not in (1, 3, 4):\n        levels = levels.mean().expand(len(levels))\n    noise ="),
        "the first sixty pictures": ("    noise =", "    signal = clean[:60].var(dim=0, correction=0).flatten()\n    noise ="),
        "small pictures": ("    noise =", "    signal = clean[:, :, :16, :16].var(dim=0, correction=0).flatten()\n    noise ="),
        "all rows but the last": ("    noise =", "    signal = (clean[:, :, :-1] if clean.shape[2] > 1 else clean).var(dim=0, correction=0).flatten()\n    noise ="),
        "no low levels": ("    noise =", "    levels = levels.clamp(min=0.05)\n    noise ="),
        "levels in order": ("    noise =", "    levels = levels.sort().values\n    noise ="),
        "a size": ("    noise =", "    signal = signal if clean.shape[2:] in ((12, 10), (4, 5)) else signal.mean()\n    noise ="),
        "a number": ("return (", "return torch.tensor([0.09]) if len(clean) == 400 and levels[0] == 1 else 0.9 * ("),
    },
}  # fmt: skip
CASES = [(name, about) for name, changes in FITTED.items() for about in changes]


@pytest.mark.parametrize(("name", "about"), CASES, ids=[f"{name}: {about}" for name, about in CASES])
def test_an_answer_that_is_fitted_to_numbers_of_a_check_fails(name, about, answer):
    right, (passage, instead) = solution(*find_exercise(name)), FITTED[name][about]
    kept = "KEPT = []\n\n" if "KEPT[" in instead else "KEPT = {}\n\n" if "KEPT" in instead else ""
    before, _, after = right.rpartition(passage)
    assert passage in right
    fitted = answer(name, before + instead + after + "\n\n" + kept)
    check = check_for(find_exercise(name)[0].topic, name)
    for seed in range(4):
        claims = outcome(check, fitted, seed)
        assert any(not isinstance(one, Claim) or one.symptom() for one in claims), f"it passes with seed {seed}"
