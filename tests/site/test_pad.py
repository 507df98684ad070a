"""The pad on the pages: one scribbles, and the model makes a dinosaur of it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dino import editing, pen
from dino.course.site.build import drawn_from
from dino.data import to_tensor
from dino.editing import sample_known
from dino.saving import load_denoiser
from tests.site.conftest import WIDE
from tests.site.test_browser import IMPORTS, NARROW, packed, pixels, violations

ROOT = Path(__file__).parents[2]
SCRIBBLE, DRAWING = "dino-pad .paper canvas", "dino-pad .drawings canvas"


def at(pad, x, y):
    """Where a pixel of the pad lies on the screen."""
    box = pad.locator(".paper canvas").first.bounding_box()
    return box["x"] + (x + 0.5) * box["width"] / 32, box["y"] + (y + 0.5) * box["height"] / 32


def drag(page, *places):
    """Draws on the pad with the mouse, from pixel to pixel."""
    pad = page.locator("dino-pad")
    pad.locator(".paper").scroll_into_view_if_needed()
    page.mouse.move(*at(pad, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*at(pad, *place))
    page.mouse.up()


def press(page, *names):
    for name in names:
        page.locator("dino-pad").get_by_role("button", name=name, exact=True).click()


def scribble(page):
    return pixels(page, SCRIBBLE + ":first-child")


def drawings(page, count):
    """The drawings that the model has finished."""
    page.locator("dino-pad").get_by_text("Done.").wait_for(timeout=20000)
    places = page.locator(DRAWING)
    assert places.count() == count
    return [pixels(page, f"{DRAWING} >> nth={i}") for i in range(count)]


def fetched(page, name):
    return page.evaluate(
        "(name) => performance.getEntriesByType('resource').some((one) => one.name.includes(name))", name
    )


@pytest.mark.parametrize(("times", "strength", "steps"), [(0, 0.6, 12), (0, 1.0, 7), (1, 0.6, 12), (2, 0.8, 4)])
def test_what_the_page_makes_of_a_scribble_and_a_mask_is_what_the_lesson_makes(
    reader, monkeypatch, times, strength, steps
):
    picture, noise, known = torch.rand(3, 32, 32), torch.rand(3, 32, 32), (torch.rand(32, 32) < 0.3).float()
    fresh = [torch.rand(3, 32, 32) for _ in range(times * steps)]
    script = f"""async ([picture, known, start, fresh, strength, times, steps]) => {{ {IMPORTS}
        const {{ sampleKnown }} = await import("/live/recipe.js");
        const denoiser = await trained();
        const guess = (picture, level) => denoiser.guess(picture, level);
        const next = () => floats(fresh.shift());
        const seen = [...sampleKnown(guess, floats(picture), floats(known), floats(start), next, strength, times, steps)];
        return [seen.map((one) => one.level), Array.from(seen.at(-1).picture)];
    }}"""
    given = [packed(picture), packed(known), packed(noise), [packed(one) for one in fresh], strength, times, steps]
    levels, ours = reader().evaluate(script, given)
    assert levels == pytest.approx(np.linspace(strength, 0, steps + 1))
    left = list(fresh)
    monkeypatch.setattr(editing.torch, "rand_like", lambda _: left.pop(0)[None])
    theirs = sample_known(load_denoiser(), picture[None], known[None, None], noise[None], strength, times, steps)
    assert not left
    torch.testing.assert_close(torch.tensor(ours).view_as(theirs), theirs, atol=1e-3, rtol=0)


def test_fresh_noise_belongs_to_its_seed_and_is_new_at_every_call(reader):
    script = """async () => {
        const { freshNoise, noise } = await import("/live/recipe.js");
        const of = (seed) => { const next = freshNoise(seed, 3000); return [next(), next()].map((one) => Array.from(one)); };
        return [...of(1), ...of(1), ...of(2), Array.from(noise(1, 3000))];
    }"""
    first, second, again, again_second, *others = (np.array(one) for one in reader().evaluate(script))
    assert (first == again).all()
    assert (second == again_second).all()
    every = np.corrcoef([first, second, *others])
    assert np.abs(every - np.eye(len(every))).max() < 0.1


def test_the_colours_of_the_pad_are_those_of_the_course(reader):
    ours = reader().evaluate("async () => (await import('/live/pad.js')).COLOURS")
    assert ours == {
        **{name: list(body) for name, (body, _) in pen.COLOURS.items()},
        "ink": list(pen.INK),
        "eraser": list(pen.WHITE),
    }


def test_the_pad_begins_with_a_scribble_and_what_the_model_makes_of_it_and_fetches_no_network(reader):
    page = reader()
    path = ROOT / "docs" / "live" / "scribble.png"
    expected = to_tensor(Image.open(path).convert("RGB"))
    assert scribble(page) == pytest.approx(255 * expected.permute(1, 2, 0).numpy(), abs=0.6)
    drawn = 255 * drawn_from(path)[0].permute(1, 2, 0).numpy()
    assert np.abs(pixels(page, DRAWING) - drawn).max() < 1.1
    assert np.abs(drawn - scribble(page)).mean() > 5
    page.wait_for_timeout(500)
    assert not fetched(page, "safetensors")
    assert not fetched(page, "wasm")
    drag(page, (3, 3), (4, 3))
    page.wait_for_function("performance.getEntriesByType('resource').some((one) => one.name.includes('safetensors'))")


def test_one_draws_with_the_mouse_and_can_erase_mirror_undo_and_redo(reader):
    page = reader()
    press(page, "Clear", "red", "small brush")
    drag(page, (2, 5), (12, 5))
    expected = np.full((32, 32, 3), 255.0)
    expected[5, 2:13] = pen.COLOURS["red"][0]
    assert (scribble(page) == expected).all()
    press(page, "eraser", "medium brush")
    drag(page, (12, 5))
    erased = expected.copy()
    erased[4:7, 11:14] = 255
    assert (scribble(page) == erased).all()
    press(page, "Mirror")
    assert (scribble(page) == erased[:, ::-1]).all()
    press(page, "Undo", "Undo")
    assert (scribble(page) == expected).all()
    press(page, "Redo")
    assert (scribble(page) == erased).all()
    press(page, "Undo", "Undo", "Undo", "Undo")
    assert len(np.unique(scribble(page).reshape(-1, 3), axis=0)) > 2  # what was there before it was cleared
    assert page.locator("dino-pad button[aria-pressed=true]").count() == 2  # one tool, one brush


def test_a_finger_draws_on_the_pad_and_scrolls_the_page_beside_it(reader):
    page = reader(viewport=NARROW, has_touch=True, is_mobile=True)
    pad = page.locator("dino-pad")
    press(page, "Clear", "blue")
    pad.locator(".paper").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)

    def swipe(places):
        kinds = ["touchStart", *["touchMove"] * (len(places) - 1)]
        for kind, (x, y) in zip(kinds, places, strict=True):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
            page.wait_for_timeout(20)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(300)

    swipe([at(pad, 16, y) for y in range(28, 3, -4)])
    assert page.evaluate("scrollY") == before
    assert (scribble(page)[4:29, 16] == pen.COLOURS["blue"][0]).all()
    drawn = scribble(page)
    box = pad.locator(".paper canvas").first.bounding_box()
    swipe([(box["x"] - 12, box["y"] + 200 - 20 * i) for i in range(8)])
    assert page.evaluate("scrollY") > before
    assert (scribble(page) == drawn).all()


def test_one_draws_with_the_keyboard_alone(reader):
    page = reader()
    pad = page.locator("dino-pad")
    canvas = pad.get_by_role("application", name="your scribble")
    told = page.locator(f"#{canvas.get_attribute('aria-describedby')}").inner_text()
    assert "arrows" in told
    assert "Space" in told
    for name in ("Clear", "teal", "small brush"):
        pad.get_by_role("button", name=name, exact=True).press("Enter")
    canvas.focus()
    for key in ["ArrowLeft"] * 3 + ["ArrowUp"] * 2:
        page.keyboard.press(key)
    assert (scribble(page) == 255).all()
    pad.get_by_text("The brush is up, at column 14 and row 15.").wait_for()
    page.keyboard.press("Space")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")  # takes the brush off the paper
    page.keyboard.press("ArrowDown")
    expected = np.full((32, 32, 3), 255.0)
    expected[14, 13:18] = pen.COLOURS["teal"][0]
    assert (scribble(page) == expected).all()
    shown = pixels(page, f"{SCRIBBLE}:last-child")
    assert (shown > 0).any()  # where the brush is
    pad.get_by_role("button", name="Make it a dinosaur").press("Enter")
    drawings(page, 1)


def test_what_is_hatched_stays_and_the_rest_is_drawn_anew(reader):
    page = reader()
    press(page, "Keep this", "large brush")
    drag(page, (20, 6), (24, 10))
    page.get_by_text("What is hatched stays as it is.").wait_for()
    kept = page.locator("dino-pad").evaluate("(pad) => Array.from(pad.now.known)")
    kept = np.array(kept).reshape(32, 32) == 1
    assert 30 < kept.sum() < 200
    assert kept[6, 20]
    before = scribble(page)
    press(page, "Four variations")
    for drawing in drawings(page, 4):
        assert (drawing[kept] == before[kept]).all()
        assert np.abs(drawing - before)[~kept].mean() > 3
    # A mask that begins with what is to be drawn anew keeps all the rest.
    press(page, "Keep nothing", "Redraw this")
    drag(page, (8, 8))
    known = np.array(page.locator("dino-pad").evaluate("(pad) => Array.from(pad.now.known)")).reshape(32, 32)
    assert known[8, 8] == 0
    assert known.sum() == 1024 - 37
    press(page, "Undo")
    assert page.locator("dino-pad").evaluate("(pad) => pad.now.known") is None


def test_variations_differ_and_a_click_on_one_puts_it_on_the_pad(reader):
    page = reader()
    page.get_by_role("slider", name="strength").fill("1")
    press(page, "Four variations")
    four = drawings(page, 4)
    for i, one in enumerate(four):
        assert (one > 240).all(axis=2).mean() > 0.4  # white paper, and something on it
        assert all(np.abs(one - other).mean() > 1 for other in four[:i])
    page.locator("dino-pad .drawings button").nth(2).click()
    assert (scribble(page) == four[2]).all()
    press(page, "Undo")
    assert not (scribble(page) == four[2]).all()


def test_a_weak_drawing_keeps_the_scribble_and_a_strong_one_ignores_it(reader):
    page, far = reader(), {}
    for strength in ("0.1", "0.6", "1"):
        page.get_by_role("slider", name="strength").fill(strength)
        press(page, "Make it a dinosaur")
        (drawing,) = drawings(page, 1)
        far[strength] = np.abs(drawing - scribble(page)).mean()
    assert far["0.1"] < far["0.6"] < far["1"]
    page.get_by_role("slider", name="strength").fill("0.2")
    press(page, "Four variations")
    four = [np.abs(drawing - scribble(page)).mean() for drawing in drawings(page, 4)]
    page.get_by_text("Their strengths are 0.20 to 0.80.").wait_for()
    assert four[0] < four[3]


def test_a_picture_of_one_s_own_comes_by_file_or_is_dropped(reader, tmp_path):
    page = reader()
    wide = Image.new("RGB", (300, 200), "blue")
    wide.paste((250, 0, 0), (50, 0, 250, 200))  # the square in the middle, which is what counts
    wide.save(tmp_path / "red.png")
    page.locator("dino-pad").get_by_label("Your own picture").set_input_files(tmp_path / "red.png")
    page.wait_for_timeout(300)
    assert scribble(page)[:, 1:-1].reshape(-1, 3) == pytest.approx(np.tile([250, 0, 0], (960, 1)), abs=1)
    page.locator("dino-pad").evaluate("""async (pad) => {
        const canvas = new OffscreenCanvas(64, 64);
        const context = canvas.getContext("2d");
        context.fillStyle = "rgb(0, 90, 0)";
        context.fillRect(0, 0, 64, 64);
        const data = new DataTransfer();
        data.items.add(new File([await canvas.convertToBlob()], "green.png", { type: "image/png" }));
        pad.querySelector("canvas").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }""")
    page.wait_for_timeout(300)
    assert (scribble(page) == [0, 90, 0]).all()
    (tmp_path / "note.txt").write_text("hello")
    page.locator("dino-pad").get_by_label("Your own picture").set_input_files(tmp_path / "note.txt")
    page.get_by_text("note.txt is not a picture that this browser can read.").wait_for()


def test_the_gallery_survives_a_reload_and_is_saved_as_one_sheet(reader):
    page = reader()
    gallery = page.locator("dino-pad .gallery")
    assert not gallery.is_visible()
    press(page, "Four variations")
    four = drawings(page, 4)
    press(page, "Make it a dinosaur")
    page.locator("dino-pad .gallery > div:nth-child(5)").wait_for()
    (last,) = drawings(page, 1)
    page.reload(wait_until="networkidle")
    page.get_by_text("kept in this browser only").wait_for()
    hung = [pixels(page, f"dino-pad .gallery canvas >> nth={i}") for i in range(5)]
    assert all((one == other).all() for one, other in zip(hung, [last, *four], strict=True))
    press(page, "remove drawing 2")
    assert page.evaluate("document.activeElement.title") == "remove"
    page.reload(wait_until="networkidle")
    assert page.locator("dino-pad .gallery canvas").count() == 4
    gallery.get_by_role("button", name="drawing 1: put it on the pad").click()
    assert (scribble(page) == last).all()
    assert violations(page) == []
    with page.expect_download() as saved:
        press(page, "Save as PNG")
    assert saved.value.suggested_filename == "dinosaurs.png"
    with Image.open(saved.value.path()) as sheet:
        assert sheet.size == (4 * 256, 256)
        tiles = np.asarray(sheet.convert("RGB")).reshape(32, 8, 4, 32, 8, 3).transpose(2, 1, 4, 0, 3, 5)
    for tile, one in zip(tiles, [last, *four[1:]], strict=True):
        assert (tile == one).all()  # all 8 by 8 pixels of each pixel


def test_the_gallery_keeps_the_last_24_drawings(reader):
    page = reader()
    page.evaluate("""() => localStorage.setItem("dino-drawings", JSON.stringify(
        Array.from({ length: 23 }, (_, i) => btoa(String.fromCharCode(i).repeat(3072)))))""")
    page.reload(wait_until="networkidle")
    assert page.locator("dino-pad .gallery canvas").count() == 23
    press(page, "Four variations")
    drawings(page, 4)
    assert page.locator("dino-pad .gallery canvas").count() == 24
    assert (pixels(page, "dino-pad .gallery canvas >> nth=23") == 19).all()
    with page.expect_download() as saved:
        press(page, "Save as PNG")
    with Image.open(saved.value.path()) as sheet:
        assert sheet.size == (6 * 256, 4 * 256)


REFUSES = "function (key) { if (key === 'dino-drawings') throw new DOMException('no', 'SecurityError'); return null; }"


@pytest.mark.parametrize(
    "trouble",
    [
        f"Storage.prototype.getItem = {REFUSES}; Storage.prototype.setItem = {REFUSES}",
        f"Storage.prototype.setItem = {REFUSES}",
        "if (!localStorage['dino-drawings']) localStorage['dino-drawings'] = 'what?'",
    ],
    ids=["missing", "full", "spoilt"],
)
def test_a_browser_that_keeps_nothing_still_has_a_gallery_and_says_so(reader, trouble):
    page = reader("begin/")
    page.add_init_script(trouble)
    page.goto(page.url.removesuffix("begin/"), wait_until="networkidle")
    for count in (1, 2):
        press(page, "Make it a dinosaur")
        page.locator(f"dino-pad .gallery > div:nth-child({count})").wait_for(timeout=20000)
    press(page, "remove drawing 1")
    assert page.locator("dino-pad .gallery canvas").count() == 1
    said = "kept in this browser only" if "what?" in trouble else "This browser cannot keep them"
    page.get_by_text(said).wait_for()


@pytest.mark.parametrize(("motion", "seen"), [("reduce", 1), ("no-preference", 13)])
def test_a_drawing_is_animated_but_not_for_who_wants_no_motion(reader, motion, seen):
    page = reader(reduced_motion=motion)
    page.evaluate("""() => {
        window.seen = 0;
        const paint = CanvasRenderingContext2D.prototype.putImageData;
        CanvasRenderingContext2D.prototype.putImageData = function (...given) {
            paint.apply(this, given);
            requestAnimationFrame(() => (window.seen += this.canvas.closest(".drawings") !== null));
        };
    }""")
    press(page, "Make it a dinosaur")
    drawings(page, 1)
    page.wait_for_timeout(200)
    assert page.evaluate("window.seen") == seen


def test_a_new_wish_ends_the_drawing_before_it(reader):
    page = reader()
    press(page, "Four variations", "Make it a dinosaur")
    page.locator("dino-pad .gallery > div").first.wait_for(timeout=20000)
    page.wait_for_timeout(1000)
    assert page.locator("dino-pad .gallery canvas").count() == 1
    assert page.locator(DRAWING).count() == 1


@pytest.mark.parametrize("viewport", [NARROW, WIDE], ids=["narrow", "wide"])
def test_nothing_jumps_while_the_front_page_loads(reader, viewport):
    page = reader("begin/", viewport=viewport)
    page.add_init_script("""
        window.shift = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value)))
            .observe({ type: "layout-shift", buffered: true });
    """)
    page.goto(page.url.removesuffix("begin/"), wait_until="networkidle")
    page.locator(DRAWING).wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate("window.shift") < 0.02


def test_all_that_one_touches_is_large_enough_and_named(reader):
    page = reader(viewport=NARROW, has_touch=True, is_mobile=True)
    press(page, "Make it a dinosaur")
    page.locator("dino-pad .gallery > div").first.wait_for(timeout=20000)
    press(page, "Keep this")
    drag(page, (5, 5))
    page.locator("dino-pad details").evaluate("(one) => (one.open = true)")
    targets = page.locator("dino-pad :is(button, .button)")
    for box in (one.bounding_box() for one in targets.all()):
        assert min(box["width"], box["height"]) >= 40
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert violations(page) == []
