"""Recipes fit the corpus, the time and the machine, and are configurations that training takes."""

from __future__ import annotations

import pytest

from nmt.config import from_yaml, load_config
from nmt.config.sections import ModelConfig
from nmt.recipes.choice import MOST_EPOCHS, choose, vocabulary_size
from nmt.recipes.networks import NETWORKS, SMALL, slowness
from nmt.recipes.recipe import CorpusSize, Recipe, Setting

DATA = {
    "source_language": "en",
    "target_language": "de",
    "train": {"source": "a.en", "target": "a.de"},
    "validation": {"source": "b.en", "target": "b.de"},
}
SPEED = 15_000.0


def value(recipe: Recipe, key: str) -> object:
    return next(setting.value for setting in recipe.settings if setting.key == key)


@pytest.mark.parametrize("pairs", [1, 100, 3_000, 30_000, 160_000, 5_000_000, 100_000_000])
@pytest.mark.parametrize("minutes", [0.1, 5, 20, 60, 1_000, 100_000])
@pytest.mark.parametrize("speed", [20.0, SPEED, 3e6])
def test_every_recipe_is_a_configuration_that_training_takes(pairs: int, minutes: float, speed: float) -> None:
    recipe = choose(CorpusSize(pairs, 12.0, 40), minutes, speed)
    config = from_yaml(recipe.configuration({"name": "x"}, DATA, ["for a test"]), "recipe")
    assert config.training.max_minutes == minutes
    assert config.training.batch_tokens <= 20_000
    assert recipe.updates >= 1


def test_overrides_make_of_another_configuration_what_the_file_says(tmp_path) -> None:
    recipe = choose(CorpusSize(30_000, 12.0, 40), 20, SPEED)
    plain = tmp_path / "plain.yaml"
    plain.write_text(from_yaml(Recipe((), "", 0, 0, 0).configuration({"name": "x"}, DATA, []), "plain").as_yaml())
    written = from_yaml(recipe.configuration({"name": "x"}, DATA, []), "recipe")
    assert load_config(str(plain), [*recipe.overrides(), "model.tie_embeddings=all"]) == written


def test_the_defaults_are_the_recipe_for_a_corpus_and_a_time_of_middling_size() -> None:
    middle = choose(CorpusSize(30_000, 12.0, 40), 20, SPEED)
    of_the_time = ("data.max_length", "training.max_minutes", "training.max_epochs", "training.average_decay",
                   "training.validate_every")  # fmt: skip
    kept = [setting for setting in middle.settings if setting.key not in of_the_time]
    assert len(kept) == 12
    written = Recipe(tuple(kept), "", 0, 0, 0).configuration({"name": "x"}, DATA, [])
    plain = Recipe((), "", 0, 0, 0).configuration({"name": "x"}, DATA, [])
    assert from_yaml(written, "recipe") == from_yaml(plain, "plain")


def test_more_time_makes_a_larger_network_and_less_a_smaller() -> None:
    corpus = CorpusSize(160_000, 11.0, 40)
    decoders = [
        value(choose(corpus, minutes, SPEED), "model.decoder")["hidden_size"] for minutes in (1, 5, 20, 60, 600)
    ]  # type: ignore[index]
    assert decoders == sorted(decoders)
    assert decoders[0] < decoders[-1]


def test_a_slow_machine_gets_the_network_of_a_shorter_time() -> None:
    corpus = CorpusSize(160_000, 11.0, 40)
    assert choose(corpus, 60, SPEED / 12).network == choose(corpus, 5, SPEED).network


def test_a_small_corpus_ends_before_the_time_where_more_passes_gain_nothing() -> None:
    recipe = choose(CorpusSize(3_000, 9.0, 40), 600, SPEED)
    assert value(recipe, "training.max_epochs") == MOST_EPOCHS
    assert recipe.minutes < 600
    assert value(choose(CorpusSize(160_000, 11.0, 40), 5, SPEED), "training.max_epochs") is None
    for pairs in range(100, 3_000, 7):  # however the division is rounded
        recipe = choose(CorpusSize(pairs, pairs / 97, 40), 6_000, SPEED)
        assert value(recipe, "training.max_epochs") == MOST_EPOCHS


def test_the_more_often_pairs_are_seen_the_more_dropout() -> None:
    few, many = (value(choose(CorpusSize(pairs, 10.0, 40), 20, SPEED), "model.dropout") for pairs in (500_000, 5_000))
    assert few < many  # type: ignore[operator]


def test_larger_corpora_get_larger_vocabularies() -> None:
    sizes = [vocabulary_size(10**power) for power in range(9)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_each_choice_stands_below_its_reason() -> None:
    recipe = Recipe((Setting("training.batch_tokens", 7, "small"), Setting("training.patience", None, "")), "", 1, 1, 1)
    text = recipe.configuration({"name": "x"}, DATA, ["one", "two"])
    assert text.startswith("# one\n# two\nname: x\n\ndata:\n  source_language: en\n")
    assert text.endswith("\n\ntraining:\n  # small\n  batch_tokens: 7\n  patience: null\n")


def test_a_network_is_as_slow_as_its_products_are_many() -> None:
    assert slowness(ModelConfig(**nested(SMALL.settings())), 6_000) == pytest.approx(1.0)
    found = [slowness(ModelConfig(**nested(network.settings())), 6_000) for network in NETWORKS]
    assert found == sorted(found)
    assert slowness(ModelConfig(), 32_000) > slowness(ModelConfig(), 6_000)


def nested(settings: dict[str, object]) -> dict[str, object]:
    return {key.removeprefix("model."): value for key, value in settings.items()}


@pytest.mark.parametrize(("minutes", "most"), [(5, 1), (60, 7)])
def test_no_validation_comes_shortly_before_that_of_the_end(minutes: float, most: int) -> None:
    recipe = choose(CorpusSize(160_000, 11.0, 40), minutes, SPEED)
    every = value(recipe, "training.validate_every")
    assert isinstance(every, int)
    for updates in (0.9 * recipe.updates, recipe.updates, 1.2 * recipe.updates):
        assert updates % every > 0.05 * updates
    assert recipe.updates // every == most
