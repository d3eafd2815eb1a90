"""Numbers and settings as a reader sees them, in pictures and on the page."""

from collections.abc import Callable

from loadtests.grid.summary import Series, Spread

#: Where there is no number.
NOTHING = "\N{EN DASH}"


def number(value: float | None) -> str:
    """Return three significant digits, never an exponent; a dash for nothing."""
    if value is None:
        return NOTHING
    if 0 < value < 0.00005:
        return "< 0.0001"
    if value >= 999.5:
        return f"{value:,.0f}"
    return f"{value:.4f}".rstrip("0").rstrip(".") if value < 0.01 else f"{value:.3g}"


def share(value: float | None) -> str:
    """Return an efficiency, with two digits behind the point; a dash for nothing."""
    return NOTHING if value is None else f"{value:.2f}"


def percent(value: float) -> str:
    """Return a part of one as percent."""
    return f"{100 * value:.0f} %"


def between(spread: Spread | None, told: Callable[[float], str] = number) -> str:
    """Return the least and the most of repeats; nothing where they are told alike."""
    if spread is None:
        return ""
    low, high = told(spread.low), told(spread.high)
    return "" if low == high else f"{low}\N{EN DASH}{high}"


def place(replicas: int, concurrency: int) -> str:
    """Return a cell's place in the grid, replicas first."""
    return f"{replicas} \N{MULTIPLICATION SIGN} {concurrency}"


def cell(replicas: int, concurrency: int) -> str:
    """Return a cell's place with its slots, for a page that does not break in it."""
    slots = replicas * concurrency
    told = f"{place(replicas, concurrency)} = {slots} slot{'s' * (slots > 1)}"
    return told.replace(" ", "\N{NO-BREAK SPACE}")


def settings(series: Series) -> dict[str, str]:
    """Return what a series was measured with, in words, by field."""
    deployed = series.prefetch == "deployed"
    return {
        "app": series.app,
        "through": {"queue": "straight into the queue", "api": "through the API"}[
            series.through
        ],
        "engine": {"process": "processes", "container": "containers"}[series.engine],
        "service": f"service {series.service}",
        "payload_bytes": f"payload {series.payload_bytes:,} B"
        if series.payload_bytes
        else "no payload",
        "arrivals": "as many jobs as there is room for"
        if series.arrivals is None
        else f"{number(series.arrivals)} jobs/s arrive",
        "prefetch": f"prefetch {'as ' * deployed}{series.prefetch}",
        "acks": f"acks {'as ' * (series.acks == 'deployed')}{series.acks}",
    }


def title(series: Series) -> str:
    """Return all settings of a series in one line."""
    return " · ".join(settings(series).values())


def label(series: Series, among: list[Series]) -> str:
    """Return what tells a series from the others, its app at least."""
    mine, all_of_them = settings(series), [settings(other) for other in among]
    return (
        ", ".join(
            said
            for name, said in mine.items()
            if any(other[name] != said for other in all_of_them)
        )
        or settings(series)["app"]
    )


def shared(among: list[Series]) -> str:
    """Return the settings that all of them have."""
    told = [settings(each) for each in among]
    return " · ".join(
        said
        for name, said in (told[0] if told else {}).items()
        if all(other[name] == said for other in told)
    )
