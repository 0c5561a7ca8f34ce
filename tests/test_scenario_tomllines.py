"""Lines of keys in TOML."""

from hypothesis import given
from hypothesis import strategies as st

from tophalf.scenario.tomllines import key_lines


def test_lines_of_headers_and_keys():
    text = 'a = 1\n[m] # x\nb = """\n[n]\nc = 5\n"""\nd = 2\n[[n]]\n e=1\n[[n]]\ne = 2\n'
    assert key_lines(text) == {
        ("", 0, "a"): 1, ("m", 0, None): 2, ("m", 0, "b"): 3, ("m", 0, "d"): 7,
        ("n", 0, None): 8, ("n", 0, "e"): 9, ("n", 1, None): 10, ("n", 1, "e"): 11,
    }  # fmt: skip


@given(st.text())
def test_no_text_is_too_strange(text):
    assert all(line >= 1 for line in key_lines(text).values())
