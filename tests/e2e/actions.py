"""What people do on the page, by the names they see."""

from pathlib import Path

from playwright.sync_api import CDPSession, Locator, Page


def row(page: Page, title: str) -> Locator:
    """The row of a track."""
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=title))


def row_in(page: Page, title: str, state: str) -> Locator:
    """The row of a track, once it is in a state."""
    return row(page, title).and_(page.locator(f'[data-state="{state}"]'))


def send(page: Page, *files: Path) -> None:
    """Choose files; the chooser itself belongs to the browser."""
    page.locator("#file-input").set_input_files(files)


class Network:
    """The network between the page and the server, as slow as one likes."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Network.enable")
        self.resumed_at: list[int] = []
        page.on("request", self._see)

    def _see(self, request: object) -> None:
        method = getattr(request, "method", "")
        headers = getattr(request, "headers", {})
        if method == "PATCH" and "upload-offset" in headers:
            self.resumed_at.append(int(headers["upload-offset"]))

    def slow(self, upload_bytes_per_s: int = -1) -> None:
        """Limit what is sent each second; -1 is no limit."""
        self._session.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": 0,
                "downloadThroughput": -1,
                "uploadThroughput": upload_bytes_per_s,
            },
        )

    def cut(self) -> None:
        """Unplug the cable."""
        self._page.context.set_offline(True)

    def mend(self) -> None:
        """Plug it in again."""
        self._page.context.set_offline(False)
        self.slow()
