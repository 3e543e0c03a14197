"""What `pip install cometape` gives a user: one package, one command, one plugin, its data."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import cometape

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "replay" / "cometape"
ADDONS = sorted((ROOT / "addons").glob("*.py"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built without network: what builds it is installed from the lock file."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_version_is_the_installed_one() -> None:
    assert metadata.version("cometape") == cometape.__version__


def test_every_package_that_is_imported_is_declared() -> None:
    """What another package brings today, its next edition may not bring."""
    declared = {
        re.split(r"[^\w.-]", requirement)[0].lower()
        for requirement in metadata.requires("cometape") or ()
        if "extra ==" not in requirement
    }
    distributions = metadata.packages_distributions()
    for path in (*PACKAGE.rglob("*.py"), *ADDONS):
        for module in imported(path):
            if module in sys.stdlib_module_names or module in ("cometape", "pytest"):
                continue
            assert {name.lower() for name in distributions[module]} & declared, (path, module)


def imported(path: Path) -> Iterator[str]:
    """The packages that a module imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.module.partition(".")[0]


def test_the_console_script_is_the_command_line() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="cometape")
    assert script.value == "cometape.cli:main"
    assert callable(script.load())


def test_the_pytest_plugin_is_registered() -> None:
    (plugin,) = metadata.entry_points(group="pytest11", name="cometape")
    assert plugin.value == "cometape.pytest_plugin"


def test_only_cometape_lands_in_site_packages(wheel: zipfile.ZipFile) -> None:
    top_level = {name.partition("/")[0] for name in wheel.namelist()}
    assert {name for name in top_level if not name.endswith(".dist-info")} == {"cometape"}


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    files = {
        f"cometape/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    inside = {name for name in wheel.namelist() if name.startswith("cometape/")}
    assert inside == files
    assert "cometape/py.typed" in inside
    assert "cometape/server/openapi.json" in inside
    assert {"cometape/profiles/bayeux.yaml", "cometape/profiles/workbins.yaml"} <= inside


def test_the_wheel_brings_the_licence(wheel: zipfile.ZipFile) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.namelist())


def test_there_are_addons_to_run() -> None:
    assert "record.py" in {path.name for path in ADDONS}


@pytest.mark.parametrize("addon", ADDONS, ids=lambda path: path.name)
def test_mitmproxy_loads_an_addon(addon: Path, caplog: pytest.LogCaptureFixture) -> None:
    from mitmproxy.addons.script import load_script

    module = load_script(str(addon))
    assert caplog.messages == []
    assert module is not None
    assert module.addons


@pytest.mark.parametrize("addon", ADDONS, ids=lambda path: path.name)
def test_an_addon_shadows_no_module(addon: Path) -> None:
    """mitmproxy leaves the script's folder first on `sys.path`, where any name wins."""
    installed = {name.partition(".")[0] for name in metadata.packages_distributions()}
    assert addon.stem not in sys.stdlib_module_names | installed


def test_the_command_to_replay_does_not_import_mitmproxy_or_rich() -> None:
    """Importing mitmproxy alone costs most of a second."""
    program = "import sys, cometape.cli.replay; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"mitmproxy", "rich", "cryptography"} & set(done.stdout.split())


def test_the_lock_files_name_every_package_with_hashes_and_no_registry() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {_name(requirement) for requirement in project["dependencies"]}
    developers = {_name(text) for text in project["optional-dependencies"]["dev"]}
    for lock, names in (("demo", wanted), ("dev", wanted | developers), ("build", {"hatchling"})):
        text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
        assert "://" not in text
        assert "--find-links" not in text
        packages = text.replace(" \\\n", " ").splitlines()
        locked = [line for line in packages if line and not line.startswith("#")]
        assert all("--hash=sha256:" in line for line in locked)
        assert names <= {line.partition("==")[0] for line in locked}


def _name(requirement: str) -> str:
    for end, character in enumerate(requirement):
        if not (character.isalnum() or character in "-_."):
            return requirement[:end].lower()
    return requirement.lower()
