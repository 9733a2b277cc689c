"""``python -m ganexp.sample``; the work is done in :mod:`ganexp.sampling`.

Nothing imports this file: in Python, ``ganexp.sample`` is the function of that name.
"""

from ganexp.sampling.program import main

if __name__ == "__main__":
    main()
