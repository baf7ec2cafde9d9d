"""What is seen from outside: log lines, figures, and the one id that ties them together."""
