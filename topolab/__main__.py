"""``python -m topolab`` is ``topolab``."""

from topolab.cli import main

if __name__ == "__main__":
    main()
