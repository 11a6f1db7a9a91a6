"""The page of what of torch is there: it is what docs/coverage.py makes of the two packages today."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
DOCS = Path(__file__).parents[1] / "docs"
spec = importlib.util.spec_from_file_location("coverage_page", DOCS / "coverage.py")
coverage = sys.modules["coverage_page"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(coverage)


@pytest.fixture(scope="module")
def found():
    return coverage.spaces()


@pytest.mark.parametrize("lang", coverage.PAGES)
def test_the_page_is_up_to_date(lang, found):
    path = coverage.PAGES[lang]
    assert path.read_text(encoding="utf-8") == coverage.page(lang, found), "run python docs/coverage.py"


def test_a_name_is_in_one_list_and_the_lists_are_all_of_torchs(found):
    for space in found:
        names = [*space.there, *space.missing, *[n for names in space.outside.values() for n in names]]
        assert len(names) == len(set(names)) == space.count
        assert {"_", "types"}.isdisjoint(names)


def test_both_languages_say_the_same_of_the_same(found):
    assert set(coverage.WORDS["en"]) == set(coverage.WORDS["zh"])
    assert set(coverage.REASONS["en"]) == set(coverage.REASONS["zh"]) == set(coverage.OUTSIDE)
    assert len(coverage.DIFFERENCES["en"]) == len(coverage.DIFFERENCES["zh"])
    english, chinese = (re.findall(r"`[^`]+`", coverage.page(lang, found)) for lang in ("en", "zh"))
    assert sorted(english) == sorted(chinese)


def test_what_is_left_out_is_not_there_by_mistake(found):
    everyday = {"Linear", "Conv2d", "CrossEntropyLoss", "Adam", "DataLoader", "relu", "einsum", "sort", "Normal"}
    there = {name for space in found for name in space.there}
    assert everyday <= there
