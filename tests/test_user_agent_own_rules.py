"""What is promised of rules of the user's own, of bare names, and of the list to send to the project."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from archive_account import Account, archive_at, opens

import impressions_analytics as ia

OWN = """
[[rule]]
id = "house-mail"
pattern = 'HouseMail/([0-9.]+)|\\bThunderbird\\b'
client = "House Mail"
os = "Windows"
device = "desktop"

[[rule]]
id = "house-telltale"
pattern = '^Telltale$'
kind = "bot"
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own rules.toml"
    path.write_text(OWN, "utf-8")
    return path


def test_rules_of_the_users_own_are_asked_before_ours(own):
    agents = ["HouseMail/2.5.1", "Telltale", "Mozilla/5.0 (X11; Linux; rv:115.0) Gecko/20100101 Thunderbird/115.0"]
    found = ia.classify_user_agents(agents, rules=own).set_index("useragent")
    assert found.loc["HouseMail/2.5.1"].tolist() == [
        "House Mail", "2.5", True, "Windows", "desktop", "person", "house-mail",
    ]  # fmt: skip
    assert found.loc["Telltale", ["kind", "rule"]].tolist() == ["bot", "house-telltale"]
    assert found.loc[agents[2], "client"] == "House Mail"
    assert ia.classify_user_agents(agents).set_index("useragent").loc[agents[2], "client"] == "Thunderbird"


def test_rows_are_judged_by_the_users_own_rules_too(own):
    found = ia.with_user_agents(pd.DataFrame({"useragent": ["Telltale", None]}), rules=own)
    assert found["kind"].tolist() == ["bot", "unknown"]


def test_a_file_of_rules_that_changed_is_read_again(own):
    assert ia.classify_user_agents(["Telltale"], rules=own)["kind"].tolist() == ["bot"]
    own.write_text(OWN.replace('kind = "bot"', 'kind = "proxy"'), "utf-8")
    assert ia.classify_user_agents(["Telltale"], rules=own)["kind"].tolist() == ["proxy"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", r"holds no \[\[rule\]\]"),
        ("rule = 1", r"holds no \[\[rule\]\]"),
        ("[[rule", "is not TOML"),
        ("[[rule]]\npattern = 'a'", "rule 1 has no id"),
        ("[[rule]]\nid = 'a'", "rule 'a' has no pattern"),
        ("[[rule]]\nid = 'a'\npattern = '('", "no regular expression"),
        ("[[rule]]\nid = 'a'\npattern = 'a(?=b)'", "look-around"),
        ("[[rule]]\nid = 'a'\npattern = 'a'\nkind = 'robot'", "kind = 'robot': it must be one of person, proxy"),
        ("[[rule]]\nid = 'a'\npattern = 'a'\nos = 'BeOS'", "os = 'BeOS': it must be one of Windows"),
        ("[[rule]]\nid = 'a'\npattern = 'a'\nmail = 'yes'", "mail = 'yes': it must be of type bool"),
        ("[[rule]]\nid = 'a'\npattern = 'a'\nnames = [1]", "names = .1.: every name must be text"),
        ("[[rule]]\nid = 'a'\npattern = 'a'\ncolour = 'red'", "colour = 'red': it may have id, pattern"),
        ("[[rule]]\nid = 'a'\npattern = 'a'\nclient = '$1'", "the client [$]1, and its pattern has no group"),
        ("[[rule]]\nid = 'a'\npattern = '{names}'\nclient = 'A'", "{names} and no names"),
        ("[[rule]]\nid = 'a'\npattern = 'a'\n[[rule]]\nid = 'a'\npattern = 'b'", "two rules 'a'"),
        ("[[rule]]\nid = 'a'\npattern = 'a'\nexample = 'b'", "does not decide its own example 'b'"),
        ("[[rule]]\nid = 'outlook'\npattern = 'a'", "'outlook', which one of the package's rules has"),
    ],
)
def test_a_file_that_holds_no_rules_is_refused_by_what_is_wrong(tmp_path, text, told):
    path = tmp_path / "own.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ia.InvalidArgumentError, match=told) as refused:
        ia.classify_user_agents(["a"], rules=path)
    assert "own.toml" in str(refused.value)


def test_a_file_of_rules_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ia.InvalidArgumentError, match="cannot be read"):
        ia.classify_user_agents(["a"], rules=tmp_path / "none.toml")


def test_a_bare_name_is_unknown_unless_it_is_to_be_a_bot():
    agents = ["HouseMail/2", "Komaru Seven", "Komaru/1.0", "Mozilla/5.0 (xtate/2.1)"]
    found = ia.classify_user_agents(agents)
    assert found["kind"].tolist() == ["person", "unknown", "unknown", "unknown"]
    assert found["rule"].tolist() == ["some-mail-app", "bare-name", "bare-name", "bare-name"]
    counted = ia.classify_user_agents(agents, bare_names="bot")
    assert counted["kind"].tolist() == ["person", "bot", "bot", "bot"]
    assert ia.with_user_agents(pd.DataFrame({"useragent": agents}), bare_names="bot")["kind"].tolist() == [
        "person", "bot", "bot", "bot",
    ]  # fmt: skip
    with pytest.raises(ia.InvalidArgumentError, match="bare_names must be 'unknown' or 'bot', got 'person'"):
        ia.classify_user_agents(agents, bare_names="person")


def test_the_command_lists_what_no_rule_knows_without_addresses(tmp_path, own, impressions):
    agents = [
        "Komaru 7", "Komaru 7", "Komaru 7", "Telltale", "Telltale", "curl/8.4.0", None,
        "Tool (192.0.2.7)", "Tool (192.0.2.8)", "Bell \x1b[2J here",
    ]  # fmt: skip
    path = tmp_path / "opens of may.parquet"
    pd.DataFrame({"useragent": pd.Series(agents, dtype="str"), "destination": range(10)}).to_parquet(path)
    code, listed, err = impressions("agents", path)
    assert (code, err) == (0, "")
    assert listed == "3\tKomaru 7\n2\tTelltale\n2\tTool (<ip>)\n1\tBell \\x1b[2J here\n"
    assert impressions("agents", path, "--limit", 1)[1] == "3\tKomaru 7\n"
    known = tmp_path / "known.parquet"
    pd.DataFrame({"useragent": pd.Series(["curl/8.4.0"], dtype="str"), "destination": [1]}).to_parquet(known)
    assert impressions("agents", known) == (0, "", "a rule knows every user agent here\n")
    told = json.loads(impressions("agents", path, "--rules", own, "--json")[1])
    assert told["user_agents"][0] == {"useragent": "Komaru 7", "impressions": 3}
    assert "Telltale" not in str(told)
    assert told["rules_version"].startswith("2 ")


def test_the_command_reads_an_archive_folder(tmp_path, impressions):
    account = Account()
    account.add("impressions", opens(3, useragent="Komaru 7"))
    account.add("impressions", opens(2, first_id=4, begin="2026-02-01", useragent="curl/8.4.0"))
    archive_at(tmp_path / "our archive").sync(account, begin="2026-01-01")
    assert impressions("agents", tmp_path / "our archive")[1] == "3\tKomaru 7\n"


def test_the_command_refuses_what_is_not_there(tmp_path, impressions):
    assert impressions("agents", tmp_path / "none.parquet")[0] in (1, 2)
    assert impressions("agents", tmp_path / "opens.parquet", "--rules", tmp_path / "none.toml")[0] in (1, 2)
