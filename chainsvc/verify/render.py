"""Verdicts and audit reports as tables for a terminal, English and Chinese side by side."""

import datetime as dt
from collections.abc import Iterable, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from chainsvc.verify.audit_report import OUTCOMES_ZH, AuditReport
from chainsvc.verify.many import Tally
from chainsvc.verify.verdict import INVALID, UNDETERMINED, VALID, Facts, Outcome, Step, Verdict
from chainsvc.verify.wording import OUTCOMES, STEP_NAMES, VERDICTS

_COLOURS: Mapping[str, str] = {
    VALID: "green",
    INVALID: "red",
    UNDETERMINED: "yellow",
    "complete": "green",
    "findings": "red",
}
_STEP_COLOURS = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.NOT_CHECKED: "yellow"}
_OTHER_STANDING = "magenta"


def verdict_table(name: str, verdict: Verdict) -> RenderableType:
    """Return one file's verdict: headline, facts, ten steps, and what is not proven."""
    headline = _headline(name, verdict.verdict, VERDICTS[verdict.verdict])
    steps = _table("", "Step 步骤", "Outcome 结果", "Basis 依据")
    for step in verdict.steps:
        steps.add_row(str(step.number), _step_name(step), _outcome(step.outcome), _explanation(step))
    if verdict.facts is None:
        return Group(headline, steps)
    return Group(headline, _facts_table(verdict.facts), steps, _not_proven(verdict.facts))


def tally_table(tally: Tally) -> RenderableType:
    """Return how many files have which verdict, after a line for each that is not valid."""
    parts: list[RenderableType] = []
    for name, known in tally.others:
        line = _headline(name, known.verdict, VERDICTS[known.verdict])
        parts.append(line if known.reason is None else line.append(f"  {known.reason}", "default"))
    if (more := tally.files - tally.counts[VALID] - len(tally.others)) > 0:
        parts.append(Text(f"and {more} more 另有更多"))
    table = _table("Verdict 结论", "Files 文件数")
    for verdict, files in sorted(tally.counts.items(), key=lambda counted: -counted[1]):
        table.add_row(
            Text(f"{verdict.upper()} {VERDICTS[verdict]}", _COLOURS.get(verdict, _OTHER_STANDING)), f"{files:,}"
        )
    parts.append(table)
    if tally.resumed:
        parts.append(Text(f"{tally.resumed:,} of them stood in the report already 其中已在报告中"))
    return Group(*parts)


def audit_table(name: str, report: AuditReport) -> RenderableType:
    """Return an audit's headline, figures, findings and notes."""
    headline = _headline(name, report.outcome, OUTCOMES_ZH[report.outcome])
    parts: list[RenderableType] = [headline, _grid(_audit_rows(report))]
    if report.findings:
        table = _table("Where 位置", "Finding 问题", "Expected 应为", "Got 实为")
        for finding in report.findings:
            table.add_row(finding.place, f"{finding.code}: {finding.message}", finding.expected, finding.got)
        parts.append(table)
    if report.found > len(report.findings):
        parts.append(Text(f"and {report.found - len(report.findings)} more 另有更多"))
    parts += [Text(f"Note 说明: {note}") for note in report.notes]
    return Group(*parts)


def _audit_rows(report: AuditReport) -> Iterable[tuple[str, str]]:
    yield "Ledger 账簿", report.ledger
    yield "Entries 条目", f"{report.entries} ({report.readable} readable 可读)"
    yield "Batches 批次", str(report.batches)
    yield "Changes of standing 效力变化", str(report.changes)
    yield "Credit, debit 收入、支出 (fen 分)", f"{report.credit}, {report.debit}"
    yield "Last head 末批次头", report.head.hex() if report.head else "-"
    if report.unread:
        yield "Compared with 比对对象", f"nothing 无: {report.unread}"
    else:
        yield "Compared with 比对对象", f"block {report.block} 区块, {report.trust}"


def _headline(name: str, outcome: str, chinese: str) -> Text:
    colour = _COLOURS.get(outcome, _OTHER_STANDING)
    return Text(f"{name}: ").append(f"{outcome.upper()} {chinese}", f"bold {colour}")


def _facts_table(facts: Facts) -> Table:
    return _grid(_fact_rows(facts))


def _fact_rows(facts: Facts) -> Iterable[tuple[str, str]]:
    yield "Ledger 账簿", facts.ledger
    yield "Organization 机构", facts.organization
    yield "Entry 条目", f"seq {facts.seq}, {facts.schema}"
    yield "Existed no later than 不晚于", f"{_time(facts.time)} ± {facts.tolerance} s, block {facts.block} 区块"
    if facts.standing is not None and facts.standing_time is not None:
        when = f"block {facts.standing_block} 区块, {_time(facts.standing_time)}"
        yield "Standing 效力", f"{facts.standing.label} {VERDICTS[facts.standing.label]} ({when})"
    if facts.cause is not None:
        yield "Cause 事由", f"seq {facts.cause.seq} of ledger 账簿 {facts.cause.ledger_id.hex()}"
    yield "Who attests 来源", f"{facts.attests.en}\n{facts.attests.zh}"
    if facts.trust is not None:
        yield "Trust 信任基础", facts.trust
    if facts.seals is not None:
        found = ", ".join(f"0x{address.hex()}" for address in facts.seals.found)
        yield "Validators 验证节点", f"{facts.seals} (set pinned from block {facts.seals.since} 起): {found}"
    if facts.receipt_late:
        yield "Receipt 回执", f"anchored {facts.receipt_late} s after its deadline 超出承诺期限"
    yield "Values 内容", f"{facts.disclosed} disclosed 已披露, {facts.hidden} hidden 未披露"


def _not_proven(facts: Facts) -> RenderableType:
    lines = [Text("Not proven 未予证明:")]
    lines += [Text(f"  - {wording.en}\n    {wording.zh}") for wording in facts.not_proven]
    return Group(*lines)


def _table(*titles: str) -> Table:
    """Make a table that breaks long hashes and never cuts them off."""
    table = Table()
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _grid(rows: Iterable[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(overflow="fold")
    for label, value in rows:
        grid.add_row(Text(label, "bold"), Text(value))
    return grid


def _step_name(step: Step) -> str:
    return f"{step.name} {STEP_NAMES[step.number].zh}"


def _outcome(outcome: Outcome) -> Text:
    return Text(f"{outcome.value} {OUTCOMES[outcome.value]}", _STEP_COLOURS[outcome])


def _explanation(step: Step) -> Text:
    finding = step.finding
    got = "got 实为" if finding.expected is not None else "value 值"
    labelled = (("", finding.reason), ("expected 应为: ", finding.expected), (f"{got}: ", finding.got))
    return Text("\n".join(label + value for label, value in labelled if value is not None))


def _time(seconds: int) -> str:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s"  # a hostile file may name any time
