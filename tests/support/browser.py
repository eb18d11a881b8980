"""Chromium without a window, driven through its debugging protocol."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Seconds after which something is taken to hang; a busy machine needs a tenth of them.
PATIENCE = 300
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class Browser:
    """One tab. What the page says on its console and asks of the network is kept."""

    def __init__(self, profile: Path) -> None:
        import websocket

        assert CHROMIUM is not None
        self.process = subprocess.Popen(
            [
                CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-sync",
                "--disable-component-update", "--hide-scrollbars", "--remote-debugging-port=0",
                "--remote-allow-origins=*", f"--user-data-dir={profile}", "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            address = _until("Chromium did not start", lambda: self._tab(profile))
            self.socket = websocket.create_connection(address, timeout=PATIENCE)
        except BaseException:
            self._end()
            raise
        self.number = 0
        self.console: list[str] = []
        self.requests: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.do(f"{domain}.enable")

    def _tab(self, profile: Path) -> str | None:
        """The address of the tab's debugger, once there is one."""
        assert self.process.poll() is None, "Chromium ended"
        port_file = profile / "DevToolsActivePort"
        if not port_file.exists() or "\n" not in (text := port_file.read_text()):
            return None
        port = text.split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=PATIENCE) as answer:
            pages = [tab for tab in json.load(answer) if tab["type"] == "page"]
        return pages[0]["webSocketDebuggerUrl"] if pages else None

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer, noting what happens meanwhile."""
        self.number += 1
        mine = self.number
        self.socket.send(json.dumps({"id": mine, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == mine:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return dict(message["result"])
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        method, said = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.console.append(json.dumps(said["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled":
            self.console.append(json.dumps(said["args"])[:500])
        elif method == "Log.entryAdded":
            self.console.append(said["entry"]["text"])

    def go(self, address: str) -> None:
        """Open an address and wait until it is loaded."""
        self._navigate("about:blank")
        self.console.clear()
        self.requests.clear()
        self._navigate(address)

    def _navigate(self, address: str) -> None:
        self.do("Page.navigate", url=address)
        self.wait(f"document.readyState === 'complete' && location.href === {json.dumps(address)}")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true, over navigations too."""

        def holds() -> bool:
            try:
                answer = self.do("Runtime.evaluate", expression=expression)
                return bool(answer["result"].get("value"))
            except RuntimeError as error:  # asked between two pages
                if "context" not in str(error).lower():
                    raise
                return False

        _until(f"never true: {expression}", holds)

    def js(self, code: str) -> Any:
        """The value of an expression in the page; promises are waited for."""
        result = self.do("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def key(self, name: str) -> None:
        """Press and release a key."""
        codes = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Tab": 9, "Enter": 13}
        for kind in ("rawKeyDown", "keyUp"):
            self.do("Input.dispatchKeyEvent", type=kind, key=name, code=name,
                    windowsVirtualKeyCode=codes[name])  # fmt: skip

    def move(self, x: float, y: float) -> None:
        """Move the pointer."""
        self.do("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def size(self, width: int, height: int) -> None:
        """Be a screen of this size, in CSS pixels."""
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=height,
                deviceScaleFactor=1, mobile=width < 600)  # fmt: skip

    def media(self, kind: str = "", **features: str) -> None:
        """Be paper ("print"), or a reader who prefers this (color_scheme="dark")."""
        self.do("Emulation.setEmulatedMedia", media=kind, features=[
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in features.items()
        ])  # fmt: skip

    def picture(self) -> bytes:
        """What is to be seen, as PNG."""
        return base64.b64decode(self.do("Page.captureScreenshot", format="png")["data"])

    def close(self) -> None:
        """End it."""
        self.socket.close()
        self._end()

    def _end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _until(otherwise: str, found: Callable[[], Any]) -> Any:
    """What a function returns, once that is something."""
    end = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)
    return value
