"""The status page in a real Chromium: it loads, shows an uncovered function in the first screen, renews itself with and
without its script, fits a phone, and has nothing to say on the console.

EIPD_SCREENSHOTS=FOLDER keeps pictures of it, as docs/ has them.
"""

from __future__ import annotations

import os
from pathlib import Path

from browser import Browser, browser
from stage import Failed, Stage, get, stage, wait_until

FIRST_SCREEN = """
const visible = (element) => {
  const box = element?.getBoundingClientRect();
  return Boolean(box) && box.height > 0 && box.top >= 0 && box.bottom <= innerHeight;
};
const note = document.querySelector("#live .note.bad");
return visible(document.querySelector(".banner.bad h1")) && visible(note) && note.textContent.includes("billing");
"""

TOO_WIDE = "return document.documentElement.scrollWidth > innerWidth"


def run(home: Path):
    """The checks, one by one as they hold."""
    with stage(home) as world:
        world.eipd("apply")
        with browser(home) as shown:
            with world.daemon("--observe"):
                yield from seen(world, shown)
            wait_until("the page says that eipd is gone", lambda: shown.run("return !document.getElementById('lost').hidden"))
            yield "it says when eipd does not answer"


def seen(world: Stage, shown: Browser):
    shown.size(1280, 800)
    shown.open(world.page)
    expect(shown, "covered · eipd")
    yield "it loads and says that all is covered"
    shown.run("document.querySelector('details.function').open = true")

    allocation = world.break_it()
    expect(shown, "NOT covered · eipd")
    for width, height, what in ((1280, 800, "a desk"), (390, 844, "a phone")):
        shown.size(width, height, mobile=width < 600)
        if not shown.run(FIRST_SCREEN):
            raise Failed(f"the first screen of {what} does not show the uncovered function:\n{shown.html()}")
        if shown.run(TOO_WIDE):
            raise Failed(f"it is wider than {what}")
    yield "it renews itself and shows the uncovered function in the first screen, on a desk and on a phone"
    pictures(shown)
    backgrounds = {scheme: background_of(shown, scheme) for scheme in ("light", "dark")}
    if len(set(backgrounds.values())) != 2:
        raise Failed(f"light and dark look the same: {backgrounds}")
    yield "it is light or dark, as the person prefers"

    world.repair_it(allocation)
    expect(shown, "covered · eipd")
    if not shown.run("return document.querySelector('details.function').open"):
        raise Failed("what was unfolded did not stay so")
    yield "it says so after the repair, and what was unfolded stays so"
    if said := shown.console():
        raise Failed("the console says:\n" + "\n".join(said))
    yield "the console is silent"

    shown.devtools("Emulation.setScriptExecutionDisabled", value=True)
    shown.open(world.page)
    allocation = world.break_it()
    wait_until("it renews itself without its script", lambda: "NOT covered" in shown.html())
    yield "it renews itself without its script"
    shown.devtools("Emulation.setScriptExecutionDisabled", value=False)
    world.repair_it(allocation)
    wait_until("the daemon sees it", lambda: "NOT covered" not in get(world.page))
    shown.open(world.page)
    expect(shown, "covered · eipd")


def expect(shown: Browser, title: str) -> None:
    """Waits until the page has this title."""
    wait_until(f"the page is titled {title!r}", lambda: shown.run("return document.title") == title, account=shown.html)


def background_of(shown: Browser, scheme: str) -> str:
    shown.prefer(scheme)
    return shown.run("return getComputedStyle(document.body).backgroundColor")


def pictures(shown: Browser) -> None:
    """Pictures of an uncovered function, where they are wanted."""
    folder = os.environ.get("EIPD_SCREENSHOTS")
    if not folder:
        return
    for name, scheme, width, height in (("status-page", "light", 1280, 800), ("status-page-phone", "dark", 390, 844)):
        shown.prefer(scheme)
        shown.size(width, height, mobile=width < 600)
        shown.picture(Path(folder) / f"{name}.png")
