"""Who is at work, as people see it."""

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import Opener

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("locale", "title", "free", "queues"),
    [
        ("en", "Who is at work", "free", "0 waiting, 0 waiting in bulk, 0 at work."),
        (
            "pt-BR",
            "Quem está trabalhando",
            "livre",
            "0 na fila, 0 na fila em lote, 0 em andamento.",
        ),
    ],
)
def test_the_page_shows_who_is_at_work(
    open_page: Opener, locale: str, title: str, free: str, queues: str
) -> None:
    page = open_page(locale=locale)
    crew = page.locator("details.crew")
    expect(crew.get_by_role("table")).to_have_count(0)
    crew.get_by_text(title).click()
    expect(crew.get_by_role("status")).to_have_text(queues)
    line = crew.get_by_role("row").nth(1)
    expect(line).to_contain_text(free)
    expect(line.get_by_role("rowheader")).not_to_be_empty()
