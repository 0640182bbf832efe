"""The sample exports and the ledgers that take them."""

import json
from pathlib import Path
from typing import Any

import pytest

from chainsvc_adapters.drafts import Ledgers

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
PROGRAMMES = {"重度残疾人护理补贴": "NURSING", "困难残疾人生活补贴": "LIVING"}
CAMPAIGNS = {"乡村儿童营养午餐": "LUNCH", "困境老人助医": "ELDERLY", "暴雨洪涝灾害应急救助": "FLOOD"}


@pytest.fixture
def sample() -> Path:
    return SAMPLE


@pytest.fixture
def answers() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((SAMPLE / "answers.json").read_text(encoding="utf-8"))
    return parsed


@pytest.fixture
def ledgers(answers: dict[str, Any]) -> Ledgers:
    charity, office = answers["charity"]["organization"], answers["subsidy"]["organization"]
    names = {campaign: f"charity/{charity}/{book}-2026" for campaign, book in CAMPAIGNS.items()}
    for programme, book in PROGRAMMES.items():
        names |= {f"{programme} {month}": f"subsidy/{office}/{book}-{month}" for month in ("2026-09", "2026-10")}
    return Ledgers.of({**names, "2026": f"marriage/{office}/2026"})
