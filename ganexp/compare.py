"""``python -m ganexp.compare``; the work is done in :mod:`ganexp.comparison`.

Nothing imports this file: in Python, ``ganexp.compare`` is the function of that name.
"""

from ganexp.comparison.program import main

if __name__ == "__main__":
    main()
