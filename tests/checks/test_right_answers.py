"""Right answers pass, however they are written."""

import pytest

from dino.course.judge.runner import judge
from dino.course.judge.verdict import PASSED

DENOISER = """class Denoiser(nn.Module):
    def __init__(self, widths: Sequence[int] = (32, 64, 64, 64), depths: Sequence[int] = (1, 1, 2, 2)):
        super().__init__()
        pairs = list(zip(widths, widths[1:], depths[1:], strict=False))
        self.widths, self.depths, self.multiple = list(widths), list(depths), 2 ** len(pairs)
        self.enter = Stage(3 + 1, widths[0], depths[0])
        self.down = nn.ModuleList(Stage(above, below, depth) for above, below, depth in pairs)
        self.up = nn.ModuleList(Stage(below, above, depth) for above, below, depth in reversed(pairs))
        last = conv(widths[0], 3)
        nn.init.constant_(last.bias, 0.5)
        self.leave = nn.Sequential(Stage(widths[0], widths[0], depths[0]), conv(widths[0], widths[0]), nn.ReLU(), last)

    def forward(self, noisy, level):
FORWARD"""

UNUSUAL = {
    "noise_of": [
        "def noise_of(noisy, guess, level):\n    return guess + (noisy - guess) / level",
        "def noise_of(noisy, guess, level):\n    return noisy / level - (1 / level - 1) * guess",
        "def noise_of(noisy, guess, level):\n    return torch.lerp(guess, noisy, 1 / level)",
        "def noise_of(noisy, guess, level):\n    return mix(guess, noisy, 1 / level)",
        "def noise_of(noisy, guess, level):\n    return (noisy - mix(guess, torch.zeros_like(guess), level)).div(level + 1e-8)",
        "def noise_of(noisy, guess, level):\n    result = noisy.clone()\n    result -= (1 - level).expand_as(guess) * guess\n"
        "    result /= level\n    return result",
        "def noise_of(noisy, guess, level):\n    rows = []\n    for here, there, high in zip(noisy, guess, level.flatten().tolist()):\n"
        "        rows.append((here - (1 - high) * there) / high)\n    return torch.stack(rows)",
        "import numpy as np\n\n\ndef noise_of(noisy, guess, level):\n    x, g, s = (one.numpy().astype(np.float64) for one in (noisy, guess, level))\n"
        "    return torch.from_numpy((x + (s - 1) * g) / s)",
        "def noise_of(noisy, guess, level):\n    keep = torch.ones(len(noisy)) - level.squeeze((1, 2, 3))\n"
        "    return (noisy - torch.einsum('b,bchw->bchw', keep, guess)) / level.reshape(-1, 1, 1, 1)",
        "noise_of = lambda noisy, guess, level: torch.addcmul(noisy, 1 - level, guess, value=-1) * level.reciprocal()",
        "def noise_of(x, prediction, s):\n    return torch.sub(x, prediction).add(s * prediction).true_divide(s)",
    ],
    "velocity_of": [
        "def velocity_of(noisy, guess, level):\n    return noise_of(noisy, guess, level) - guess",
        "def velocity_of(noisy, guess, level):\n    return -(guess - noisy) / level",
        "def velocity_of(noisy, guess, level):\n    return noisy / level - guess / level",
        "def velocity_of(noisy, guess, level):\n    return noisy.sub(guess).mul(level.pow(-1))",
        "def velocity_of(noisy, guess, level):\n    noise = (noisy - (1 - level) * guess) / torch.clamp(level, min=1e-6)\n    return noise - guess",
        "def velocity_of(noisy, guess, level):\n    # By how much a whole unit of the level moves it.\n    return torch.lerp(guess, noisy, 1 / level) - guess",
        "def velocity_of(noisy, guess, level):\n    way = noisy.double() - guess.double()\n    for i in range(len(way)):\n"
        "        way[i] = way[i] / level[i].item()\n    return way",
        "import numpy as np\n\n\ndef velocity_of(noisy, guess, level):\n    return torch.from_numpy(np.divide(np.subtract(noisy.numpy(), guess.numpy()), level.numpy()))",
        "def velocity_of(noisy, guess, level):\n    time = level.view(len(level), 1).repeat(1, guess[0].numel())\n"
        "    return ((noisy - guess).flatten(1) / time).view(noisy.shape)",
        "from torch.func import jvp\n\n\ndef velocity_of(noisy, guess, level):\n    noise = noise_of(noisy, guess, level)\n"
        "    return jvp(lambda s: mix(guess, noise, s), (level,), (torch.ones_like(level),))[1]",
    ],
    "to_ddpm": [
        "def to_ddpm(noisy, level):\n    size = torch.hypot(1 - level, level)\n    return noisy / size, ((1 - level) / size).square()",
        "def to_ddpm(noisy, level):\n    total = 1 - 2 * level + 2 * level**2\n    return [noisy * total**-0.5, (1 - level) ** 2 / total]",
        "def to_ddpm(noisy, level):\n    angle = torch.atan2(level, 1 - level)\n    return noisy * (angle.cos() + angle.sin()), angle.cos() ** 2",
        "def to_ddpm(noisy, level):\n    bar = torch.sigmoid(2 * torch.log((1 - level) / level))\n"
        "    return noisy * (bar.sqrt() + (1 - bar).sqrt()), bar",
        "def to_ddpm(noisy, level):\n    alpha_bar = 1 - level**2 / ((1 - level) ** 2 + level**2)\n"
        "    return noisy / ((1 - level).pow(2) + level.pow(2)).sqrt(), alpha_bar",
        "def to_ddpm(noisy, level):\n    alpha_bar = 1 / (1 + (level / (1 - level)) ** 2)\n"
        "    return noisy / torch.cat([1 - level, level], dim=1).norm(dim=1, keepdim=True), alpha_bar",
        "def to_ddpm(noisy, level):\n    shares = torch.nn.functional.normalize(torch.stack([1 - level, level]), dim=0)\n"
        "    return noisy * shares.sum(dim=0), shares[0] ** 2",
        "import math\n\n\ndef to_ddpm(noisy, level):\n    pictures, bars = [], []\n    for picture, high in zip(noisy, level.flatten().tolist()):\n"
        "        size = math.hypot(1 - high, high)\n        pictures.append(picture / size)\n        bars.append(((1 - high) / size) ** 2)\n"
        "    return torch.stack(pictures), torch.tensor(bars).view(-1, 1, 1, 1)",
        "import numpy as np\n\n\ndef to_ddpm(noisy, level):\n    s = level.numpy().astype('f8')\n    size = np.linalg.norm([1 - s, s], axis=0)\n"
        "    return torch.from_numpy(noisy.numpy() / size), torch.from_numpy(((1 - s) / size) ** 2)",
        "from typing import NamedTuple\n\n\nclass Scaled(NamedTuple):\n    noisy: Tensor\n    alpha_bar: Tensor\n\n\n"
        "def to_ddpm(noisy, level):\n    clean, noise = 1 - level, level\n    factor = torch.rsqrt(clean * clean + noise * noise)\n"
        "    return Scaled(factor * noisy, (factor * clean) ** 2)",
        "def to_ddpm(noisy, level):\n    share = (1 - level) / abs(complex(0, 1) * level + (1 - level))\n"
        "    return noisy / torch.sqrt((1 - level) ** 2 + level**2), share * share",
    ],
    "begin_from": [
        "def begin_from(denoiser, picture, noise, strength=0.6, steps=25, stretch=2.0):\n"
        "    levels = torch.linspace(strength, 0, steps + 1)\n    x, last = picture + strength * (noise - picture), None\n"
        "    with torch.no_grad():\n        for now, then in zip(levels[:-1], levels[1:]):\n"
        "            raw = denoiser(x, torch.full((len(x), 1, 1, 1), now.item()))\n"
        "            guess = raw if last is None else last + stretch * (raw - last)\n"
        "            x, last = guess + (x - guess) * then / now, raw\n    return torch.clamp(x, min=0, max=1)",
        "def begin_from(denoiser, picture, noise, strength=0.6, steps=25, stretch=2.0):\n"
        "    return sample(lambda x, s: denoiser(x, s.mul(strength)), torch.lerp(picture, noise, strength), stretch=stretch, steps=steps)",
        "class Told:\n    def __init__(self, other, share):\n        self.other, self.share = other, share\n\n"
        "    def __call__(self, noisy, level):\n        return self.other(noisy, level * self.share)\n\n\n"
        "def begin_from(denoiser, picture, noise, strength=0.6, steps=25, stretch=2.0):\n"
        "    start = mix(picture.expand_as(noise), noise, torch.full((len(noise), 1, 1, 1), float(strength)))\n"
        "    return sample(Told(denoiser, strength), start, steps, stretch)",
    ],
    "with_fresh_noise": [
        "def with_fresh_noise(denoiser, noisy, level, times=7):\n    guess = denoiser(noisy, level)\n    if times == 0:\n"
        "        return guess\n    return with_fresh_noise(denoiser, mix(guess, torch.rand_like(guess), level), level, times - 1)",
        "def with_fresh_noise(denoiser, noisy, level, times=7):\n    question = noisy\n    for left in reversed(range(times + 1)):\n"
        "        guess = denoiser(question, level)\n        question = torch.lerp(guess, torch.rand(noisy.shape), level)\n    return guess",
        "import numpy as np\n\n\ndef with_fresh_noise(denoiser, noisy, level, times=7):\n    answers = [denoiser(noisy, level)]\n    while len(answers) <= times:\n"
        "        fresh = torch.from_numpy(np.random.default_rng().random(noisy.shape, dtype='f4'))\n"
        "        answers.append(denoiser((1 - level) * answers[-1] + level * fresh, level))\n    return answers[-1]",
        "import functools\n\n\ndef with_fresh_noise(denoiser, noisy, level, times=7):\n"
        "    again = lambda guess, _: denoiser(mix(guess, torch.empty_like(noisy).uniform_(), level), level)\n"
        "    return functools.reduce(again, range(times), denoiser(noisy, level))",
    ],
    "keep_known": [
        "def keep_known(guess, picture, known):\n    return torch.where(known == 1, picture, guess)",
        "def keep_known(guess, picture, known):\n    return mix(guess, picture, known)",
        "def keep_known(guess, picture, known):\n    return guess + known * (picture - guess)",
        "def keep_known(guess, picture, known):\n    result, inside = guess.clone(), known.expand_as(guess).bool()\n"
        "    result[inside] = picture.expand_as(guess)[inside]\n    return result",
        "def keep_known(guess, picture, known):\n    return guess.masked_fill(known.bool(), 0) + picture * known",
    ],
    "sample_known": [
        "from functools import partial\n\n\ndef sample_known(denoiser, picture, known, noise, strength=1.0, times=7, steps=6, stretch=2.0):\n"
        "    right = lambda x, s: keep_known(denoiser(x, s), picture, known)\n"
        "    return begin_from(partial(with_fresh_noise, right, times=times), picture, noise, strength, steps, stretch)",
        "@torch.no_grad()\ndef sample_known(denoiser, picture, known, noise, strength=1.0, times=7, steps=6, stretch=2.0):\n"
        "    inside, x, last = known == 1, mix(picture, noise, strength), None\n    for i in range(steps):\n"
        "        now, then = strength * (1 - i / steps), strength * (1 - (i + 1) / steps)\n        asked = x\n"
        "        for _ in range(times + 1):\n            raw = torch.where(inside, picture, denoiser(asked, torch.full((len(x), 1, 1, 1), now)))\n"
        "            asked = mix(raw, torch.rand_like(x), now)\n        guess = raw if last is None else last + stretch * (raw - last)\n"
        "        x, last = x * (then / now) + guess * (1 - then / now), raw\n    return x.clamp(0, 1)",
        "def sample_known(denoiser, picture, known, noise, strength=1.0, times=7, steps=6, stretch=2.0):\n"
        "    # The noisy picture is put right instead of the guess, as many programs do, and the result at the end.\n"
        "    def ask(x, s):\n        return denoiser(keep_known(x, mix(picture, noise, s), known), s)\n\n"
        "    def again(x, s):\n        return with_fresh_noise(ask, x, s, times)\n\n"
        "    return keep_known(begin_from(again, picture, noise, strength, steps, stretch), picture, known)",
    ],
    "forget": [
        "import numpy as np\n\n\ndef forget(prompts, word=0.2, prompt=0.1):\n    dice = np.random.default_rng()\n"
        "    kept = (dice.random(prompts.shape) >= word) & (dice.random((len(prompts), 1)) >= prompt)\n"
        "    return prompts * torch.from_numpy(kept)",
        "import random\n\n\ndef forget(prompts, word=0.2, prompt=0.1):\n    rows = []\n    for picture in prompts.tolist():\n"
        "        whole = random.random() < prompt\n"
        "        rows.append([0.0 if whole or random.random() < word else number for number in picture])\n    return torch.tensor(rows)",
        "def forget(prompts, word=0.2, prompt=0.1):\n    words = torch.bernoulli(torch.full_like(prompts, 1 - word))\n"
        "    return prompts * words * torch.bernoulli(torch.full((len(prompts), 1), 1 - prompt))",
        "def forget(prompts, word=0.2, prompt=0.1):\n    result = prompts.clone()\n    result[torch.rand(len(prompts)) < prompt] = 0\n"
        "    result[torch.rand(prompts.shape) < word] = 0\n    return result",
        "def forget(prompts, word=0.2, prompt=0.1):\n    some = torch.nn.functional.dropout(prompts.double(), word) * (1 - word)\n"
        "    return some.masked_fill(torch.empty(len(prompts), 1).uniform_() < prompt, 0)",
        "def forget(prompts, word=0.2, prompt=0.1):\n    limit = torch.where(torch.rand(len(prompts), 1) < prompt, 1.0, word)\n"
        "    return torch.where(torch.rand_like(prompts) < limit, torch.zeros_like(prompts), prompts)",
    ],
    "guide": [
        "def guide(told, free, guidance):\n    return torch.lerp(free, told, guidance)",
        "def guide(told, free, guidance):\n    return guidance * told + (1 - guidance) * free",
        "def guide(told, free, guidance):\n    return told + (guidance - 1) * (told - free)",
        "def guide(told, free, guidance):\n    told, free = told.numpy(), free.numpy()\n    return torch.from_numpy((told - free) * guidance + free)",
        "def guide(told, free, guidance):\n    result = free.double()\n    for here, there in zip(result, told):\n"
        "        here += guidance * (there - here)\n    return result",
        "def guide(told, free, guidance):\n    if guidance == 1:\n        return told\n    return free.add(told - free, alpha=guidance)",
    ],
    "read": [
        "def read(text, words):\n    said = text.lower().replace(',', ' ').split()\n"
        "    return torch.tensor([1.0 if word in said else 0.0 for word in words])",
        "import string\ndef read(text, words):\n    said = {one.strip(string.punctuation) for one in text.casefold().split()}\n"
        "    out = torch.zeros(len(words))\n    for i in range(len(words)):\n        if words[i] in said:\n            out[i] = 1\n    return out",
        "def read(text, words):\n    places = {word: i for i, word in enumerate(words)}\n"
        "    found = [places[one] for one in re.split(r'[ ,]+', text.lower()) if one in places]\n"
        "    return torch.zeros(len(words)).index_fill(0, torch.tensor(found, dtype=torch.long), 1.0)",
        "def read(text, words):\n    text = re.sub('[^a-z-]', ' ', text.lower())\n"
        "    return torch.as_tensor([' ' + word + ' ' in ' ' + text + ' ' for word in words], dtype=torch.float64)",
        "import numpy as np\ndef read(text, words):\n    return torch.from_numpy(np.isin(list(words), re.findall('[a-z-]+', text.lower())).astype('float32'))",
        "from collections import Counter\ndef read(text, words):\n    counts = Counter(map(str.lower, re.findall(r'\\b\\w[\\w-]*', text)))\n"
        "    return torch.stack([torch.tensor(min(counts[word], 1.0)).float() for word in words])",
        "def read(text, words):\n    return torch.tensor([float(re.search(rf'(?<![\\w-]){re.escape(word)}(?![\\w-])', text, re.I) is not None) for word in words])",
    ],
    "planes": [
        "def planes(level, prompt):\n    if prompt.dim() == 1:\n        prompt = prompt.repeat(level.shape[0], 1)\n"
        "    return torch.cat((level, prompt.unsqueeze(-1).unsqueeze(-1)), 1)",
        "def planes(level, prompt):\n    words = prompt.shape[-1]\n    out = torch.empty(len(level), 1 + words, 1, 1)\n"
        "    out[:, :1] = level\n    out[:, 1:, 0, 0] = prompt\n    return out",
        "def planes(level, prompt):\n    rows = torch.broadcast_to(prompt, (level.size(0), prompt.size(-1)))\n"
        "    return torch.hstack([level.flatten(1), rows]).view(len(level), -1, 1, 1)",
        "def planes(level, prompt):\n    prompts = prompt if prompt.ndim == 2 else [prompt] * len(level)\n"
        "    return torch.stack([torch.cat([one.view(1), words])[:, None, None] for one, words in zip(level, prompts)])",
        "import numpy as np\ndef planes(level, prompt):\n    level, prompt = level.double().numpy(), prompt.double().numpy()\n"
        "    prompt = np.broadcast_to(prompt, (len(level), prompt.shape[-1]))\n"
        "    return torch.from_numpy(np.concatenate([level, prompt[..., None, None]], axis=1))",
        "def planes(level, prompt):\n    told = torch.nn.functional.pad(level, (0, 0, 0, 0, 0, prompt.shape[-1]))\n"
        "    told[:, 1:] += prompt.reshape(-1, prompt.shape[-1], 1, 1)\n    return told",
    ],
    "obedience": [
        "def obedience(scores, wanted, sure=0.9):\n    seen = torch.softmax(scores.double(), -1)\n"
        "    return (seen.gather(1, wanted[:, None]).squeeze(1) >= sure).double().mean()",
        "def obedience(scores, wanted, sure=0.9):\n    right = 0\n    for row, kind in zip(scores, wanted):\n"
        "        if row.softmax(0)[kind] >= sure:\n            right += 1\n    return right / len(scores)",
        "def obedience(scores, wanted, sure=0.9):\n    seen = scores.exp() / scores.exp().sum(dim=1, keepdim=True)\n"
        "    mask = torch.nn.functional.one_hot(wanted, scores.shape[1]).bool()\n    return (seen[mask] >= sure).sum().item() / len(wanted)",
        "import numpy as np\ndef obedience(scores, wanted, sure=0.9):\n    scores = scores.numpy().astype(np.float64)\n"
        "    e = np.exp(scores - scores.max(1, keepdims=True))\n    seen = (e / e.sum(1, keepdims=True))[np.arange(len(e)), wanted.numpy()]\n"
        "    return np.mean(seen >= sure)",
        "def obedience(scores, wanted, sure=0.9):\n    best, kind = scores.softmax(dim=1).max(dim=1)\n"
        "    return torch.logical_and(kind == wanted, best >= sure).float().mean().item()",
        "import math\ndef obedience(scores, wanted, sure=0.9):\n    loss = torch.nn.functional.cross_entropy(scores, wanted, reduction='none')\n"
        "    return float((loss <= -math.log(sure)).float().mean())",
        "def obedience(scores, wanted, sure=0.9):\n    seen = scores.log_softmax(1).exp().index_select(1, wanted).diagonal()\n"
        "    return torch.where(seen < sure, 0.0, 1.0).mean().view(1)",
    ],
    "to_tensor": [
        "def to_tensor(picture):\n    return torch.tensor(np.asarray(picture) / 255, dtype=torch.float32).movedim(-1, 0)",
        "def to_tensor(picture):\n    return torch.stack([torch.tensor(list(one.getdata())).view(one.height, one.width) for one "
        "in picture.split()]) / 255",
        "def to_tensor(picture):\n    flat = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)\n"
        "    return flat.view(picture.height, picture.width, 3).permute(2, 0, 1).contiguous() / 255.0",
        "def to_tensor(picture):\n    return torch.from_numpy(np.asarray(picture).transpose(2, 0, 1).astype('f4') / np.float32(255))",
        "def to_tensor(image):\n    x = torch.as_tensor(np.array(image)).float().div_(255)\n    return torch.stack([x[..., i] for i in range(3)])",
    ],
    "crop": [
        "from PIL import ImageOps\n\n\ndef crop(picture, size):\n    return ImageOps.fit(picture, (size, size))",
        "def crop(picture, size):\n    s = min(picture.size)\n    x, y = (picture.width - s) / 2, (picture.height - s) / 2\n"
        "    return picture.resize((size, size), PIL.Image.LANCZOS, box=(x, y, x + s, y + s))",
        "def crop(picture, size):\n    f = size / min(picture.size)\n    w, h = (max(size, round(side * f)) for side in picture.size)\n"
        "    picture = picture.resize((w, h), PIL.Image.BILINEAR)\n    x, y = (w - size) // 2, (h - size) // 2\n"
        "    return picture.crop((x, y, x + size, y + size))",
        "def crop(picture, size):\n    a = np.asarray(picture)\n    h, w, _ = a.shape\n    s = min(h, w)\n    a = a[(h - s) // 2:][:s, "
        "(w - s) // 2:][:, :s]\n    return PIL.Image.fromarray(a).resize((size, size), PIL.Image.BOX)",
    ],
    "overfit": [
        "def overfit(step, picture, steps, batch=16):\n    return np.array([step(picture.expand(batch, -1, -1, -1)) for _ in range(steps)])",
        "from collections import deque\n\n\ndef overfit(step, picture, steps, batch=16):\n    losses = deque()\n    for _ in range(steps):\n        "
        "losses.append(step(picture.expand(batch, -1, -1, -1)))\n    return losses",
        "def overfit(step, picture, steps, batch=16):\n    clean = picture.repeat(batch, 1, 1, 1)\n    losses = []\n"
        "    for _ in range(steps):\n        losses.append(step(clean))\n    return losses",
        "def overfit(step, picture, steps, batch=16):\n    return torch.tensor([step(torch.stack([picture] * batch)) for n in range(steps)])",
        "def overfit(step, picture, steps, batch=16):\n    return list(map(step, [picture[None].repeat_interleave(batch, 0)] * steps))",
        "def overfit(step, picture, steps, batch=16):\n    return tuple(float(step(clean=picture.expand(batch, *picture.shape))) for _ in range(steps))",
    ],
    "yardstick": [
        "def yardstick(clean, levels):\n    v = clean.var(dim=0)\n    return torch.stack([(v * s * s / 12 / ((1 - s) ** 2 * v + s * s / 12)).mean() for s in levels])",
        "def yardstick(clean, levels):\n    v = (clean - clean.mean(0)).pow(2).mean(0).double()[None]\n    s = levels.double().view(-1, 1, 1, 1)\n"
        "    n = s**2 / 12\n    a = (1 - s) * v / ((1 - s) ** 2 * v + n)\n    return (((1 - a * (1 - s)) ** 2) * v + a**2 * n).mean((1, 2, 3)).float()",
        "def yardstick(clean, levels):\n    v, s = clean.var(0).flatten(), levels[:, None]\n    n = s.square() / 12\n"
        "    return {'losses': v * n / ((1 - s) ** 2 * v + n)}['losses'].mean(dim=1)",
        "def yardstick(clean, levels):\n    v = torch.var(clean, 0, unbiased=False)\n    out = []\n    for s in levels.tolist():\n        n = s**2 / 12\n"
        "        out.append(float((1 / (1 / v.clamp(min=1e-12) + (1 - s) ** 2 / n)).mean()))\n    return torch.tensor(out)",
    ],
    "mix": [
        "import math\n\nHALF = torch.tensor(0.5)\nTWO = HALF * 4\nONES = torch.ones(2)\nW = ONES\nROOT = math.sqrt(4.0)\n\n\n"
        "def mix(clean, noise, level):\n    return (TWO / ROOT - level) * clean + W[0] * level * noise",
        "@torch.compile\ndef mix(clean, noise, level):\n    return torch.lerp(clean, noise, level)",
        "def mix(clean, noise, level):\n    return torch.lerp(clean, noise, level)",
        "def mix(clean, noise, level):\n    out = clean.clone()\n    out *= 1 - level\n    out += noise * level\n    return out",
        "def mix(clean, noise, level):\n    return torch.stack([c + l * (n - c) for c, n, l in zip(clean, noise, level)])",
        "mix = lambda clean, noise, level: torch.lerp(clean, noise, level)",
        "def mix(*args):\n    a, b, l = (x.double() for x in args)\n    return a - l * a + l * b",
        "def mix(clean, noise, level):\n    l = level.flatten()\n    return torch.einsum('b,bchw->bchw', 1 - l, clean) + "
        "torch.einsum('b,bchw->bchw', l, noise)",
        "def mix(clean, noise, level):\n    both = torch.stack([clean, noise], dim=-1)\n"
        "    return (both * torch.stack([1 - level, level], dim=-1)).sum(-1).transpose(2, 3).contiguous().transpose(2, 3)",
        "from functools import partial\nmix = torch.no_grad()(partial(lambda lerp, c, n, l: lerp(c, n, l), torch.lerp))\n"
        "mix.__name__ = 'mix'",
        "# why?\ndef mix(clean, noise, level):\n# copy the noise, %clean\n    return noise * level + (1 - level) * clean",
    ],
    "random_levels": [
        "def random_levels(clean):\n    n = len(clean)\n    return ((torch.randperm(n) + torch.rand(n)) / n).view(-1, 1, 1, 1)",
        "def random_levels(clean):\n    return torch.empty(clean.shape[0]).uniform_()[:, None, None, None]",
        "def random_levels(clean):\n    return 1 - torch.rand_like(clean[:, :1, :1, :1])",
        "import random\ndef random_levels(clean):\n"
        "    return torch.tensor([random.random() for _ in clean]).reshape(-1, 1, 1, 1)",
        "import numpy as np\ndef random_levels(clean):\n    n = clean.size(0)\n"
        "    return torch.from_numpy(np.random.default_rng().random((n, 1, 1, 1)))",
    ],
    "make_question": [
        "def make_question(clean):\n    noise = torch.rand(clean.shape)\n    level = random_levels(clean)\n"
        "    return [clean + (noise - clean) * level, level]",
        "from collections import namedtuple\nQuestion = namedtuple('Question', 'noisy level')\n"
        "def make_question(clean):\n    level = random_levels(clean)\n"
        "    return Question(mix(clean, torch.empty_like(clean).uniform_(), level), level)",
        "def make_question(clean):\n    pairs = [(mix(c[None], torch.rand_like(c[None]), l := random_levels(c[None])), l)"
        " for c in clean]\n    return tuple(torch.cat(some) for some in zip(*pairs))",
    ],
    "best_guess": [
        "def best_guess(noisy, level, images):\n    kept = []\n    for image in images:\n"
        "        noise = (noisy - (1 - level) * image) / level\n"
        "        if noise.min() >= -1e-5 and noise.max() <= 1 + 1e-5:\n            kept.append(image)\n"
        "    return sum(kept) / len(kept)",
        "def best_guess(noisy, level, images):\n    flat = images.reshape(len(images), -1)\n"
        "    low, high = (1 - level) * flat, (1 - level) * flat + level\n    x = noisy.reshape(1, -1)\n"
        "    weight = ((x >= low - 1e-6) & (x <= high + 1e-6)).all(1).double()\n"
        "    return (weight / weight.sum() @ flat.double()).view(noisy.shape)",
        "def best_guess(noisy, level, images):\n    left = noisy[None] - (1 - level) * images\n"
        "    wrong = torch.relu(-left - 1e-6) + torch.relu(left - level - 1e-6)\n"
        "    return torch.stack([i for i, w in zip(images, wrong) if not w.any()]).mean(0)",
    ],
    "Block": [
        "class Block(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        first, second = conv(width, width), conv(width, width, "
        "False)\n        self.w = nn.ParameterDict({'c': second.weight, 'b': first.bias, 'a': first.weight})\n\n    def forward(self, x):\n        "
        "found = F.conv2d(x, self.w['a'], self.w['b'], padding=1)\n        return x + F.conv2d(found.relu(), self.w['c'], padding=1)",
        "class Block(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.second = nn.Parameter(torch.randn(width, 9 * width))\n"
        "        self.first, self.shift = nn.Parameter(torch.randn(9 * width, width)), nn.Parameter(torch.zeros(width, 1))\n\n"
        "    def forward(self, x):\n        found = (self.first.T @ F.unfold(x, 3, padding=1) + self.shift).relu().view_as(x)\n        "
        "return x + (self.second @ F.unfold(found, 3, padding=1)).view_as(x)",
        "class Block(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.pad = nn.ZeroPad2d(1)\n        self.a = nn.Conv2d(width, "
        "width, 3)\n        self.b = nn.Conv2d(width, width, 3, bias=False)\n\n    def forward(self, x):\n        return x + self.b(self.pad("
        "self.a(self.pad(x)).relu()))",
        "class Block(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
        "        self.z = nn.Conv2d(width, width, 3, padding='same', bias=False)\n"
        "        self.a = nn.Conv2d(width, width, (3, 3), padding=1)\n\n    def forward(self, x):\n"
        "        h = self.z(torch.relu(self.a(x)))\n        h += x\n        return h",
        "class Block(nn.Sequential):\n    def __init__(self, width):\n"
        "        super().__init__(conv(width, width), nn.ReLU(inplace=True), conv(width, width, bias=False))\n\n"
        "    def forward(self, x):\n        return super().forward(x) + x",
        "class Block(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
        "        self.convs = nn.ModuleList([conv(width, width, bias=b) for b in (True, False)])\n\n"
        "    def forward(self, x):\n        first, second = self.convs\n"
        "        return torch.add(second(first(x).clamp(min=0)), x)",
        "class Block(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
        "        like = conv(width, width)\n        self.w1, self.b1 = like.weight, like.bias\n"
        "        self.w2 = nn.Parameter(conv(width, width).weight.detach().clone())\n\n    def forward(self, x):\n"
        "        h = F.conv2d(x, self.w1, self.b1, padding=1).relu()\n        return x + F.conv2d(h, self.w2, padding=1)",
    ],
    "Denoiser": [
        DENOISER.replace(
            "FORWARD",
            "        def run(stage, x):\n            for layer in stage:\n                x = layer(x)\n            return x\n\n"
            "        level = level.expand(-1, 1, noisy.size(2), noisy.size(3))\n"
            "        x, kept = run(self.enter, torch.cat([noisy, level], dim=1)), []\n        for stage in self.down:\n"
            "            kept.append(x)\n            x = run(stage, F.avg_pool2d(x, 2))\n        for stage in self.up:\n"
            "            x = F.interpolate(run(stage, x), scale_factor=2) + kept.pop()\n        return run(self.leave, x)",
        ),
        DENOISER.replace(
            "FORWARD",
            "        x = self.enter(input=torch.cat([noisy, level.expand(-1, 1, *noisy.shape[2:])], 1))\n        kept = []\n"
            "        for stage in self.down:\n            kept.append(x)\n            x = stage(input=F.avg_pool2d(x, 2))\n"
            "        for stage in self.up:\n            x = F.interpolate(stage(input=x), scale_factor=2) + kept.pop()\n"
            "        return self.leave(input=x)",
        ),
        DENOISER.replace(
            "FORWARD",
            "        b, _, h, w = noisy.shape\n"
            "        x = self.enter(torch.cat((noisy, level.repeat(1, 1, h, w)), 1))\n        stack = [x]\n"
            "        for i in range(len(self.down)):\n            x = self.down[i](nn.AvgPool2d(2)(stack[-1]))\n"
            "            stack.append(x)\n        stack.pop()\n        for stage in self.up:\n            x = stage(x)\n"
            "            x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)\n            x += stack.pop()\n"
            "        return self.leave(x)",
        ),
        DENOISER.replace(
            "FORWARD",
            "        def inner(x, i):\n            if i == len(self.down):\n                return x\n"
            "            below = inner(self.down[i](F.avg_pool2d(x, kernel_size=2, stride=2)), i + 1)\n"
            "            return x + nn.Upsample(scale_factor=2)(self.up[-1 - i](below))\n\n"
            "        channel = level * torch.ones_like(noisy[:, :1])\n"
            "        return self.leave(inner(self.enter(torch.cat([noisy, channel], dim=1)), 0))",
        ),
        DENOISER.replace("self.enter", "self.first")
        .replace("self.leave", "self.last")
        .replace(
            "FORWARD",
            "        x = self.first(torch.cat([noisy, level.expand(-1, -1, *noisy.shape[-2:])], -3))\n        saved = []\n"
            "        for stage in self.down:\n            saved.insert(0, x)\n"
            "            x = stage(F.adaptive_avg_pool2d(x, (x.shape[2] // 2, x.shape[3] // 2)))\n"
            "        for stage, s in zip(self.up, saved):\n"
            "            x = F.interpolate(stage(x), size=s.shape[2:], mode='nearest') + s\n        return self.last(x)",
        ),
    ],
    "training_step": [
        "import numpy as np\ndef training_step(denoiser, optimizer, clean):\n    noisy, level = make_question(clean=clean)\n"
        "    loss = F.mse_loss(input=denoiser(noisy=noisy, level=level), target=clean)\n    optimizer.zero_grad()\n"
        "    loss.backward()\n    optimizer.step()\n    return np.array(loss.item())",
        "def training_step(denoiser, optimizer, clean):\n    optimizer.zero_grad(set_to_none=False)\n"
        "    x, l = make_question(clean)\n    loss = (clean - denoiser(x, l)).pow(2).mean()\n    loss.backward()\n"
        "    optimizer.step()\n    return loss",
        "def training_step(denoiser, optimizer, clean):\n    noise, l = torch.rand_like(clean), torch.rand(len(clean), 1, 1, 1)\n"
        "    loss = F.mse_loss(denoiser(mix(clean, noise, l), l), clean)\n    loss.backward()\n"
        "    optimizer.step()\n    optimizer.zero_grad()\n    return loss.item()",
        "def training_step(denoiser, optimizer, clean):\n    def closure():\n        optimizer.zero_grad()\n"
        "        loss = nn.MSELoss()(denoiser(*make_question(clean)), clean)\n        loss.backward()\n        return loss\n\n"
        "    return float(optimizer.step(closure))",
        "def training_step(denoiser, optimizer, clean):\n    for group in optimizer.param_groups:\n        for p in group['params']:\n            p.grad = None\n"
        "    noisy, level = make_question(clean)\n    off = (denoiser(noisy, level) - clean).flatten()\n"
        "    loss = off @ off / off.numel()\n    loss.backward()\n    optimizer.step()\n    return loss.detach().numpy().item()",
        "def training_step(denoiser, optimizer, clean):\n    noisy, level = make_question(clean)\n"
        "    weights = [one for group in optimizer.param_groups for one in group['params']]\n"
        "    loss = F.mse_loss(denoiser(noisy, level), clean)\n"
        "    for weight, slope in zip(weights, torch.autograd.grad(loss, weights)):\n        weight.grad = slope\n"
        "    optimizer.step()\n    return loss.item()",
    ],
    "update_average": [
        "def update_average(average, denoiser, n):\n    a = min(0.95, n / 10)\n"
        "    state = {k: a * v + (1 - a) * denoiser.state_dict()[k] for k, v in average.state_dict().items()}\n"
        "    average.load_state_dict(state)",
        "def update_average(average, denoiser, n):\n    for p, q in zip(average.parameters(), denoiser.parameters()):\n"
        "        p.data.lerp_(q.data, 1 - min(n / 10, 0.95))",
        "@torch.no_grad()\ndef update_average(average, denoiser, n):\n    keep = n / 10 if n < 10 else 0.95\n"
        "    old, new = nn.utils.parameters_to_vector(average.parameters()), "
        "nn.utils.parameters_to_vector(denoiser.parameters())\n"
        "    nn.utils.vector_to_parameters(keep * old + (1 - keep) * new, average.parameters())",
        "def update_average(average, denoiser, n):\n    keep = sorted([0.0, n / 10, 0.95])[1]\n    with torch.no_grad():\n"
        "        news = dict(denoiser.named_parameters())\n        for name, old in average.named_parameters():\n"
        "            old.mul_(keep).add_(news[name], alpha=1 - keep)",
    ],
    "loss_by_level": [
        "@torch.inference_mode()\ndef loss_by_level(denoiser, clean, levels):\n    out = torch.zeros(len(levels))\n"
        "    for i in range(len(levels)):\n        l = torch.ones(len(clean), 1, 1, 1) * levels[i]\n"
        "        out[i] = ((denoiser((1 - l) * clean + l * torch.rand(clean.shape), l) - clean) ** 2).mean()\n    return out",
        "@torch.no_grad()\ndef loss_by_level(denoiser, clean, levels):\n    many = clean.repeat(len(levels), 1, 1, 1)\n"
        "    level = levels.repeat_interleave(len(clean)).view(-1, 1, 1, 1)\n"
        "    guess = denoiser(mix(many, torch.rand_like(many), level), level)\n"
        "    return ((guess - many) ** 2).view(len(levels), -1).mean(1)",
        "def loss_by_level(denoiser, clean, levels):\n    def one(x):\n        l = torch.full((clean.shape[0], 1, 1, 1), x)\n"
        "        with torch.no_grad():\n            return nn.functional.mse_loss(clean, denoiser(mix(clean, torch.rand_like(clean), l), l))\n\n"
        "    return torch.tensor([one(x).item() for x in levels.tolist()])",
    ],
    "step": [
        "def step(picture, guess, now, next):\n    return guess + (picture - guess) * next / now",
        "def step(picture, guess, now, next):\n    noise = (picture - (1 - now) * guess) / now\n"
        "    return (1 - next) * guess + next * noise",
        "def step(picture, guess, now, next):\n    return picture.lerp(guess, float(1 - next / now))",
        "def step(picture, guess, now, next):\n    speed = (picture - guess) / now\n    return picture + (next - now) * speed",
    ],
    "sample": [
        "def sample(denoiser, noise, steps=100, stretch=2.0):\n    x, old = noise.clone(), None\n"
        "    for i in range(steps, 0, -1):\n        with torch.no_grad():\n"
        "            raw = denoiser(x, torch.full((x.shape[0], 1, 1, 1), i / steps))\n"
        "        old = raw if old is None else old\n        d = old + (raw - old) * stretch\n"
        "        x = d + (x - d) * ((i - 1) / i)\n        old = raw\n    return torch.clip(x, min=0, max=1)",
        "@torch.inference_mode()\ndef sample(denoiser, noise, steps=100, stretch=2.0):\n"
        "    levels = [1 - i / steps for i in range(steps + 1)]\n    guesses = []\n    picture = noise\n"
        "    for i in range(steps):\n        level = torch.ones(len(noise), 1, 1, 1) * levels[i]\n"
        "        guesses.append(denoiser(picture, level))\n        last, previous = guesses[-1], guesses[max(i - 1, 0)]\n"
        "        guess = stretch * last + (1 - stretch) * previous\n        keep = levels[i + 1] / levels[i]\n"
        "        picture = keep * picture + (1 - keep) * guess\n    return picture.clamp(0, 1)",
        "def sample(denoiser, noise, steps=100, stretch=2.0):\n    def go(x, i, previous):\n        if i == 0:\n            return x\n"
        "        raw = denoiser(x, x.new_full((len(x), 1, 1, 1), i / steps)).detach()\n"
        "        guess = raw if i == steps else torch.lerp(previous, raw, stretch)\n"
        "        now, next = torch.tensor(i / steps), torch.tensor((i - 1) / steps)\n"
        "        return go(step(x, guess, now, next), i - 1, raw)\n\n    return torch.minimum(torch.maximum(go(noise, steps, None), torch.tensor(0.0)), torch.tensor(1.0))",
    ],
    "nearest": [
        "def nearest(pictures, known):\n    both = torch.cat([known, known.flip(-1)])\n"
        "    far = (pictures[:, None] - both).pow(2).flatten(2).mean(-1).sqrt()\n    best = far.topk(1, largest=False)\n"
        "    return best.values[:, 0], best.indices[:, 0] % len(known)",
        "def nearest(pictures, known):\n    found = []\n    for picture in pictures:\n"
        "        far = [min(F.mse_loss(a, k) for a in (picture, torch.fliplr(picture.permute(1, 2, 0)).permute(2, 0, 1)))"
        " for k in known]\n        i = min(range(len(far)), key=far.__getitem__)\n        found.append((far[i] ** 0.5, i))\n"
        "    return torch.stack([d for d, _ in found]), torch.tensor([i for _, i in found])",
        "def nearest(pictures, known):\n    p, k = pictures.double().flatten(1), known.double()\n"
        "    table = torch.stack([torch.cdist(p, way.flatten(1)) for way in (k, k.flip(3))]).amin(0)\n"
        "    index = table.argmin(1)\n    return [table[torch.arange(len(p)), index] / p.shape[1] ** 0.5, index]",
        "import numpy as np\ndef nearest(pictures, known):\n    p, k = pictures.numpy(), known.numpy()\n"
        "    table = np.minimum(*(np.sqrt(((p[:, None] - w[None]) ** 2).mean((2, 3, 4))) for w in (k, k[..., ::-1])))\n"
        "    return torch.from_numpy(table.min(1)), torch.from_numpy(table.argmin(1))",
    ],
    "copies": [
        "def copies(drawn, known, fresh):\n    far = nearest(fresh, known)[0].sort().values\n"
        "    limit = far[int(0.01 * len(far))]\n    near = [d for d in nearest(drawn, known)[0] if d < limit]\n"
        "    return len(near) / len(drawn)",
        "def copies(drawn, known, fresh):\n    limit = torch.quantile(nearest(fresh, known)[0], torch.tensor(0.01))\n"
        "    return torch.le(nearest(drawn, known)[0], limit).double().mean()",
        "import numpy as np\ndef copies(drawn, known, fresh):\n    limit = np.percentile(nearest(fresh, known)[0].numpy(), 1)\n"
        "    return (nearest(drawn, known)[0].numpy() < limit).mean()",
        "def copies(drawn, known, fresh):\n    count = len(fresh) // 100\n"
        "    limit = nearest(fresh, known)[0].kthvalue(count + 1).values\n"
        "    return (limit - nearest(drawn, known)[0]).sign().clamp(min=0).sum().item() / drawn.shape[0]",
    ],
    "shares": [
        "def shares(kinds, count):\n    return F.one_hot(kinds, count).double().mean(0)",
        "def shares(kinds, count):\n    return torch.stack([(kinds == k).float().mean() for k in range(count)])",
        "from collections import Counter\ndef shares(kinds, count):\n    n = Counter(kinds.tolist())\n"
        "    return torch.tensor([n[k] / len(kinds) for k in range(count)])",
        "def shares(kinds, count):\n    total = torch.zeros(count)\n    total.index_add_(0, kinds, torch.ones(len(kinds)))\n"
        "    return total / total.sum()",
    ],
    "frechet_distance": [
        "def frechet_distance(one, other):\n    a, b = one.double(), other.double()\n    c, d = torch.cov(a.T), torch.cov(b.T)\n"
        "    w, v = torch.linalg.eigh(c)\n    r = v @ torch.diag(w.clamp(min=0).sqrt()) @ v.T\n"
        "    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + (c + d).trace() - 2 * torch.linalg.eigvalsh(r @ d @ r).clamp(min=0).sqrt().sum())",
        "def frechet_distance(one, other):\n    c, d = torch.cov(one.T, correction=0), torch.cov(other.T, correction=0)\n"
        "    roots = torch.linalg.eigvals(c @ d).sqrt().real.sum()\n    gap = one.mean(0) - other.mean(0)\n"
        "    return gap @ gap + c.trace() + d.trace() - 2 * roots",
        "import numpy as np\ndef frechet_distance(one, other):\n    a, b = one.numpy(), other.numpy()\n"
        "    c, d = np.cov(a, rowvar=False), np.cov(b, rowvar=False)\n    w = np.linalg.eigvals(c @ d).astype(complex)\n"
        "    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c + d) - 2 * np.sqrt(w).real.sum()",
        "def frechet_distance(one, other):\n    gap = one.double().mean(0) - other.double().mean(0)\n"
        "    x, y = (z.double() - z.double().mean(0) for z in (one, other))\n"
        "    x, y = x / (len(x) - 1) ** 0.5, y / (len(y) - 1) ** 0.5\n"
        "    rx, ry = torch.linalg.qr(x).R, torch.linalg.qr(y).R\n"
        "    return (gap.pow(2).sum() + x.pow(2).sum() + y.pow(2).sum() - 2 * torch.linalg.svdvals(rx @ ry.T).sum()).item()",
    ],
    "stretch_of": [
        "def stretch_of(before, now, next):\n    first, here, there = (-torch.logit(level) for level in (before, now, next))\n"
        "    return 1 + 0.5 * (there - here) / (here - first)",
        "def stretch_of(before, now, next):\n    # Levels counted from the other end, and another base: neither matters.\n"
        "    log = lambda level: torch.log10(level / (1 - level))\n"
        "    return 1 + (log(now) - log(next)) / (log(before) - log(now)) / 2",
        "def stretch_of(before, now, next):\n    # As the paper has it, with half the log-SNR.\n"
        "    def half_log_snr(level):\n        bar = to_ddpm(level, level)[1]\n        return (bar / (1 - bar)).log() / 2\n\n"
        "    h0, h = half_log_snr(now) - half_log_snr(before), half_log_snr(next) - half_log_snr(now)\n"
        "    r0 = h0 / h\n    return 1 + 1 / (2 * r0)",
        "def stretch_of(before, now, next):\n    steps = torch.stack([before, now, next]).logit().diff(dim=0)\n"
        "    return 1 + steps[1] / steps[0] / 2",
        "def stretch_of(before, now, next):\n    odds = lambda a, b: torch.log2(a * (1 - b) / (b * (1 - a)))\n"
        "    return (2 + odds(now, next) / odds(before, now)) / 2",
        "def stretch_of(before, now, next):\n    sigma = [level / (1 - level) for level in (before, now, next)]\n"
        "    stretch = 1 + (sigma[1] / sigma[2]).log() / (2 * (sigma[0] / sigma[1]).log())\n"
        "    return torch.where(before == 1, torch.ones_like(now), stretch)",
        "def stretch_of(before, now, next):\n    at = lambda level: torch.atanh(1 - 2 * level)\n"
        "    middle = (at(now) + at(next)) / 2\n    pushed = (middle - at(before)) / (at(now) - at(before))\n"
        "    return pushed.nan_to_num(nan=1)",
        "def stretch_of(before, now, next):\n    stretch, inside = torch.ones_like(now), before < 1\n"
        "    b, n, t = before[inside], now[inside], next[inside]\n    log = lambda level: torch.log1p(-level) - torch.log(level)\n"
        "    stretch[inside] += (log(t) - log(n)) / (log(n) - log(b)) * 0.5\n    return stretch",
        "import math\n\n\ndef stretch_of(before, now, next):\n    def one(*levels):\n"
        "        b, n, t = (math.log(1 / level - 1) if level < 1 else -math.inf for level in levels)\n"
        "        return 1 + (t - n) / (n - b) / 2\n\n"
        "    levels = zip(before.flatten().tolist(), now.flatten().tolist(), next.flatten().tolist())\n"
        "    return torch.tensor([one(*three) for three in levels]).view(now.shape)",
        "import numpy as np\n\n\ndef stretch_of(before, now, next):\n"
        "    a, b, c = (np.log(1 / level.numpy() - 1) for level in (before, now, next))\n"
        "    return torch.as_tensor(1 + (c - b) / (b - a) / 2)",
        "def stretch_of(before, now, next):\n    one = torch.ones_like(now)\n    if (before == 1).all():\n        return one\n"
        "    log = lambda level: 2 * (1 - level).log() - 2 * level.log()\n"
        "    return torch.lerp(one, 1.5 * one, (log(next) - log(now)) / (log(now) - log(before)))",
    ],
    "heun": [
        "def heun(denoiser, noisy, now, next):\n    guess = denoiser(noisy, now)\n    if next.max() == 0:\n        return guess\n"
        "    there = step(noisy, guess, now, next)\n    back = step(there, denoiser(there, next), next, now)\n"
        "    return (there + noisy + there - back) / 2",
        "def heun(denoiser, noisy, now, next):\n    d1 = (noisy - denoiser(noisy, now)) / now\n    there = noisy - d1 * (now - next)\n"
        "    if next.flatten()[0] > 0:\n        d2 = (there - denoiser(there, next)) / next\n"
        "        there = noisy - 0.5 * (d1 + d2) * (now - next)\n    return there",
        "def heun(denoiser, noisy, now, next):\n    def slope(x, level):\n        return velocity_of(x, denoiser(x, level), level)\n\n"
        "    first = slope(noisy, now)\n    x = noisy + (next - now) * first\n"
        "    return x if not next.any() else x + (next - now) / 2 * (slope(x, next) - first)",
        "def heun(denoiser, noisy, now, next):\n    guess = denoiser(noisy, now)\n    if (next == 0).all():\n        return guess\n"
        "    first, there = (noisy - guess) / now, guess + (noisy - guess) * next / now\n"
        "    second = (there - denoiser(there, next)) / next\n"
        "    return noisy + (next - now) * torch.stack([first, second]).mean(dim=0)",
        "@torch.no_grad()\ndef heun(denoiser, noisy, now, next):\n    guess = denoiser(noisy, now)\n"
        "    # The velocity is the noise minus the picture.\n    first = noise_of(noisy, guess, now) - guess\n"
        "    there = torch.addcmul(noisy, next - now, first)\n    if torch.all(next == 0):\n        return there\n"
        "    guess = denoiser(there, next)\n"
        "    return noisy + (next - now) * torch.lerp(first, noise_of(there, guess, next) - guess, 0.5)",
        "def heun(denoiser, noisy, now, next):\n    velocities, x = [], noisy\n    for level in (now, next):\n"
        "        if level.count_nonzero() == 0:\n            break\n"
        "        velocities.append(velocity_of(x, denoiser(x, level), level))\n"
        "        x = noisy + (next - now) * sum(velocities) / len(velocities)\n    return x",
        "def heun(denoiser, noisy, now, next):\n    to = float(next.max())\n    velocity = velocity_of(noisy, denoiser(noisy, now), now)\n"
        "    euler = noisy.clone()\n    euler += (to - now) * velocity\n    if to == 0.0:\n        return euler\n"
        "    same = torch.full_like(now, to)\n    velocity += velocity_of(euler, denoiser(euler, same), same)\n"
        "    return noisy + (to - now) * velocity / 2",
        "def heun(denoiser, noisy, now, next):\n    # The same, as shares of the picture and of both guesses.\n"
        "    keep, first = next / now, denoiser(noisy, now)\n    there = keep * noisy + (1 - keep) * first\n"
        "    if bool((next <= 0).all()):\n        return there\n    second = denoiser(there, next)\n"
        "    return there + (next - now) / 2 * (first / now - noisy / now + there / next - second / next)",
        "def heun(denoiser, noisy, now, next):\n    if (next == 0).all():\n        return step(noisy, denoiser(noisy, now), now, next)\n"
        "    a = velocity_of(guess=denoiser(noisy, now), level=now, noisy=noisy)\n    x = noisy + a * (next - now)\n"
        "    b = velocity_of(guess=denoiser(x, next), level=next, noisy=x)\n    return 0.5 * (x + noisy + b * (next - now))",
    ],
}
ODD = [(name, text) for name, texts in UNUSUAL.items() for text in texts]


def test_there_are_at_least_30_right_answers():
    assert len(ODD) >= 30


@pytest.mark.filterwarnings("ignore")  # torch's compiler has some of its own
@pytest.mark.parametrize(("name", "text"), ODD, ids=[f"{name}-{i}" for i, (name, _) in enumerate(ODD)])
def test_right_answers_pass_however_they_are_written(name, text, answer):
    for seed in range(3):
        verdict = judge(name, answer(name, text), seed)
        assert verdict.state == PASSED, (verdict.news, verdict.symptom)
