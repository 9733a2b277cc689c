"""``python -m ganexp.evaluate``; the work is done in :mod:`ganexp.evaluation`.

Nothing imports this file: in Python, ``ganexp.evaluate`` is the function of that name.
"""

from ganexp.evaluation.program import main

if __name__ == "__main__":
    main()
