"""A picture of how often chips were right."""

from cimc.html.runs import Figure
from cimc.results import Results


def spread(results: Results) -> Figure:
    """How the shares of several trials are spread, in percent."""
    return {
        "data": [
            {
                "type": "histogram",
                "x": [100 * share for share in results.shares],
                "marker": {"color": "#2a7ab0"},
                "hovertemplate": "%{x} %: %{y} trials<extra></extra>",
            }
        ],
        "layout": {
            "height": 300,
            "bargap": 0.05,
            "xaxis": {"title": {"text": f"{results.what}, %"}},
            "yaxis": {"title": {"text": "trials"}},
            "margin": {"t": 20, "b": 50, "l": 50, "r": 10},
        },
    }
