"""Settings: what may be set, what is refused in words that name the setting, and what another account never gets."""

from __future__ import annotations

import dataclasses
import math
import pickle
import re
import time
import traceback

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

import impressions_analytics as ia
from impressions_analytics.api.secret import Secret, redact
from impressions_analytics.api.settings import API_URL

TOKEN = "planted0123456789token"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("connections", value) for value in ("8", None, 2.5, True, 0, -1, [8])),
        *(("timeout_seconds", value) for value in ("30", None, 0, -1, math.inf, math.nan, 1e12, True)),
        *(("patience_seconds", value) for value in ("5", None, -1, math.inf, math.nan, 1e12)),
        *(("version", value) for value in ("3", 3.0, None, [2], 1, 5, True)),
        *(("timezone", value) for value in (None, "", "Mars/X", "Europe", "../../etc/passwd", "a\0b", 5)),
        *(("allow_plain_http", value) for value in ("no", None, 1)),
        *(("access_token", value) for value in (b"x", 5, None, "", "a b", "t\u00f6k")),
        *(("url", value) for value in (5, b"https://api.copernica.com")),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(name, value):
    with pytest.raises(ia.SettingsError, match=name.replace("_", "[_ ]")):
        ia.Copernica(**{"access_token": TOKEN, name: value})


@pytest.mark.parametrize("name", ["url", "auth_url"])
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://[::1", "cannot be read"),
        ("https://localhost:99999", "cannot be read"),
        ("https://localhost:abc", "cannot be read"),
        ("https://localhost:0", "port"),
        ("https://exa mple.com", "blank"),
        ("https://exam\nple.com", "blank"),
        ("https://api.copernica.com#x", "no parameters"),
        ("https://api.copernica.com#", "ends with ? or #"),
        ("https://api.copernica.com?a=b", "no parameters"),
        ("https://a..b", "host"),
        (f"https://{'a' * 70}.com", "host"),
        ("garbage", "https://"),
        ("https://:hunter2@api.copernica.com", "no user or password"),
        ("https://@api.copernica.com", "no user or password"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_the_reason_and_the_way_out(name, address, words):
    with pytest.raises(ia.SettingsError) as caught:
        ia.Copernica(TOKEN, **{name: address})
    told = str(caught.value)
    assert told.startswith(f"{name}=")
    assert words in told
    assert "https://api.copernica.com" in told


@pytest.mark.parametrize("end", ["/v2", "/v3/", "/v4"])
def test_a_version_in_the_address_is_refused(end):
    with pytest.raises(ia.SettingsError, match="already names a version"):
        ia.Copernica(TOKEN, url=f"https://api.copernica.com{end}")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("COPERNICA_API_VERSION", "3.0"),
        ("COPERNICA_API_VERSION", "latest"),
        ("COPERNICA_PATIENCE_SECONDS", "nan"),
        ("COPERNICA_PATIENCE_SECONDS", "five"),
        ("COPERNICA_API_URL", "http://[::1"),
        ("COPERNICA_AUTH_URL", "nowhere"),
        ("COPERNICA_ACCESS_TOKEN", "  "),
    ],
)
def test_a_refused_variable_of_the_environment_is_named(variable, value):
    with pytest.raises(ia.SettingsError, match=variable):
        ia.Copernica.from_env({"COPERNICA_ACCESS_TOKEN": "abc", variable: value})


def test_blanks_around_a_number_in_the_environment_do_no_harm():
    api = ia.Copernica.from_env({"COPERNICA_ACCESS_TOKEN": " abc ", "COPERNICA_API_VERSION": " 3 "})
    assert (api.version, api.access_token) == (3, Secret("abc"))


@pytest.mark.parametrize("change", [{"access_token": "of-another-account"}, {"url": "https://other.example"}])
def test_a_changed_copy_of_settings_holds_no_jwt_of_the_old_ones(change):
    api = ia.Copernica(TOKEN, version=4)
    api.tokens.update(jwt=Secret("a.b.c"), expires=math.inf)
    assert dataclasses.replace(api, **change).tokens == {}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_not_written_to_a_file(protocol):
    with pytest.raises(TypeError, match="secret"):
        pickle.dumps(Secret(TOKEN), protocol)


def test_no_password_of_an_address_is_shown_even_while_it_is_refused():
    with pytest.raises(ia.SettingsError) as caught:
        ia.Copernica(TOKEN, url="https://:hunter2@api.copernica.com")
    told = str(caught.value) + "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in told.replace('url="https://:hunter2@', "")  # the line of this test itself


@pytest.mark.parametrize("given", [{"patience_seconds": TOKEN}, {"timezone": TOKEN}, {"url": f"https://{TOKEN}"},
                                   {"url": f"https://a.example:{TOKEN}"}, {"version": [TOKEN]}])  # fmt: skip
def test_a_token_in_the_place_of_another_setting_is_not_shown(given):
    with pytest.raises(ia.SettingsError) as caught:
        ia.Copernica(TOKEN, **{"url": "https://a.example", "timezone": "UTC", **given, "connections": 0})
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    "spelled",
    ["abc/def+SECRET==", r"abc\/def+SECRET==", "abc%2Fdef%2BSECRET%3D%3D", "abc%2fdef%2bSECRET%3d%3d",
     r"abc\u002fdef+SECRET==", "ABC/DEF+secret==", r"abc\\/def+SECRET==", "abc/def+SECRE"],
)  # fmt: skip
def test_a_secret_is_hidden_however_it_is_spelled(spelled):
    assert (
        Secret("abc/def+SECRET==").hide(f"no <{spelled}> here, nor '{spelled}'") == "no <<secret>> here, nor '<secret>'"
    )


def test_a_short_secret_is_hidden_where_it_stands_alone():
    assert Secret("t").hide("t: total 't' of t") == "<secret>: total '<secret>' of <secret>"


@pytest.mark.parametrize("size", [1, 12, 1000])
def test_a_text_that_is_nothing_but_secrets_is_hidden_whole(size):
    assert Secret("x" * size).hide("x" * size) == "<secret>"


LETTERS = "aB7+/=u%"


def spelled(letter: str) -> st.SearchStrategy[str]:
    """Every form in which an API, a log or an address may write one letter of a secret."""
    slashes = st.integers(0, 3).map("\\".__mul__)
    escaped = slashes.map(lambda run: f"{run}{letter.swapcase()}")
    return st.one_of(st.just(letter), escaped, st.sampled_from([f"%{ord(letter):02X}", f"\\u{ord(letter):04x}"]))


@for_all(st.data(), st.text(LETTERS, min_size=8, max_size=30), st.integers(0, 18))
def test_every_spelling_of_a_secret_is_hidden_whole_or_cut_short(data, token, lost):
    told = [data.draw(spelled(letter)) for letter in token[: max(12, len(token) - lost)]]
    assert Secret(token).hide(f"say <{''.join(told)}>, {''.join(told)}") == "say <<secret>>, <secret>"


@for_all(st.text(LETTERS, min_size=1, max_size=14), st.text(LETTERS + "\\\\\\054bf ", max_size=60))
def test_what_is_hidden_is_what_a_search_from_every_place_finds(token, text):
    """The plain way, which looks at each place anew, is the truth that the quick way is held to."""
    letters = [rf"(?:\\*{re.escape(one)}|%{ord(one):02x}|\\+u{ord(one):04x})" for one in token]
    alone = r"(?<!\w){}(?!\w)" if len(token) < 8 else "{}"
    for cut in range(len(letters), 12, -1):
        letters[cut - 1] = f"(?:{letters[cut - 1]}" + (letters.pop() if cut < len(letters) else "") + ")?"
    plain = re.compile(alone.format("".join(letters)), re.IGNORECASE)
    assert Secret(token).hide(text) == plain.sub("<secret>", text)


@pytest.mark.parametrize("text", ["\\", "\\u", "%", "access_token=", "Bearer ", "planted\\", "planted0123456789token"])
def test_hiding_takes_twice_as_long_for_twice_the_text_and_not_four_times(text):
    def seconds(letters: int) -> float:
        long = (text * letters)[:letters]
        began = time.process_time()
        redact(Secret(TOKEN).hide(long))
        return time.process_time() - began

    growth = min(seconds(320_000) / max(seconds(20_000), 1e-4) for _ in range(3))
    assert growth < 100  # sixteen times the text: 16 where it is linear, 256 where every place is tried anew


@pytest.mark.parametrize(("kept", "used"), [("4", 4), ("64", 64), ("65", 8), ("0", 8), ("true", 8), ("2.5", 8)])
def test_connections_of_the_saved_facts_are_used_only_where_they_can_be(kept, used, tmp_path):
    facts = tmp_path / "facts.toml"
    facts.write_text(f'url = "{API_URL}"\nversion = 2\n\n[facts]\nconnections = {kept}\n')
    api = ia.Copernica.from_env({"COPERNICA_ACCESS_TOKEN": TOKEN, "COPERNICA_FACTS": str(facts)})
    assert api.connections == used
