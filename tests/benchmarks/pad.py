"""How fast the pad on the pages is: `mkdocs build --site-dir FOLDER`, then `python tests/benchmarks/pad.py FOLDER`.

Draws five times from the scribble that the front page begins with, at strength 0.6, in Chromium without a graphics card:
25 steps without thinking again, and then as the pad does unless told otherwise. Prints the median time until the first
guess is painted and until the drawing is done, once the network is there.
"""

import functools
import http.server
import shutil
import statistics
import sys
import threading

from playwright.sync_api import sync_playwright

DRAW = """async ([steps, times]) => {
    const pad = document.querySelector("dino-pad");
    pad.steps.input.value = steps;
    pad.times.input.value = times;
    await pad.network();
    const [begin, paint] = [performance.now(), CanvasRenderingContext2D.prototype.putImageData];
    let first;
    CanvasRenderingContext2D.prototype.putImageData = function (...given) {
        first ??= performance.now() - begin;
        paint.apply(this, given);
    };
    await pad.draw(1);
    CanvasRenderingContext2D.prototype.putImageData = paint;
    return [first, performance.now() - begin];
}"""


def main(folder: str) -> None:
    """Print the medians."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"http://127.0.0.1:{server.server_port}/", wait_until="networkidle")
        for steps, times in ((25, 0), (12, 1)):
            runs = [page.evaluate(DRAW, [steps, times]) for _ in range(5)]
            first, whole = (statistics.median(values) for values in zip(*runs, strict=True))
            print(f"{steps} steps, thinking again {times} times: first guess {first:.0f} ms, drawing {whole:.0f} ms")
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
