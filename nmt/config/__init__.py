"""The configuration: frozen, typed, read from YAML with errors that name file, line and key."""

from nmt.config.configuration import CHANGEABLE, Config, changed_keys
from nmt.config.loading import from_yaml, load_config
from nmt.config.overrides import check_argument, check_path, check_search, search_kinds
from nmt.config.reference import as_documentation
from nmt.config.reversal import reversed_config
from nmt.config.sections import ModelConfig, SearchConfig, TrainingConfig

__all__ = [
    "CHANGEABLE",
    "Config",
    "ModelConfig",
    "SearchConfig",
    "TrainingConfig",
    "as_documentation",
    "changed_keys",
    "check_argument",
    "check_path",
    "check_search",
    "from_yaml",
    "load_config",
    "reversed_config",
    "search_kinds",
]
