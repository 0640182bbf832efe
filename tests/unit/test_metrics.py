import re

from prometheus_client import REGISTRY

from chainsvc import metrics


def test_metrics_are_named_by_thing_and_unit() -> None:
    names = {family.name for family in REGISTRY.collect() if family.name.startswith("chainsvc_")}
    assert len(names) == sum(name.isupper() and not name.startswith("_") for name in vars(metrics))
    assert all(re.fullmatch(r"chainsvc(_[a-z]+){1,4}", name) for name in names)


def test_no_metric_has_a_label_about_a_person_an_organization_or_a_ledger() -> None:
    labels = {
        label
        for family in REGISTRY.collect()
        if family.name.startswith("chainsvc_")
        for sample in family.samples
        for label in sample.labels
    }
    assert not labels & {"uscc", "organization", "ledger", "reference", "record", "name"}
    declared = {name for metric in vars(metrics).values() for name in getattr(metric, "_labelnames", ())}
    assert declared == {"method", "route", "status", "kind", "code", "outcome", "sender", "verdict", "node", "fault"}
