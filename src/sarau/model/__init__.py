"""The vocabulary and the rules: pure, standard library only, no input or output."""
