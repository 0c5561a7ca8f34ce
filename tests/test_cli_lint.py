"""`tophalf lint`: exit status, text and JSON."""

import json
import os

from tophalf.cli.main import main
from tophalf.driver.api import CALLS, FUNCTIONS
from tophalf.driver.subset import read_driver

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DRIVERS = os.path.join(ROOT, "tests", "data", "drivers")


def driver(name):
    return os.path.join(DRIVERS, name)


def test_exit_status_says_clean_found_and_no_driver(capsys, tmp_path):
    assert main(["lint", driver("lock_order_mended.py")]) == 0
    assert main(["lint", driver("lock_order_mended.py"), driver("lock_order.py")]) == 1
    assert main(["lint", driver("lock_order.py"), driver("refused/floats.py")]) == 2
    assert main(["lint", str(tmp_path / "none.py")]) == 2
    out, err = capsys.readouterr()
    assert "lock_order_mended.py: nothing found on any path" in out
    assert "possible circular locking dependency detected: tx after stats, and stats after tx" in out
    assert "floats.py:7: / makes a floating-point number; write //" in out and "No such file" in err and "Traceback" not in err


def test_json_has_what_the_text_has(capsys):
    assert main(["lint", "--json", driver("sleep_in_tasklet.py"), driver("refused/floats.py")]) == 2
    found, refused = json.loads(capsys.readouterr().out)["drivers"]
    assert [(each["line"], each["kind"]) for each in found["reports"]] == [(11, "sleep")]
    assert found["outside_the_subset"] == [] and found["notes"] == []
    assert [each["where"].rsplit(":", 1)[1] for each in refused["outside_the_subset"]] == ["7", "8"]


def test_the_page_has_every_call_and_its_driver_is_one(tmp_path):
    with open(os.path.join(ROOT, "docs", "drivers.md"), encoding="utf-8") as file:
        page = file.read()
    for call in CALLS.values():
        assert f"`{call.name}({', '.join(call.params)})`{' sleeps' * call.sleeps}" in " ".join(page.split()), call.name
    assert set(FUNCTIONS) == {kind.rstrip("?") for call in CALLS.values() for kind in call.params if kind.rstrip("?") in FUNCTIONS}
    shown = page.split("```python\n")[1].split("```")[0]
    (tmp_path / "shown.py").write_text(shown, encoding="utf-8")
    assert set(read_driver(tmp_path / "shown.py").functions) == {"sensor_irq", "sensor_read", "probe"}
