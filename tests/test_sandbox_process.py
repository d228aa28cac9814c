"""The sandbox in a process of its own, and clients written in other languages."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import urllib.request

import pytest

from impressions_analytics.sandbox import Sandbox

COMMAND = (sys.executable, "-W", "error", "-m", "impressions_analytics.cli", "sandbox")
FOREIGN_CLIENT = """
const [url, authUrl, token] = process.argv.slice(1);
(async () => {
  const exchanged = await fetch(authUrl, {method: "POST", body: new URLSearchParams({access_token: token})});
  const jwt = (await exchanged.text()).trim();
  let start = 0, ids = [], total = 1;
  while (start < total) {
    const page = await (await fetch(`${url}/v4/ms/impressions?start=${start}&limit=1000`,
                                    {headers: {Authorization: `Bearer ${jwt}`}})).json();
    total = page.total; start += page.count; ids.push(...page.data.map(row => Number(row.ID)));
  }
  const second = await (await fetch(`${url}/v2/ms/destination/112/impressions?access_token=${token}`)).json();
  console.log(JSON.stringify({ids, opens: second.total}));
})();
"""


@pytest.fixture
def process():
    with contextlib.ExitStack() as children:

        def start(*options, stdin=subprocess.PIPE):
            pipes = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            child = children.enter_context(subprocess.Popen([*COMMAND, "--json", *options], text=True, **pipes))
            children.callback(child.kill)
            return child, json.loads(child.stdout.readline())

        yield start


def fetch(address, data=None):
    with urllib.request.urlopen(urllib.request.Request(address, data=data), timeout=10) as answer:
        return json.load(answer)


def test_a_process_says_where_it_is_serves_and_ends_with_its_standard_input(process):
    child, where = process(
        "--impressions", "300", "--seed", "4", "--emailings", "2", "--behave", '{"latency_seconds": 0.01}'
    )
    assert set(where) == {"url", "auth_url", "access_token"}
    page = fetch(f"{where['url']}/v2/ms/impressions?limit=1000&access_token={where['access_token']}")
    truth = Sandbox(impressions=300, seed=4, emailings=2).truth()
    assert [int(row["ID"]) for row in page["data"]] == [row["ID"] for row in truth]
    child.stdin.close()
    assert child.wait(timeout=5) == 0
    assert child.stderr.read() == ""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_ends_quietly_on_a_signal(process, number):
    child, _ = process("--impressions", "10")
    child.send_signal(number)
    assert child.wait(timeout=5) == 0
    assert child.stderr.read() == ""


def test_another_process_can_count_calls_and_change_the_behaviour(process):
    _, where = process("--impressions", "10", "--behave", '{"order": "reverse"}')
    address = f"{where['url']}/v2/ms/impressions?limit=1&access_token={where['access_token']}"
    assert fetch(address)["data"][0]["ID"] != "1"
    seen = fetch(f"{where['url']}/sandbox/requests")
    assert (seen["requests"], seen["peak_parallel"], seen["asked"][0]["path"]) == (1, 1, "/v2/ms/impressions")
    assert where["access_token"] not in json.dumps(seen)
    assert fetch(f"{where['url']}/sandbox/clear", b"")["requests"] == 0
    fetch(f"{where['url']}/sandbox/behave", b'{"order": "id"}')
    assert fetch(address)["data"][0]["ID"] == "1"


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        ('{"order": "shuffled"}', "order is 'shuffled'; it can be"),
        ('{"odour": 1}', "--behave has no 'odour'; it has v2_edition, order"),
        ("[1]", "must be a JSON object"),
        ("{order", "--behave is no JSON"),
    ],
)
def test_a_behaviour_that_there_is_not_is_a_usage_error(behave, words, impressions):
    code, out, err = impressions("sandbox", "--behave", behave)
    assert (code, out) == (2, "")
    assert words in err


def test_without_a_pipe_on_standard_input_it_serves_until_it_is_told_to_stop(process):
    child, where = process(stdin=subprocess.DEVNULL)
    assert fetch(f"{where['url']}/v2/identity?access_token={where['access_token']}")["name"] == "example"
    child.terminate()
    assert child.wait(timeout=5) == 0


def test_the_sandbox_imports_nothing_of_the_package_nor_of_pandas():
    code = "import sys, impressions_analytics.sandbox; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    own = {name for name in loaded if name.startswith("impressions_analytics")}
    assert {name for name in own if ".sandbox" not in name} == {"impressions_analytics"}
    assert not {"pandas", "requests", "msgspec", "pyarrow"} & set(loaded)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_client_in_another_language_loads_every_impression():
    with Sandbox(impressions=2_345, seed=2) as box:
        command = ["node", "-e", FOREIGN_CLIENT, box.url, box.auth_url, box.access_token]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        truth = box.truth()
    assert found["ids"] == [row["ID"] for row in truth]
    assert found["opens"] == sum(row["destination"] == 112 for row in truth)
