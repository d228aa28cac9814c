"""Pseudonyms join, differ by key and word, and keep no address whole."""

import hashlib
import hmac
import ipaddress

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import impressions_analytics as ia
from impressions_analytics.archive import privacy

KEY = b"0123456789abcdef"


def test_a_pseudonym_is_the_top_of_hmac_sha256():
    digest = hmac.new(KEY, b"profile:13453", hashlib.sha256).digest()
    assert privacy.pseudonym(13453, "profile", KEY) == int(digest.hex()[:16], 16) // 2


@given(st.integers(0, 2**63 - 1))
def test_pseudonyms_fit_and_differ_by_word_and_key(number):
    found = {privacy.pseudonym(number, word, key) for word in privacy.PERSONS for key in (KEY, KEY[::-1])}
    assert len(found) == 6 and all(0 <= one < 2**63 for one in found)


@given(st.ip_addresses())
def test_a_shortened_address_keeps_its_network_and_nothing_more(address):
    shorter = privacy.shorten_address(str(address))
    if address.version == 4:
        assert shorter.split(".")[:3] == str(address).split(".")[:3] and shorter.endswith(".0")
    elif address.ipv4_mapped is None:
        assert shorter.endswith("::") or shorter.count(":") == 7
        assert int(ipaddress.ip_address(shorter)) == int(address) >> 80 << 80


def test_pseudonymised_rows_keep_their_columns_and_lose_what_names_a_person():
    rows = pa.table({
        "ID": [1, 2], "destination": [5, 5], "profile": pa.array([13453, None], pa.int64()),
        "subprofile": pa.array([None, None], pa.int64()), "ip": ["192.0.2.77", None],
        "link": ["https://example.com/x?mail=a@example.com", None], "description": ["<a@example.com> unknown", None],
    })  # fmt: skip
    hidden = privacy.pseudonymise(rows, "clicks", KEY)
    assert hidden.schema == rows.schema
    assert hidden["destination"][0] == hidden["destination"][1]
    assert hidden["destination"][0].as_py() == privacy.pseudonym(5, "destination", KEY)
    assert hidden["profile"].to_pylist() == [privacy.pseudonym(13453, "profile", KEY), None]
    assert hidden["ip"].to_pylist() == ["192.0.2.0", None]
    assert hidden["link"].to_pylist() == ["https://example.com/x", None]
    assert hidden["description"].to_pylist() == [None, None]
    assert hidden["ID"].to_pylist() == [1, 2]


def test_the_id_of_a_destination_joins_with_the_destinations_of_events():
    assert privacy.person_columns("destinations")["ID"] == privacy.person_columns("clicks")["destination"]
    assert privacy.person_columns("emailings") == {}


def test_a_key_comes_from_a_file_or_the_environment_and_is_never_told(tmp_path):
    file = tmp_path / "key"
    file.write_text("0123456789abcdef\n")
    assert privacy.read_key({}, file=file) == KEY
    assert privacy.read_key({"IMPRESSIONS_PSEUDONYM_KEY": "0123456789abcdef"}) == KEY
    with pytest.raises(ia.InvalidArgumentError, match="IMPRESSIONS_PSEUDONYM_KEY holds 6 bytes") as error:
        privacy.read_key({"IMPRESSIONS_PSEUDONYM_KEY": "secret"})
    assert "'secret'" not in str(error.value)
    with pytest.raises(ia.InvalidArgumentError, match="cannot be read: No such file"):
        privacy.read_key({}, file=tmp_path / "none")
