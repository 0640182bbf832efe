"""How several processes share the tests: a file's go together, and all on real validators to one process.

Two consortia at once would share two cores, and their blocks have a period to keep.
"""

from pathlib import PurePath

from support.distribution import ON_VALIDATORS
from xdist.scheduler import LoadScopeScheduling


class ByFile(LoadScopeScheduling):
    """Hands a whole file, or all tests on validators, to the process that has nothing left."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "on validators" if PurePath(file).name in ON_VALIDATORS else file
