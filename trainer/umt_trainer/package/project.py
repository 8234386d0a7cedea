"""A plugin project on disk: what `pip install` and an index want, and a test that it plays."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from string import Template

from safetensors.torch import load_file

from umt_trainer.package.licences import spdx_expression
from umt_trainer.package.origin import Origin
from umtcli.bundle import read_bundle, write_bundle
from umtcli.domain import Domain
from umtcli.errors import OutputExists, TrainingError, UsageError, cannot_write

VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?")


@dataclass(frozen=True)
class Project:
    """What a plugin project says of itself.

    Attributes:
        domain: what it brings, with the provenance that its bundle is to have.
        version: of the package.
    """

    domain: Domain
    version: str = "1.0.0"

    def __post_init__(self) -> None:
        if not VERSION.fullmatch(self.version):
            raise UsageError(f"{self.version!r} is no version: use numbers such as 1.0.0.")

    @property
    def name(self) -> str:
        """Of the distribution."""
        return f"umt-{self.domain.name}"

    @property
    def module(self) -> str:
        """Of the Python package inside."""
        return self.name.replace("-", "_")


def write_project(project: Project, origin: Origin, out: Path, *, overwrite: bool = False) -> Path:
    """Write a plugin project; its folder appears whole or not at all.

    Args:
        project: what it brings.
        origin: what it needs.
        out: the project's folder.
        overwrite: whether to replace it if it is there.

    Returns:
        The folder.

    Raises:
        OutputExists: it is there already.
        BundleError: the domain's bundle is damaged.
        TrainingError: the folder cannot be written.
    """
    if out.exists() and not overwrite:
        raise OutputExists(f"{out} exists already. --overwrite replaces it.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            stage = Path(folder) / out.name
            stage.mkdir()  # a temporary folder is private, a project is not
            _write_all(project, origin, stage)
            if out.exists():
                _refuse_what_is_no_project(out)
                shutil.rmtree(out)
            stage.rename(out)
    except OSError as e:
        raise TrainingError(cannot_write(out, e)) from e
    return out


def _refuse_what_is_no_project(out: Path) -> None:
    """--overwrite must not delete a folder that was not written here."""
    if not (out / "pyproject.toml").is_file() or not list(out.glob("umt_*/*.safetensors")):
        raise OutputExists(f"{out} is no plugin project, and is left alone. Choose another -o.")


def _write_all(project: Project, origin: Origin, stage: Path) -> None:
    module = stage / project.module
    module.mkdir()
    _write_decoder(project.domain, module / f"{project.domain.name}.safetensors")
    if origin.encoder:
        shutil.copyfile(origin.encoder, module / "encoder.safetensors")
    texts = _texts(project, origin)
    for template, path in {
        "pyproject.toml": stage / "pyproject.toml",
        "README.md": stage / "README.md",
        "plugin.py": module / "__init__.py",
        "test_plugin.py": stage / "tests" / f"test_{project.domain.name.replace('-', '_')}.py",
    }.items():
        path.parent.mkdir(exist_ok=True)
        text = (files("umt_trainer.package") / "templates" / f"{template}.txt").read_text("utf-8")
        filled = Template(text).substitute(texts).rstrip()
        path.write_text(f"{filled}\n", encoding="utf-8")


def _write_decoder(domain: Domain, path: Path) -> None:
    """The same weights, byte for byte, with the provenance that the project tells."""
    info = read_bundle(domain.decoder, "decoder").info  # whole, so that damage is found
    write_bundle(
        path,
        kind="decoder",
        family=info.family,
        name=info.name,
        config=info.config,
        space=info.space,
        sample_rate=info.sample_rate,
        provenance=domain.provenance,
        tensors=load_file(domain.decoder),
    )


def _texts(project: Project, origin: Origin) -> Mapping[str, str]:
    domain = project.domain
    facts = [f"| {key} | {_one_line(value)} |" for key, value in domain.provenance.items()]
    return {
        "name": project.name,
        "module": project.module,
        "domain": domain.name,
        "version": project.version,
        "description": _one_line(domain.description),
        "description_toml": _toml(domain.description),
        "spdx_toml": _toml(spdx_expression(domain.licence)),
        "licence": _one_line(domain.licence),
        "authors_toml": _authors(domain.provenance.get("author", "")),
        "requirements_toml": ", ".join(_toml(text) for text in origin.requirements),
        "facts": "\n".join(facts),
        "family": domain.family,
        "space": str(domain.space),
        "encoders_hook": _ENCODERS_HOOK if origin.encoder else "",
    }


_ENCODERS_HOOK = '''

@hookimpl
def umt_encoders() -> list[Path]:
    """The encoder that the domain was trained on."""
    return [HERE / "encoder.safetensors"]
'''


def _authors(author: str) -> str:
    return f"[{{ name = {_toml(author)} }}]" if author else "[]"


def _toml(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's, too."""
    return json.dumps(_one_line(text), ensure_ascii=False)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def described(domain: Domain, given: Mapping[str, str]) -> Domain:
    """A domain whose provenance is what was given, and else what its bundle says."""
    provenance = {**domain.provenance, **{key: value for key, value in given.items() if value}}
    return replace(
        domain,
        provenance=provenance,
        licence=provenance.get("licence", "unknown"),
        description=provenance.get("description", ""),
    )
