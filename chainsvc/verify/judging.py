"""How one check becomes one finding, by every view of the chain that the verifier has.

A view is the source (a node, or the file's proof under a checkpoint) and, where a node was asked, the file's own proof
beside it: no part of a file stays unchecked. A failure in any view counts; so does what any view leaves open.
"""

from collections.abc import Callable
from functools import partial

from chainsvc.errors import ChainsvcError, MalformedInput, SignatureRefused
from chainsvc.verify.case import Case
from chainsvc.verify.sources import Snapshot
from chainsvc.verify.verdict import Finding, Outcome, failed, not_checked

_GRAVITY = (Outcome.FAILED, Outcome.NOT_CHECKED, Outcome.PASSED)


def attempted(case: Case, check: Callable[[], Finding]) -> Finding:
    """Return the check's finding, or what its refusal means: wrong input fails, input that is not there is unchecked.

    A view that could not be opened at all leaves the step unchecked: step 6 tells why, the file's values are not at
    fault.
    """
    try:
        return check()
    except (MalformedInput, SignatureRefused) as error:
        make = not_checked if error is case.snapshot or error is case.own else failed
        return make(told(error), expected=error.expected, got=error.got)
    except ChainsvcError as error:  # no source, no proof, no answer
        return not_checked(told(error), expected=error.expected, got=error.got)


def in_every_view(case: Case, check: Callable[[Snapshot], Finding]) -> Finding:
    """Return the gravest finding of all views; among equals the source's.

    Raises:
        ChainsvcError: A view can't be opened.
    """
    findings = [attempted(case, partial(check, view)) for view in case.views()]
    return min(findings, key=lambda finding: _GRAVITY.index(finding.outcome))


def told(error: Exception) -> str:
    """Say in one sentence what was refused, where, and what helps."""
    if not isinstance(error, ChainsvcError):
        return f"{type(error).__name__}: not an evidence file"
    where = f" ({error.where})" if error.where else ""
    hint = f". {error.hint}" if error.hint else ""
    return f"{error.message}{where}{hint}"
