from dataclasses import dataclass

import pytest

from ser_lib.protocols import PROMISES, PROTOCOLS, Protocol, promise, register, split


@dataclass(frozen=True, kw_only=True)
class ByStatement(Protocol):
    """Tests the second sentence: what a stranger's module would hold."""

    def cut(self, clips, fold, seed):
        first = [clip.id for clip in clips if clip.statement == "1"]
        return first[::2], first[1::2], [clip.id for clip in clips if clip.statement == "2"]


def by_statement(**changes):
    values = {
        "name": "ravdess-statement",
        "corpus": "RAVDESS",
        "describe": "The second sentence tests.",
        "source": "this test",
        "promises": ("new-sentence",),
    }
    return ByStatement(**{**values, **changes})


@pytest.fixture
def room():
    """Registries that forget what a test adds."""
    before = [(registry, set(registry)) for registry in (PROTOCOLS, PROMISES)]
    yield
    for registry, names in before:
        for name in set(registry) - names:
            del registry[name]


def test_a_new_protocol_with_its_own_promise(room, manifest):
    @promise("new-sentence", "No test sentence is in train.")
    def check(sides, clips, shared):
        return shared["train-test"]["statements"]

    register(by_statement())
    ledger = split(manifest, "ravdess-statement")
    assert len(ledger.test) == 720 and ledger.breaches() == []
    ledger.train, ledger.test = ledger.test[:9], ledger.train[:9] + ledger.test[9:]
    assert "new-sentence: 2" in ledger.breaches()


def test_names_are_taken_once(room):
    with pytest.raises(ValueError, match="ravdess-si6"):
        register(by_statement(name="ravdess-si6", promises=()))
    with pytest.raises(ValueError, match="clip-once"):
        promise("clip-once", "again")(lambda sides, clips, shared: [])


def test_unknown_promise(room):
    with pytest.raises(ValueError, match="new-sentence"):
        register(by_statement())


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.name)
def test_every_protocol_is_described(protocol):
    assert protocol.describe.endswith(".") and protocol.describe.count(". ") == 0
    assert protocol.source and protocol.promises and protocol.folds >= 1
    assert protocol.name == protocol.name.lower()
    assert 0 < len(protocol.short) <= 80 and 0 < len(protocol.credit) <= 40
    assert "|" not in protocol.short + protocol.credit


def test_corpus_module_is_the_corpus_in_lower_case():
    assert by_statement(corpus="EMO-DB").corpus_module == "emodb"
    assert by_statement().corpus_module == "ravdess"
