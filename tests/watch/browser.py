"""A Chromium without a window, driven over WebDriver, which is HTTP and JSON and needs no package of Python's."""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from stage import Failed, background, free_port, get, wait_until


class Browser:
    """One window."""

    def __init__(self, session: str) -> None:
        self.session = session

    def ask(self, method: str, path: str, body: dict | None = None):
        """A command of WebDriver; gives its value."""
        return command(method, self.session + path, body)

    def open(self, url: str) -> None:
        """Goes there and waits until it is loaded."""
        self.ask("POST", "/url", {"url": url})

    def run(self, script: str):
        """The value of a piece of JavaScript in the page."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def devtools(self, method: str, **parameters):
        """A command of Chromium's own protocol."""
        return self.ask("POST", "/goog/cdp/execute", {"cmd": method, "params": parameters})

    def html(self) -> str:
        """The document as it is now; works without scripts. Nothing when it was reloaded just then."""
        try:
            root = self.devtools("DOM.getDocument", depth=0)["root"]["nodeId"]
            return self.devtools("DOM.getOuterHTML", nodeId=root)["outerHTML"]
        except Failed:
            return ""

    def size(self, width: int, height: int, scale: float = 1, mobile: bool = False) -> None:
        """Makes the visible part so large."""
        parameters = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile}
        self.devtools("Emulation.setDeviceMetricsOverride", **parameters)

    def prefer(self, scheme: str) -> None:
        """Lets the person prefer `light` or `dark`."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.devtools("Emulation.setEmulatedMedia", features=[feature])

    def console(self) -> list[str]:
        """What the console has to say since it was last asked."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def picture(self, file: Path) -> None:
        """Saves the visible part as PNG."""
        file.write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))


def command(method: str, url: str, body: dict | None):
    """One request to the driver."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["value"]
    except urllib.error.HTTPError as error:
        raise Failed(f"{method} {url}: {error.read().decode()}") from error


@contextmanager
def browser(home: Path):
    """Chromium, for as long as the block lasts."""
    port = free_port()
    log = home / "chromedriver.log"
    driver = f"http://127.0.0.1:{port}"
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "NO_PROXY": "127.0.0.1,localhost"}
    # It runs as root in CI, in a place with little shared memory, and shows only a page of our own.
    arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    options = {"args": [*arguments, f"--user-data-dir={home / 'profile'}"]}
    wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
    with background(["chromedriver", f"--port={port}"], log, env):
        wait_until("the driver is ready", lambda: get(driver + "/status"), account=log.read_text)
        session = command("POST", driver + "/session", {"capabilities": {"alwaysMatch": wanted}})
        shown = Browser(f"{driver}/session/{session['sessionId']}")
        try:
            yield shown
        finally:
            shown.ask("DELETE", "")
