"""Look-ups in AS tables against an independent longest match: tests/bench/lookups in small."""

import asn_prefixes
import asn_tables
import pytest
from conftest import BUILD

TOOL = BUILD / "tests" / "asn_table_tool"
ADDRESSES = 20_000


@pytest.mark.parametrize("count", [300, 30_000], ids=["small", "large"])
def test_every_answer_is_the_longest_match(count, directory):
    """Both layouts: from 16,384 prefixes of a family on its root is another one (asn_image.h)."""
    tables = {version: asn_prefixes.prefixes(version, count) for version in (4, 6)}
    rows = [row for version, table in tables.items() for row in asn_prefixes.rows(version, table)]
    path = directory / "table"
    asn_tables.make_table(TOOL, path, rows)
    for version, table in tables.items():
        addresses = asn_prefixes.random_addresses(version, ADDRESSES)
        addresses += asn_prefixes.inside_addresses(version, table, ADDRESSES)
        texts = [asn_prefixes.address_text(version, address) for address in addresses]
        expected = asn_prefixes.longest_matches(version, table, addresses)
        found = [answer[:2] for answer in asn_tables.find(TOOL, path, texts)]
        assert found == expected
        assert sum(number != 0 for number, _ in found) > ADDRESSES // 2  # not all of them outside
