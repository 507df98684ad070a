"""The box for prompts on the front page: one says what is to be drawn, and sees what the words change."""

import difflib
import gzip
import io

import numpy as np
import pytest
import torch
from PIL import Image

from dino.captions import FILLERS
from dino.conditioning import planes, prompted, read
from dino.course.site.build import BEGINNING, page_noise
from dino.saving import PROMPTED, load_denoiser
from tests.site.test_browser import IMPORTS, NARROW, packed, pixels, violations

DRAWING = "dino-prompt .drawings canvas"


@pytest.fixture(scope="module")
def denoiser():
    return load_denoiser(PROMPTED)


@pytest.fixture
def front(reader):
    """Opens the front page, and waits until the box shows its first drawings."""

    def open_page(**more):
        page = reader(**more)
        page.get_by_role("img", name=f"drawing 1: {BEGINNING['prompt']}").wait_for()
        return page

    return open_page


def box(page):
    """The box, which draws in two steps and without guidance here, for to draw takes long."""
    page.locator("dino-prompt").evaluate("""(box) => {
        box.course.steps = 2;
        box.guidance.input.value = 1;
    }""")
    return page.locator("dino-prompt")


def field(page):
    return page.locator("dino-prompt").get_by_label("What shall it draw?")


def drawings(page):
    """The drawings, when they are done, (4, 32, 32, 3)."""
    page.locator("dino-prompt [role=status]", has_text="Done.").wait_for(timeout=30000)
    return shown(page)


def shown(page):
    return np.stack([pixels(page, f"{DRAWING} >> nth={i}") for i in range(page.locator(DRAWING).count())])


def pressed(page):
    return page.locator("dino-prompt .chips [aria-pressed=true]").all_inner_texts()


def fetched(page):
    return page.evaluate("performance.getEntriesByType('resource').map((one) => one.name.split('/').at(-1))")


# The network, the recipe and the words, against those of the lesson.


def test_a_guess_for_a_prompt_in_the_page_is_that_of_torch(reader, denoiser):
    noisy, level = torch.rand(3, 3, 32, 32), torch.tensor([0.2, 0.6, 1.0]).view(-1, 1, 1, 1)
    prompts = (torch.rand(3, len(denoiser.words)) < 0.3).float()
    prompts[0] = 0
    script = f"""async ([pictures, levels, prompts]) => {{ {IMPORTS}
        const denoiser = await trained("prompts-32");
        const guess = (i, told) => Array.from(denoiser.guess(floats(pictures[i]), told));
        return [denoiser.words, levels.map((level, i) => guess(i, [level, ...prompts[i]])), guess(0, levels[0])];
    }}"""
    given = [[packed(one) for one in noisy], level.flatten().tolist(), prompts.tolist()]
    words, ours, untold = reader().evaluate(script, given)
    assert words == denoiser.words
    with torch.no_grad():
        theirs, other = (denoiser(noisy, planes(level, one)) for one in (prompts, 1 - prompts))
    torch.testing.assert_close(torch.tensor(ours).view_as(theirs), theirs, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.tensor(untold).view_as(theirs[0]), theirs[0], atol=1e-5, rtol=0)
    assert (theirs - other).abs().mean() > 0.01


@pytest.mark.parametrize(("guidance", "asked"), [(1, 1), (0, 2), (2.5, 2)])
def test_guidance_in_the_page_is_that_of_the_lesson_and_asks_no_more_often(reader, guidance, asked):
    def wavy(noisy, told):
        return torch.sin(noisy * 9 + (told * torch.arange(1, 4).view(-1, 1, 1)).sum(dim=1, keepdim=True))

    noisy, level = torch.rand(1, 3, 4, 4), torch.full((1, 1, 1, 1), 0.3)
    wanted, unwanted = torch.tensor([1.0, 0]), torch.tensor([0, 1.0])
    script = f"""async ([picture, level, wanted, unwanted, guidance]) => {{ {IMPORTS}
        const {{ prompted }} = await import("/live/recipe.js");
        let asked = 0;
        const wavy = (noisy, told) => {{
            asked += 1;
            const sum = told.reduce((sum, number, i) => sum + (i + 1) * number, 0);
            return noisy.map((number) => Math.sin(number * 9 + sum));
        }};
        const guess = prompted(wavy, wanted, guidance, unwanted)(floats(picture), level);
        return [Array.from(guess), asked];
    }}"""
    ours, times = reader().evaluate(script, [packed(noisy), 0.3, wanted.tolist(), unwanted.tolist(), guidance])
    theirs = prompted(wavy, wanted, guidance, unwanted)(noisy, level)
    torch.testing.assert_close(torch.tensor(ours).view_as(theirs), theirs, atol=1e-5, rtol=0)
    assert times == asked


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_the_noise_that_the_site_is_built_with_is_that_of_the_page(reader, seed):
    script = f"async (seed) => {{ {IMPORTS} return Array.from(noise(seed, 3 * 32 * 32)); }}"
    assert page_noise(seed).flatten().tolist() == reader().evaluate(script, seed)


def test_a_prompt_is_read_in_the_page_as_in_the_lesson_and_unknown_words_have_the_same_neighbours(reader, denoiser):
    texts = ["a red t-rex facing left", "", "RED, Blue;T-REX", "redder t rex-", "größer räd - blau_x", "bleu trex lefft dragon", "dinosaur", "a dino"]  # fmt: skip
    script = """async (texts) => {
        const { read, passedOver } = await import("/live/prompt.js");
        const course = await (await fetch("/live/prompt.json")).json();
        return texts.map((text) => {
            const { numbers, unknown } = read(text, course);
            return [numbers, unknown, passedOver(unknown, course.words)];
        });
    }"""
    for text, (numbers, unknown, sentence) in zip(texts, reader().evaluate(script, texts), strict=True):
        assert numbers == read(text, denoiser.words).tolist()
        nearest = [(word, *difflib.get_close_matches(word, denoiser.words, n=1)) for word in unknown]
        named = ", ".join(f"{word} (nearest: {near[0]})" if near else word for word, *near in nearest)
        assert sentence == (f"Not known to the network: {named}." if unknown else "")
        assert not FILLERS.intersection(unknown)
    assert unknown == ["dino"]


@pytest.mark.parametrize(
    ("text", "word", "then"),
    [
        ("", "red", "red"),
        ("a t-rex ", "red", "a t-rex red"),
        ("a Red t-rex", "red", "a t-rex"),
        ("red, blue", "red", "blue"),
        ("a t-rex, red, facing left", "red", "a t-rex, facing left"),
        ("a red t-rex facing left", "left", "a red t-rex facing"),
        ("redder red-dish", "red", "redder red-dish red"),
    ],
)
def test_a_word_is_put_into_a_text_or_taken_out_of_it(reader, text, word, then):
    script = 'async (given) => (await import("/live/prompt.js")).toggled(...given)'
    assert reader().evaluate(script, [text, word]) == then


# What one can do.


def test_the_box_begins_with_what_it_would_draw_and_fetches_no_network_until_it_is_used(front):
    page = front()
    before = shown(page)
    assert len(before) == BEGINNING["count"]
    assert field(page).input_value() == BEGINNING["prompt"]
    assert sorted(pressed(page)) == sorted(word for word in BEGINNING["prompt"].split() if word not in FILLERS)
    assert [one for one in fetched(page) if "safetensors" in one] == []
    page.locator("dino-prompt").get_by_role("button", name="Draw").click()
    assert np.abs(drawings(page) - before).max() < 3
    assert [one for one in fetched(page) if "safetensors" in one] == ["prompts-32.safetensors"]
    page.get_by_role("img", name=f"drawing 4: {BEGINNING['prompt']}").wait_for()


def test_typed_words_change_what_is_drawn_from_the_same_noise_until_one_asks_for_other_noise(front):
    page = front()
    here, seen = box(page), {}
    for prompt in ("a green stegosaurus", "a pink stegosaurus", "a green stegosaurus"):
        field(page).fill(prompt)
        field(page).press("Enter")
        page.get_by_role("img", name=f"drawing 1: {prompt}").wait_for(timeout=30000)
        last = seen.get(prompt)
        seen[prompt] = drawings(page)
        assert last is None or (last == seen[prompt]).all()
        assert set(pressed(page)) == set(prompt.split()) - {"a"}
    green, pink = (drawn.mean(axis=(1, 2)) for drawn in (seen["a green stegosaurus"], seen["a pink stegosaurus"]))
    assert ((pink - green)[:, 0] > 5).all()
    assert ((green - pink)[:, 1] > 5).all()
    # "Done." is still there from the drawing before.
    here.locator("[role=status]").evaluate("(status) => { status.textContent = ''; }")
    here.get_by_role("button", name="New noise").click()
    other = drawings(page)
    assert all(np.abs(one - old).mean() > 1 for one in other for old in seen["a green stegosaurus"])


def test_the_words_are_chips_that_go_into_the_prompt_and_out_of_it(front, denoiser):
    page = front()
    here = box(page)
    chips = here.get_by_role("group", name="words that the network knows").get_by_role("button")
    assert chips.all_inner_texts() == denoiser.words
    chips.get_by_text("blue", exact=True).click()
    assert field(page).input_value() == "a red t-rex facing left blue"
    assert "blue" in pressed(page)
    drawings(page)
    chips.get_by_text("red", exact=True).press("Enter")
    assert field(page).input_value() == "a t-rex facing left blue"
    assert "red" not in pressed(page)
    page.get_by_role("img", name="drawing 4: a t-rex facing left blue").wait_for(timeout=30000)


def test_unknown_words_are_named_and_the_others_are_drawn(front):
    page = front()
    here = box(page)
    begin = shown(page)
    field(page).fill("a dragon or a drake")
    field(page).press("Enter")
    here.get_by_text("Not known to the network: dragon, or, drake. Choose from the words below.").wait_for()
    assert (shown(page) == begin).all()
    field(page).fill("a bleu t-rex")
    field(page).press("Enter")
    here.get_by_text("Done. Not known to the network: bleu (nearest: blue).").wait_for(timeout=30000)
    strange = drawings(page)
    field(page).fill("t-rex")
    field(page).press("Enter")
    here.get_by_text("Done.", exact=True).wait_for(timeout=30000)
    assert (drawings(page) == strange).all()


def test_what_is_to_be_avoided_has_an_effect_with_guidance_and_without_it_that_is_said(front):
    page = front()
    here = box(page)
    here.get_by_role("button", name="Draw").click()
    plain = drawings(page)
    here.get_by_text("Negative prompt").click()
    here.get_by_label("What shall it not draw?").fill("green")
    here.get_by_label("What shall it not draw?").press("Enter")
    here.get_by_text("Done. At guidance 1, what is to be avoided has no effect.").wait_for(timeout=30000)
    assert (drawings(page) == plain).all()
    seen = {}
    for words in ("green", "pink"):
        here.get_by_label("What shall it not draw?").fill(words)
        here.get_by_role("slider", name="guidance").fill("2")
        here.get_by_role("button", name="Draw").click()
        page.wait_for_timeout(200)
        here.get_by_text("Done.", exact=True).wait_for(timeout=30000)
        seen[words] = drawings(page)
    assert np.abs(seen["green"] - seen["pink"]).mean() > 0.5


def test_a_network_that_does_not_come_is_told_and_asked_for_again(front):
    page = front()
    here = box(page)
    page.route("**/prompts-32.safetensors", lambda route: route.fulfill(status=200, body="no weights"))
    here.get_by_role("button", name="Draw").click()
    page.wait_for_function("!/^$|Fetching/.test(document.querySelector('dino-prompt [role=status]').textContent)")
    assert "Done." not in here.locator("[role=status]").inner_text()
    page.unroute("**/prompts-32.safetensors")
    here.get_by_role("button", name="Draw").click()
    drawings(page)


@pytest.mark.parametrize(("motion", "least", "most"), [("reduce", 4, 4), ("no-preference", 12, 16)])
def test_drawings_are_animated_but_not_for_who_wants_no_motion_and_a_new_wish_ends_the_one_before(
    front, motion, least, most
):
    page = front(reduced_motion=motion)
    here = box(page)
    page.evaluate("""() => {
        window.seen = 0;
        const paint = CanvasRenderingContext2D.prototype.putImageData;
        CanvasRenderingContext2D.prototype.putImageData = function (...given) {
            paint.apply(this, given);
            window.seen += this.canvas.closest("dino-prompt .drawings") !== null;
        };
    }""")
    here.get_by_role("button", name="Draw").evaluate("""async (button) => {
        button.click();
        const status = button.form.querySelector("[role=status]");
        while (!status.textContent.startsWith("Drawing")) await new Promise(requestAnimationFrame);
        button.click();
    }""")
    drawings(page)
    page.wait_for_timeout(500)
    assert least <= page.evaluate("window.seen") <= most


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_of_a_phone_shows_a_dinosaur(reader, javascript, scheme):
    page = reader(viewport=NARROW, java_script_enabled=javascript, color_scheme=scheme)
    place = page.locator(DRAWING if javascript else "dino-prompt img").first.bounding_box()
    assert place["y"] > 0
    assert place["y"] + place["height"] < NARROW["height"]
    assert place["width"] > 100
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=place))).convert("RGB")).astype(float)
    assert (shot > 240).all(axis=2).mean() > 0.3  # white paper, and something on it
    assert (shot.max(axis=2) - shot.min(axis=2) > 60).mean() > 0.1
    if not javascript:
        assert BEGINNING["prompt"] in page.locator("dino-prompt").inner_text()
        assert BEGINNING["prompt"] in page.locator("dino-prompt img").get_attribute("alt")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_that_one_touches_in_the_box_is_large_enough_and_named(front, scheme):
    page = front(viewport=NARROW, has_touch=True, is_mobile=True, color_scheme=scheme)
    page.locator("dino-prompt details").evaluate("(one) => (one.open = true)")
    for one in page.locator("dino-prompt :is(button, input[type=text])").all():
        place = one.bounding_box()
        assert min(place["width"], place["height"]) >= 40
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert violations(page) == []


def test_the_front_page_with_the_network_of_the_box_is_sent_in_at_most_2_6_megabytes(reader):
    page, answers = reader("begin/"), {}
    page.on("response", lambda answer: answers.update({answer.url: answer}))
    page.goto(page.url.removesuffix("begin/"), wait_until="networkidle")
    page.get_by_role("img", name="drawing 1").wait_for()
    box(page).get_by_role("button", name="Draw").click()
    drawings(page)
    # Hosts send text in gzip, and all else as it is.
    whole = (".safetensors", ".png", ".wasm")
    sizes = {url: len(one.body() if url.endswith(whole) else gzip.compress(one.body())) for url, one in answers.items()}
    assert 2_000_000 < sum(sizes.values()) <= 2_600_000, sizes
