"""The website as a reader meets it, in a real browser: it is quiet, whole, readable, and alive."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import html5lib
import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from wasmtime import wat2wasm

from dino.course.chapters import chapters
from dino.data import dinosaurs, load
from dino.noise import mix
from dino.sampling import sample
from dino.saving import load_denoiser
from tests.site.conftest import WIDE

PAGES = [
    "",
    "begin/",
    "teaching/",
    "network/",
    "origin/",
    "training/",
    "comparison/",
    "glossary/",
    "lesson/",
    "changelog/",
]
PAGES += [f"chapters/{chapter.path.stem}/" for chapter in chapters()]
NARROW = {"width": 390, "height": 844}


class Links(HTMLParser):
    """All that a page links to, and all that can be linked to in it."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = [], {""}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors.add(given.get("id"))
        self.targets += [given[name] for name in ("href", "src") if given.get(name)]


def test_every_link_leads_to_a_page_and_a_place_in_it(site):
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    for path, page in pages.items():
        if path.name == "404.html":
            continue
        for target in page.targets:
            parts = urlsplit(urljoin(path.as_uri(), target))
            if parts.scheme != "file":
                assert re.match(r"https://(github\.com|colab\.research|arxiv\.org|\w)", target), target
                continue
            goal = type(path)(unquote(parts.path))
            goal = goal / "index.html" if goal.is_dir() else goal
            assert goal.is_file(), f"{path}: {target}"
            if goal.suffix == ".html":
                assert unquote(parts.fragment) in pages[goal].anchors, f"{path}: {target}"


def test_every_page_is_valid_html(site):
    for path in site.rglob("*.html"):
        html5lib.HTMLParser(strict=True).parse(path.read_text(encoding="utf-8"))


def violations(page, **options) -> list:
    """What axe finds in a page: which rule, and the first elements that break it."""
    found = Axe().run(page, options=options).response["violations"]
    return [(page.url, one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found]


# Of the words in code that are coloured alike and stand in the same kind of frame, axe need not look at more than two.
TWO_OF_EACH = """() => {
    const seen = {};
    for (const word of document.querySelectorAll("pre span")) {
        const kind = `${word.className} in ${word.closest("details, .admonition")?.className}`;
        seen[kind] = (seen[kind] ?? 0) + 1;
        if (seen[kind] > 2) word.replaceWith(...word.childNodes);
    }
}"""


def visit(page, path):
    page.goto(urljoin(page.url, f"/{path}"))
    page.wait_for_load_state("networkidle")


def test_pages_are_accessible_and_quiet(reader):
    page = reader()
    for path in PAGES:
        visit(page, path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDE["width"]
        page.evaluate(TWO_OF_EACH)
        assert violations(page) == []


def test_pages_have_contrast_in_the_dark_too(reader):
    page = reader(color_scheme="dark")
    for path in PAGES:
        visit(page, path)
        page.evaluate(TWO_OF_EACH)
        assert violations(page, runOnly=["color-contrast"]) == []


def test_pages_are_no_wider_than_a_phone(reader):
    page = reader(viewport=NARROW)
    for path in PAGES:
        visit(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path


def test_a_wide_picture_is_scrolled_on_a_phone_by_touch_or_keys_and_shown_whole_elsewhere(reader):
    address = f"chapters/{chapters()[5].path.stem}/"
    page = reader(address, viewport=NARROW)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    picture = page.locator("img.wide[src$='#only-light']").last
    picture.scroll_into_view_if_needed()
    assert picture.bounding_box()["height"] > 190
    assert picture.bounding_box()["width"] > NARROW["width"]
    frame = picture.locator("..")
    frame.press("ArrowRight")
    page.wait_for_function("(frame) => frame.scrollLeft > 0", arg=frame.element_handle())
    whole = reader(address)
    whole.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    frame = whole.locator("img.wide[src$='#only-light']").last.locator("..")
    assert frame.evaluate("(frame) => frame.scrollWidth <= frame.clientWidth && frame.tabIndex < 0")


def test_nothing_jumps_and_little_is_sent_while_a_chapter_loads(reader):
    page, late = reader(viewport=NARROW), {}
    page.route("**/*.webp", lambda route: late.update({route.request.url: route}))
    page.goto(urljoin(page.url, f"/chapters/{chapters()[0].path.stem}/"))
    page.evaluate("""() => {
        window.shift = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value)))
            .observe({ type: "layout-shift", buffered: true });
    }""")
    # What is folded has no place on the screen yet.
    pictures = page.locator("img.output[src$='#only-light']:not(details *)")
    assert pictures.count() > 2
    for picture in pictures.all():  # each comes late, when its place is on the screen already
        picture.evaluate("(element) => element.scrollIntoView({ block: 'center' })")
        page.wait_for_timeout(100)
        late[picture.evaluate("(element) => element.src.split('#')[0]")].continue_()
        page.wait_for_timeout(100)
    assert page.evaluate("window.shift") < 0.05
    sent = page.evaluate("performance.getEntriesByType('resource').map((one) => [one.name, one.encodedBodySize])")
    assert not any("safetensors" in name for name, _ in sent)


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_what_came_out_is_folded_until_a_reader_has_made_a_guess(reader, javascript):
    page, late = reader(viewport=NARROW, java_script_enabled=javascript), {}
    page.route("**/*.webp", lambda route: late.update({route.request.url: route}))
    address = urljoin(page.url, f"/chapters/{chapters()[0].path.stem}/")
    page.goto(address, wait_until="domcontentloaded")  # without JavaScript, no picture is lazy
    frame = page.locator("details.answer").first
    picture, caption = frame.locator("img[src$='#only-light']"), frame.get_by_text("Adding fails")
    assert not picture.is_visible() and not caption.is_visible()
    frame.locator("summary").press("Enter")
    caption.wait_for()
    picture.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    place = picture.bounding_box()  # before it has come
    assert not picture.evaluate("(element) => element.naturalWidth")
    late[picture.evaluate("(element) => element.src.split('#')[0]")].continue_()
    page.wait_for_timeout(500)
    assert picture.evaluate("(element) => element.naturalWidth")
    assert picture.bounding_box()["height"] == place["height"] > 50
    assert place["width"] < NARROW["width"]
    assert page.locator("details.answer").last.locator("img").first.is_visible() is False


def test_all_that_came_out_is_printed_and_no_solution(reader):
    page = reader(f"chapters/{chapters()[0].path.stem}/")
    page.emulate_media(media="print")
    frame = page.locator("details.answer").first
    assert frame.bounding_box()["height"] > frame.locator("img.output").first.bounding_box()["height"] > 100
    assert page.locator("details.success").first.bounding_box()["height"] < 60


def test_without_javascript_a_page_says_what_would_be_there(reader):
    page = reader(java_script_enabled=False)
    assert "where JavaScript is on" in page.locator("dino-draw").inner_text()


def test_the_webassembly_is_its_text_assembled():
    live = Path(__file__).parents[2] / "docs" / "live"
    assert wat2wasm((live / "convolve.wat").read_text()) == (live / "convolve.wasm").read_bytes()


# The network and the recipe, against those of the lesson.

IMPORTS = """
    const { Denoiser, trained } = await import("/live/denoiser.js");
    const { mix, noise, sample } = await import("/live/recipe.js");
    const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
"""


def packed(tensor):
    return base64.b64encode(tensor.contiguous().numpy().astype("<f4").tobytes()).decode()


def test_a_guess_in_the_page_is_that_of_torch(reader):
    clean = torch.rand(5, 3, 32, 32)
    level = torch.linspace(0, 1, 5).view(-1, 1, 1, 1)
    noisy = mix(clean, torch.rand_like(clean), level)
    with torch.no_grad():
        theirs = load_denoiser()(noisy, level)
    script = f"""async ([pictures, levels]) => {{ {IMPORTS}
        const denoiser = await trained();
        return levels.map((level, i) => Array.from(denoiser.guess(floats(pictures[i]), level)));
    }}"""
    ours = reader().evaluate(script, [[packed(one) for one in noisy], level.flatten().tolist()])
    torch.testing.assert_close(torch.tensor(ours).view_as(theirs), theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("steps", "stretch", "seed"), [(1, 2.0, 1), (7, 1.5, 2), (25, 2.0, 3)])
def test_a_drawing_in_the_page_is_that_of_the_lesson(reader, steps, stretch, seed):
    script = f"""async ([steps, stretch, seed]) => {{ {IMPORTS}
        const denoiser = await trained();
        const start = noise(seed, 3 * 32 * 32);
        const seen = [...sample((picture, level) => denoiser.guess(picture, level), start, steps, stretch)];
        return [seen.length, Array.from(start), Array.from(seen.at(-1).picture)];
    }}"""
    count, start, ours = reader().evaluate(script, [steps, stretch, seed])
    assert count == steps + 1
    theirs = sample(load_denoiser(), torch.tensor(start).view(1, 3, 32, 32), steps=steps, stretch=stretch)
    torch.testing.assert_close(torch.tensor(ours).view_as(theirs), theirs, atol=2e-3, rtol=0)


def test_noise_in_the_page_is_uniform_and_belongs_to_its_seed(reader):
    script = f"""async () => {{ {IMPORTS}
        return [1, 1, 2].map((seed) => Array.from(noise(seed, 30000)));
    }}"""
    one, again, other = (np.array(numbers) for numbers in reader().evaluate(script))
    assert (one == again).all()
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.02
    shares = np.histogram(one, bins=10, range=(0, 1))[0] / len(one)
    assert shares == pytest.approx(0.1, abs=0.01)


def test_the_network_in_the_page_refuses_what_it_cannot_handle(reader):
    script = f"""async ([length, size]) => {{ {IMPORTS}
        const denoiser = await trained();
        try {{ return denoiser.guess(new Float32Array(length), 0.5, size).length; }} catch (error) {{ return error.message; }}
    }}"""
    page = reader()
    assert page.evaluate(script, [3 * 64 * 64, 64]) == 3 * 64 * 64
    for length, size in ((3 * 30 * 30, 30), (3 * 48 * 48, 48), (5, 32)):
        assert (
            page.evaluate(script, [length, size]) == "A picture must be square, with sides that are a multiple of 32."
        )


# The parts that one can play with.


def pixels(page, place):
    """What a canvas shows, (height, width, colours)."""
    address = page.locator(place).evaluate("(canvas) => canvas.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB")).astype(float)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_slider_hides_a_dinosaur_and_the_network_finds_it(reader, viewport):
    page = reader(f"chapters/{chapters()[0].path.stem}/", viewport=viewport, has_touch=True)
    live = page.locator("dino-noise[guess]")
    live.scroll_into_view_if_needed()
    level = live.get_by_role("slider", name="noise level")
    level.focus()
    level.press("Home")
    page.wait_for_function("document.querySelector('dino-noise[guess]').textContent.includes('0.00')")
    clean = pixels(page, "dino-noise[guess] figure:nth-child(1) canvas")
    for _ in range(40):
        level.press("ArrowRight")
    live.get_by_role("img", name="the network's guess at noise level 0.40").wait_for()
    noisy = pixels(page, "dino-noise[guess] figure:nth-child(1) canvas")
    guess = pixels(page, "dino-noise[guess] figure:nth-child(2) canvas")
    assert np.abs(noisy - clean).mean() > 30
    assert np.abs(guess - clean).mean() < 10
    live.get_by_role("button", name="Another dinosaur").tap()
    page.wait_for_timeout(1000)
    assert np.abs(pixels(page, "dino-noise[guess] figure:nth-child(2) canvas") - guess).mean() > 10
    level.press("Home")
    other = pixels(page, "dino-noise[guess] figure:nth-child(1) canvas")
    assert np.abs(other - clean).mean() > 10
    for _ in range(40):
        level.press("ArrowRight")
    # Take the dinosaurs away, each of its own picture, and noise is left.
    noises = noisy - 0.6 * clean, pixels(page, "dino-noise[guess] figure:nth-child(1) canvas") - 0.6 * other
    assert np.abs(noises[0] - noises[1]).mean() > 20


def test_a_picture_of_one_s_own_can_be_hidden_and_anything_else_is_refused(reader, tmp_path):
    page = reader(f"chapters/{chapters()[0].path.stem}/")
    live = page.locator("dino-noise:not([guess])")
    wide = Image.new("RGB", (300, 200), "blue")
    wide.paste((250, 0, 0), (50, 0, 250, 200))  # the square in the middle, which is what counts
    wide.save(tmp_path / "red.png")
    live.get_by_role("slider", name="noise level").fill("0")
    live.get_by_label("Your own picture").set_input_files(tmp_path / "red.png")
    page.wait_for_timeout(300)
    inside = pixels(page, "dino-noise:not([guess]) canvas")[:, 1:-1]  # the border takes a little from its neighbours
    assert inside.reshape(-1, 3) == pytest.approx(np.tile([250, 0, 0], (960, 1)), abs=1)
    (tmp_path / "note.txt").write_text("hello")
    live.get_by_label("Your own picture").set_input_files(tmp_path / "note.txt")
    live.get_by_text("note.txt is not a picture that this browser can read.").wait_for()


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_click_draws_a_dinosaur_and_one_can_go_back_in_time(reader, viewport):
    page = reader(viewport=viewport)
    page.locator("dino-draw").get_by_role("button", name="Draw").click()
    page.locator("dino-draw").get_by_role("button", name="Pause").wait_for()
    page.locator("dino-draw").get_by_role("button", name="Draw another").wait_for(timeout=20000)
    drawing = pixels(page, "dino-draw figure:nth-child(1) canvas")
    assert (drawing > 240).all(axis=2).mean() > 0.4  # white paper, and something on it
    assert (drawing < 200).any(axis=2).mean() > 0.1
    page.get_by_role("slider", name="level").focus()
    page.get_by_role("slider", name="level").press("Home")
    page.get_by_role("img", name="the picture at level 1.00").wait_for()
    assert abs(pixels(page, "dino-draw figure:nth-child(1) canvas").mean() - 127.5) < 5
    page.locator("dino-draw").get_by_role("button", name="One step").click()
    page.locator("dino-draw").get_by_role("button", name="Draw another").wait_for()
    blur = pixels(page, "dino-draw figure:nth-child(1) canvas")
    mean = 255 * load(dinosaurs(512, seed=1)).mean(dim=0).permute(1, 2, 0).numpy()
    assert np.abs(blur - mean).mean() < 8 < np.abs(drawing - mean).mean()


def test_who_wants_no_motion_gets_the_drawing_at_once(reader):
    page = reader(reduced_motion="reduce")
    page.evaluate("""() => {
        window.seen = 0;
        new MutationObserver(() => window.seen++).observe(document.querySelector("dino-draw canvas"), { attributes: true });
    }""")
    page.locator("dino-draw").get_by_role("button", name="Draw").click()
    page.locator("dino-draw").get_by_role("button", name="Draw another").wait_for(timeout=20000)
    assert page.evaluate("window.seen") == 1


def test_broken_samplers_can_be_chosen_and_their_drawings_differ(reader):
    page = reader(f"chapters/{chapters()[3].path.stem}/", reduced_motion="reduce")
    live = page.locator("dino-draw[samplers]")
    drawings = {}
    live.get_by_label("sampler").wait_for()
    for name in live.get_by_label("sampler").locator("option").all_inner_texts():
        live.get_by_label("sampler").select_option(name)
        live.get_by_role("button", name="25 steps").click()
        live.get_by_role("button", name="Draw another").wait_for(timeout=20000)
        drawings[name] = pixels(page, "dino-draw[samplers] figure:nth-child(1) canvas")
    right = drawings.pop("as it should be")
    assert len(drawings) == 5
    for drawing in drawings.values():
        assert np.abs(drawing - right).mean() > 2


def test_formulas_are_set_and_only_pages_with_formulas_fetch_what_sets_them(reader):
    page = reader(f"chapters/{chapters()[4].path.stem}/")
    formulas = page.locator(".arithmatex")
    page.locator(".arithmatex math").last.wait_for()
    assert formulas.count() == page.locator(".arithmatex math").count() >= 5
    block = page.locator("div.arithmatex math")
    assert block.bounding_box()["height"] > 15
    # What is drawn, and not the source that MathML keeps beside it.
    drawn = block.evaluate("(math) => { math.querySelector('annotation')?.remove(); return math.textContent; }")
    assert "\u03bc" in drawn  # mu
    assert "\\" not in drawn
    page = reader("begin/")
    assert not page.evaluate("performance.getEntriesByType('resource').some((one) => one.name.includes('katex'))")


def test_live_parts_survive_going_away_and_coming_back(reader):
    page = reader()
    page.locator("dino-draw").get_by_role("button", name="Draw").click()
    page.locator("dino-draw").get_by_role("button", name="Pause").wait_for()
    page.get_by_role("link", name="Chapter 1").click()
    page.wait_for_url("**/chapters/**")
    page.locator("dino-noise").first.get_by_role("button", name="Another dinosaur").click()
    page.go_back()
    page.locator("dino-draw").get_by_role("button", name="Draw").click()
    page.locator("dino-draw").get_by_role("button", name="Draw another").wait_for(timeout=20000)
    # Pages that load in place take elements out and put them back in.
    page.locator("dino-draw").evaluate("(element) => element.parentNode.append(element)")
    page.locator("dino-draw").get_by_role("button", name="Draw another").wait_for(timeout=1000)
