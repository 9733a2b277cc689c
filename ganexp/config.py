"""The configuration before anything heavy is imported: where the YAML lives, resolvers, and what a key was meant to be."""

import difflib
import hashlib
import re
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

_LONGEST_NAME = 180  # file systems take 255 bytes; TensorBoard's own files and temporary names need the rest

stamp = f"{datetime.now():%Y-%m-%d_%H-%M-%S}-{secrets.token_hex(2)}"
"""Name of what this process makes: unique, so that runs started in the same second never share a directory."""


def directory() -> Path:
    """Return the folder of the YAML files: inside the package when installed from a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "conf", package.parent / "conf"):
        if (candidate / "config.yaml").is_file():
            return candidate
    raise FileNotFoundError(f"ganexp is installed without its configuration: no conf/config.yaml in or beside {package}")


def register_resolvers() -> None:
    """Make the resolvers of ``conf/`` known to OmegaConf; call before composing.

    ``${ganexp.stamp:}`` is the process's unique name; ``${ganexp.unless:a,b}`` is ``b``, or null once ``a`` is set: the
    default of one of two settings that exclude each other.
    """
    # Cached in the configuration, so that the jobs of a sweep agree in whatever process they run.
    OmegaConf.register_new_resolver("ganexp.stamp", lambda: stamp, replace=True, use_cache=True)
    OmegaConf.register_new_resolver("ganexp.unless", lambda other, default: default if other is None else None, replace=True)


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Resolve every interpolation and return nothing but dicts, lists and scalars."""
    content = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def complete(cfg: DictConfig, choices: dict[str, Any]) -> dict[str, Any]:
    """Return the resolved configuration of a run, with its name and the choice made in each group."""
    content = plain(cfg)
    made = {group: str(choice) for group, choice in choices.items() if not group.startswith("hydra")}
    named = [made["experiment"]] if made.get("experiment", "None") != "None" else [made[g] for g in ("model", "data", "loss")]
    return content | {"choices": made, "name": content["name"] or "-".join(named)}


def compose(*overrides: str) -> dict[str, Any]:
    """Compose a configuration as the command line does, for use from Python."""
    register_resolvers()
    with hydra.initialize_config_dir(str(directory()), version_base="1.3"):
        cfg = hydra.compose("config", overrides=list(overrides), return_hydra_config=True)
    choices = cfg.hydra.runtime.choices
    OmegaConf.set_struct(cfg, False)
    cfg.pop("hydra")
    return complete(cfg, choices)


def flatten(content: Any, prefix: str = "") -> dict[str, Any]:
    """Map dotted keys to leaves, lists included as leaves."""
    if not isinstance(content, dict) or not content:
        return {prefix: content} if prefix else {}
    return {k: v for key, value in content.items() for k, v in flatten(value, f"{prefix}.{key}" if prefix else key).items()}


def near_miss(word: str, candidates: list[str]) -> str | None:
    """Return the candidate that ``word`` was probably meant to be: alike as a whole, or alike in its last part."""
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.75)
    if close:
        return close[0]
    last = {candidate.rpartition(".")[2]: candidate for candidate in reversed(candidates)}
    close = difflib.get_close_matches(word.rpartition(".")[2], list(last), n=1, cutoff=0.75)
    return last[close[0]] if close else None


def file_name(text: str) -> str:
    """Turn overrides into the name of a folder: readable, legal, and no longer than file systems allow."""
    name = re.sub(r"[^\w.,=+\-\[\]]", "_", text)
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{name.encode()[: _LONGEST_NAME - 9].decode(errors='ignore')}-{digest}"
