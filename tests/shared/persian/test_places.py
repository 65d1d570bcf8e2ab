from shared.persian.places import PROVINCES
from shared.persian.text import canon


def test_every_province_with_its_counties_in_the_spelling_that_is_kept() -> None:
    assert len(PROVINCES) == 31
    assert PROVINCES["IR-23"].name_fa == "تهران"
    names = [name for one in PROVINCES.values() for name in (one.name_fa, one.capital_fa, *one.counties.values())]
    assert [name for name in names if canon(name, multiline=False) != name] == []
