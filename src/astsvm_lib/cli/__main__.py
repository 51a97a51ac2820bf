"""``python -m astsvm_lib.cli``."""

from astsvm_lib.cli import main

if __name__ == "__main__":
    main()
