"""Opens pages that minigrad.show made in a real browser, and reads what they show."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import minigrad as torch
from linreg.model import linreg, squared_loss
from minigrad.show.pages import Page

pytest.importorskip("playwright", reason="pages are tested with playwright, which is not installed")
from playwright.sync_api import BrowserContext, Page as Tab, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    """One browser for the tests of a file; each page has a tab of its own."""
    if CHROMIUM is None:
        pytest.skip("pages are tested in chromium, which is not installed")
    with sync_playwright() as playwright:
        args = ["--headless=new", "--no-sandbox", "--disable-gpu", *QUIET]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        yield chromium.new_context(viewport={"width": 1280, "height": 900})
        chromium.close()


class Opened:
    """Opens pages, and keeps what they say on the console and ask of the network."""

    def __init__(self, browser: BrowserContext, folder: Path) -> None:
        self.browser, self.folder = browser, folder
        self.said: list[str] = []
        self.asked: list[str] = []

    def __call__(self, page: Page | str, *, clock: bool = False, colours: str = "light") -> Tab:
        file = self.folder / "page.html"
        file.write_text(page if isinstance(page, str) else page.html, encoding="utf-8")
        tab = (self.browser.browser.new_context() if clock else self.browser).new_page()
        tab.emulate_media(color_scheme=colours, reduced_motion="reduce")
        tab.set_default_timeout(5000)
        tab.on("console", lambda message: self.said.append(message.text))
        tab.on("pageerror", lambda error: self.said.append(str(error)))
        tab.on("request", lambda request: self.asked.append(request.url))
        if clock:
            tab.clock.install()
        tab.goto(file.as_uri())
        return tab


@pytest.fixture
def opened(browser: BrowserContext, tmp_path: Path) -> Iterator[Opened]:
    """Opens pages; afterwards, none of them has said anything or asked for anything but itself."""
    it = Opened(browser, tmp_path)
    yield it
    for context in browser.browser.contexts:
        for tab in context.pages:
            tab.close()
    assert it.said == []
    assert {url for url in it.asked if not url.startswith(("file://", "about:srcdoc"))} == set()
    assert len(it.asked) == sum(url.endswith("/page.html") or url == "about:srcdoc" for url in it.asked)


def diamond() -> torch.Tensor:
    x = torch.tensor(3.0, requires_grad=True)
    a = x * x
    b = a * x
    return a + b


def regression(rows: int = 3) -> torch.Tensor:
    torch.manual_seed(0)
    X, y = torch.randn(rows, 2), torch.randn(rows, 1)
    w = torch.tensor([[0.1], [-0.2]], requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    l = squared_loss(linreg(X, w, b), y).sum()
    return l


def not_finite() -> torch.Tensor:
    x = torch.tensor([0.0, -1.0, 4.0], requires_grad=True)
    return (torch.log(x) * torch.tensor([1.0, 2.0, -0.0])).sum()


def large() -> torch.Tensor:
    w = torch.ones(20, 9, requires_grad=True)
    return (w.reshape(2, 10, 9).exp() + w.reshape(2, 10, 9)).mean()


def chain(length: int) -> torch.Tensor:
    h = torch.tensor(1.0, requires_grad=True)
    for _ in range(length):
        h = h * 1.001
    return h


def numbers(data) -> list:
    """The numbers of a value as `Value.to_dict` gives it, in their order."""
    flat = []

    def add(item) -> None:
        if isinstance(item, list):
            for inner in item:
                add(inner)
        elif item is not None:
            flat.append(item)

    add(data["data"])
    return flat


def shown(tab: Tab, where: str) -> list[list]:
    """The exact numbers of each tensor shown at places that `where` selects."""
    read = "all => all.map(one => [...one.querySelectorAll('[data-exact]')].map(n => JSON.parse(n.dataset.exact)))"
    return tab.eval_on_selector_all(where, read)


def texts(tab: Tab, where: str) -> list[str]:
    return tab.locator(where).all_text_contents()


def at(tab: Tab) -> int:
    return int(tab.input_value("#slider"))


def look_of(tab: Tab, where: str, style: str) -> str:
    return tab.eval_on_selector(where, f"one => getComputedStyle(one).{style}")
