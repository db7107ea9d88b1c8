import pytest

from poolcheck.read.kubernetes.quantities import cpus


@pytest.mark.parametrize(
    ("written", "number"),
    [("2", 2), ("0.5", 0.5), ("250m", 0.25), ("{{ .cpu }}", None), ("1e3", None), ("-1", None)],
)
def test_cpus_are_counted_in_whole_ones_or_thousandths(written: str, number: float | None) -> None:
    assert cpus(written) == number
