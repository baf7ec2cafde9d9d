"""PostgreSQL at an address of the host this runs on, until its standard input ends.

Each line that it is given makes an empty database, whose name is the answer.
"""

import sys

import sqlalchemy as sa
from tests.postgresql import Postgresql

if __name__ == "__main__":
    with Postgresql.start() as server:
        server.listen(sys.argv[1])
        for _ in sys.stdin:
            print(sa.make_url(server.new_database()).database, flush=True)
