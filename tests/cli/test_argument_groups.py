"""Dataclasses of arguments become options of a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from nmt.cli.parsing import expand_groups


@dataclass(frozen=True)
class Size:
    width: Annotated[int, typer.Option(help="Across.")]
    height: Annotated[int, typer.Option(help="Down.")] = 2


@dataclass(frozen=True)
class NamedSize(Size):
    name: Annotated[str, typer.Option("--title", help="Above.")] = "x"


@pytest.fixture
def given() -> list[object]:
    return []


@pytest.fixture
def app(given: list[object]) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    @app.command()
    @expand_groups
    def command(
        first: Annotated[str, typer.Argument()] = "a",
        *,
        size: NamedSize,
        loud: Annotated[bool, typer.Option("--loud")] = False,
    ) -> None:
        """Does it."""
        given.extend((first, size, loud))

    return app


def test_fields_stand_in_the_help_where_their_dataclass_stands(app: typer.Typer) -> None:
    text = CliRunner().invoke(app, ["--help"]).output
    assert "Does it." in text
    places = [text.index(name) for name in ("--width", "--height", "--title", "--loud")]
    assert places == sorted(places)


def test_a_command_gets_its_dataclasses(app: typer.Typer, given: list[object]) -> None:
    assert CliRunner().invoke(app, ["b", "--title", "t", "--width", "3"]).exit_code == 0
    assert given == ["b", NamedSize(width=3, height=2, name="t"), False]


def test_a_field_without_a_default_is_required(app: typer.Typer, given: list[object]) -> None:
    assert CliRunner().invoke(app, ["b"]).exit_code == 2 and not given
