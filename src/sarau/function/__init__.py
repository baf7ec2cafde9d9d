"""The function: turns an object that landed in the intake bucket into a report, without a database.

It runs in AWS Lambda, from a package that `make lambda` builds. Nothing here may import
the catalog: `make check` holds it to that.
"""
