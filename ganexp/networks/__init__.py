"""The networks of both players.

A network group (``conf/network/*.yaml``) instantiates to a :class:`Networks`: two factories that the model calls with
what the data and the conditioning ask for. Everything else (widths, norms, initialisation, ...) is bound by the config.
"""

from ganexp.networks.players import ByShape, Networks, Players

__all__ = ["ByShape", "Networks", "Players"]
