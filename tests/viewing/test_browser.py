"""The page in a real browser: it plays, keeps to limits, is used by keyboard, fits a phone, and shows text as text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import HOSTILE, Site, serving, shared_row

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
_ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--autoplay-policy=no-user-gesture-required"),
)
#: Waits for the browser's own event that playing has stopped, and tells where it has.
_PLAYED = """() => new Promise((done) => {
  const video = document.querySelector("video");
  const told = { least: Infinity, most: 0 };
  video.addEventListener("timeupdate", () => {
    told.least = Math.min(told.least, player.now); told.most = Math.max(told.most, player.now);
  });
  video.addEventListener("pause", () => done(told), { once: true });
  document.querySelector(".controls button").click();
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        yield started
        started.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A new page, on which nothing may go wrong and nothing may be fetched from elsewhere."""
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda asked: None if "//127.0.0.1" in asked.url else wrong.append(asked.url))
    yield opened
    context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def site(videos: dict[str, Path]) -> Iterator[Site]:
    import datasets

    import video_sft
    from video_sft._viewing.opened import Opened
    from video_sft._viewing.row_set import RowSet

    rows = [
        shared_row(
            0,
            "Where is the cat?",
            videos["plain"],
            start_seconds=0.5,
            stop_seconds=1.25,
            choices=["here", "there"],
            answer="there",
            answer_index=1,
            evidence=[{"start_seconds": 0.75, "stop_seconds": 1.0}],
        ),
        shared_row(1, HOSTILE, videos["avi"], question_type=HOSTILE, choices=[HOSTILE, "b"], answer=HOSTILE),
        shared_row(2, "Without a medium.", task="reasoning"),
        shared_row(3, "Where is the mouse?", videos["mkv"]),
        *(shared_row(number, f"More of it, {number}.", task="reasoning") for number in range(4, 30)),
    ]
    found = RowSet(datasets.Dataset.from_list(rows, features=video_sft.features()))
    with serving(Opened("made", {"train": lambda: found}, None), notice="A sentence.") as served:
        yield served


def show(page: Any, site: Site, row: int | None = None, words: str = "") -> None:
    page.goto(f"{site.address}#{words}{'' if row is None else f'&row={row}'}")
    page.reload()
    page.locator("#rows a").first.wait_for(state="attached")
    if row is not None:
        page.locator("#detail dd").first.wait_for(state="attached")


def test_a_clip_plays_from_its_start_to_its_stop(page: Any, site: Site) -> None:
    show(page, site, 0)
    page.get_by_role("button", name="Play the clip").wait_for()
    told = page.evaluate(_PLAYED)
    assert told["least"] >= 0.45
    assert told["most"] <= 1.4
    assert page.evaluate("player.now") == pytest.approx(1.25, abs=0.1)
    page.get_by_role("button", name="evidence 0.75 s to 1 s: play").click()
    assert page.evaluate("player.limits") == [0.75, 1.0]
    assert page.locator(".options li.right").inner_text() == "there ✓ the answer"
    # Scrubbing stays within the clip, unless the whole file is asked for.
    page.evaluate("() => { player.video.pause(); player.video.currentTime = 1.9; }")
    page.locator("text=the whole file").click()
    page.evaluate("() => { player.video.currentTime = 1.9; }")
    assert page.evaluate("player.now") == pytest.approx(1.9, abs=0.1)


def test_what_browsers_do_not_play_is_played_all_the_same(page: Any, site: Site) -> None:
    show(page, site, 1)
    page.get_by_role("button", name="Play").first.wait_for()
    told = page.evaluate(_PLAYED)
    assert page.evaluate("player.medium.way") == "converted"
    assert told["most"] == pytest.approx(2.0, abs=0.3)


def test_text_of_rows_is_shown_and_never_acted_on(page: Any, site: Site) -> None:
    show(page, site, 1)
    assert page.locator(".turn .said").first.inner_text() == HOSTILE
    assert page.locator(".options li").first.inner_text().startswith("<img src=x")
    assert page.locator("#rows a").nth(1).inner_text().startswith("<img src=x")
    assert page.title() == "made/1 – made"
    assert page.evaluate("document.querySelectorAll('main script, #detail img[src=x]').length") == 0


def test_filters_words_pages_and_keys(page: Any, site: Site) -> None:
    show(page, site)
    count = page.locator("#count")
    assert count.inner_text() == "30 rows"
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("reasoning").check()
    page.locator("#count", has_text="27 rows of 30").wait_for()
    assert page.get_by_label("reasoning").evaluate("box => box === document.activeElement")
    page.get_by_role("button", name="Next page").click()
    page.locator("#of", has_text="of 2").wait_for()
    page.locator("#rows a", has_text="More of it, 29").wait_for()
    page.get_by_role("button", name="Clear all filters").click()
    page.locator("#count", has_text="30 rows").wait_for()
    page.keyboard.press("Tab")
    page.locator("body").press("/")
    page.keyboard.type("the mouse")
    page.keyboard.press("Enter")
    page.locator("#count", has_text="1 row of 30").wait_for()
    show(page, site)
    page.locator("body").press("j")
    page.locator("#detail h2", has_text="made/0").wait_for()
    page.locator("body").press("j")
    page.locator("#detail h2", has_text="made/1").wait_for()
    page.locator("body").press("k")
    page.locator("#detail h2", has_text="made/0").wait_for()
    page.go_back()
    page.locator("#detail h2", has_text="made/1").wait_for()
    show(page, site, 19)
    page.locator("body").press("j")
    page.locator("#detail h2", has_text="made/20").wait_for()
    assert page.locator("#page").input_value() == "2"


@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1000, "light")])
def test_it_fits_is_named_and_can_be_read(browser: Any, site: Site, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    show(page, site, 0)
    page.get_by_role("button", name="Play the clip").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    named = """() => [...document.querySelectorAll("input, select, button, video, a[href]")].filter((each) => {
      const label = each.labels && each.labels.length ? each.labels[0].innerText || each.labels[0].textContent : "";
      return !(label || each.getAttribute("aria-label") || each.textContent).trim();
    }).map((each) => each.outerHTML)"""
    assert page.evaluate(named) == []
    assert page.evaluate("[...document.images].filter((image) => !image.hasAttribute('alt')).length") == 0
    contrast = """() => {
      const light = (name) => {
        const part = (value) => ((value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = getComputedStyle(document.body)[name].match(/\\d+/g).map(Number).map(part);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
      };
      const [one, other] = [light("color"), light("backgroundColor")];
      return Math.max(one, other) / Math.min(one, other);
    }"""
    assert page.evaluate(contrast) > 7
    if width == 400:
        assert not page.locator("#list").is_visible()
        page.get_by_role("button", name="Back to the list").click()
        page.locator("#rows a").first.wait_for()
        assert not page.locator("#detail").is_visible()
    context.close()


def test_clips_show_themselves_in_notebooks(page: Any, videos: dict[str, Path]) -> None:
    import video_sft

    clip = video_sft.Clip(videos["plain"], 0.5, 1.25)
    page.set_content(f"<!doctype html><title>t</title>{clip._repr_html_()}{clip.frames(count=4)._repr_html_()}")
    begun = """() => new Promise((done) => {
      const video = document.querySelector("video"), told = () => done(video.currentTime);
      if (video.readyState >= 2) told(); else video.addEventListener("loadeddata", told);
    })"""
    assert page.evaluate(begun) == pytest.approx(0.5, abs=0.05)
    assert page.evaluate("[...document.images].map((image) => image.naturalWidth > 300)") == [True, True]
