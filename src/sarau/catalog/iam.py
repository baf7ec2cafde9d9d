"""Passwords for RDS that AWS's IAM stands for: a token for each connection.

RDS looks at a token when a connection is made, and takes it for 15 minutes; a connection
outlives its token. To sign one takes 2 ms and asks nobody, except now and then for the
credentials that it is signed with, as a role's are changed all the time.
"""

import re
from functools import cached_property
from typing import Any

import psycopg
import sqlalchemy as sa

_RDS = re.compile(r".+\.(?P<region>[a-z]+(-[a-z]+)+-\d+)\.rds\.amazonaws\.com(\.cn)?")
_PORT = 5432


class IamTokens:
    """Signs tokens for the user of a database's address, with the credentials of this machine.

    The region is the one in the address's host, else that of AWS's own settings.
    """

    def __init__(self, url: str) -> None:
        address = sa.make_url(url)
        self._host = str(address.host)
        self._port = address.port or _PORT
        self._user = str(address.username)
        found = _RDS.fullmatch(self._host)
        self._region = found["region"] if found else None

    def __call__(self) -> str:
        """Return a token that is good from now on.

        Raises:
            psycopg.OperationalError: There are no credentials, no region or no boto3. To whoever
                connects, that is a database which does not let in.

        """
        try:
            from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as below
        except ImportError as error:
            raise psycopg.OperationalError(f"IAM needs the extra `sarau[aws]`: {error}") from error
        try:
            token: str = self._rds.generate_db_auth_token(self._host, self._port, self._user)
        except BotoCoreError as error:
            raise psycopg.OperationalError(f"no token of IAM: {error}") from error
        return token

    @cached_property
    def _rds(self) -> Any:  # noqa: ANN401 - made at run time, from AWS's description of RDS
        import boto3.session  # noqa: PLC0415 - comes with the extra `aws`

        return boto3.session.Session().client("rds", region_name=self._region)
