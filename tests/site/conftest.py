"""A reader of the website, in a real browser."""

import pytest

WIDE = {"width": 1280, "height": 900}


@pytest.fixture
def reader(browser, address):
    """Opens pages. At the end, nothing was ever asked of another host, and no page had anything to complain about."""
    complaints, contexts = [], []

    def open_page(path="", viewport=WIDE, **more):
        context = browser.new_context(viewport=viewport, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # Who leaves a page ends what it still loads, which is no failure.
        page.on(
            "requestfailed",
            lambda asked: complaints.append(f"failed: {asked.url}") if "ERR_ABORTED" not in asked.failure else None,
        )
        page.on(
            "request",
            lambda asked: (
                complaints.append(asked.url) if asked.url[:4] == "http" and not asked.url.startswith(address) else None
            ),
        )
        page.goto(f"{address}/{path}", wait_until="networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
