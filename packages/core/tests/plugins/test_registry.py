"""Names become classes, and every way that can fail says what to do."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap

import fanfold
import pytest
from fanfold.contracts import Backend, Store, StoreCapabilities
from fanfold.errors import (
    BrokenPluginError,
    ContractVersionError,
    InvalidArgumentError,
    MissingExtraError,
    PluginConflictError,
    UnknownPluginError,
)
from fanfold.plugins import Registry, backends, stores

GOOD_BACKEND = """
    from fanfold.contracts import Backend

    class Engine(Backend):
        name = "engine"

        def effective_n_jobs(self, n_jobs):
            return 1

        def executor(self, request):
            raise NotImplementedError
"""


class WholeBackend(Backend):
    name = "whole"

    def effective_n_jobs(self, n_jobs):
        return 1

    def executor(self, request):
        raise NotImplementedError


@pytest.fixture
def registry():
    """A registry of its own: what a test registers or loads stays in the test."""
    return Registry(
        kind="backend",
        family="fanfold.backends",
        version=1,
        contract="fanfold.contracts:Backend",
        built_in={"threads": "fanfold.backends.threads:ThreadsBackend"},
        extras={"cloud": "fanfold[cloud]"},
    )


def run_python(source: str, *, site_packages: bool = True) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that sees fanfold, with or without what is installed."""
    home = str(pathlib.Path(fanfold.__file__).parents[1])
    return subprocess.run(
        [sys.executable, *([] if site_packages else ["-S"]), "-c", textwrap.dedent(source)],
        env={**os.environ, "PYTHONPATH": home},
        capture_output=True,
        text=True,
        check=False,
    )


class TestBuiltIn:
    @pytest.mark.parametrize(
        ("name", "canonical"),
        [
            ("processes", "processes"),
            ("loky", "processes"),
            ("multiprocessing", "processes"),
            ("threads", "threads"),
            ("threading", "threads"),
            ("sequential", "sequential"),
            ("interpreters", "interpreters"),
        ],
    )
    def test_backends_are_found_by_their_names_and_joblibs(self, name, canonical):
        found = backends.get(name)

        assert issubclass(found, Backend)
        assert found.name == canonical

    @pytest.mark.parametrize("name", ["local", "file"])
    def test_the_local_store_is_found(self, name):
        found = stores.get(name)

        assert issubclass(found, Store)
        assert found.name == "local"

    def test_importing_the_registries_imports_no_discovery(self):
        source = """
            import sys
            import fanfold.plugins

            heavy = {"pluggy", "importlib.metadata", "multiprocessing", "asyncio", "numpy"}
            print(sorted(heavy & set(sys.modules)))
        """

        done = run_python(source, site_packages=False)

        assert done.stdout == "[]\n", done.stderr

    def test_a_built_in_name_is_found_without_discovery(self):
        source = """
            import sys
            from fanfold.plugins import Registry

            registry = Registry(
                kind="backend", family="fanfold.backends", version=1, contract=None,
                built_in={"one": "fanfold.errors:FanfoldError"}, extras={},
            )
            print(registry.get("one").__name__, "importlib.metadata" in sys.modules)
        """

        done = run_python(source, site_packages=False)

        assert done.stdout == "FanfoldError False\n", done.stderr

    def test_one_that_cannot_be_imported_is_named_with_its_cause(self):
        registry = Registry(
            kind="backend",
            family="fanfold.backends",
            version=1,
            contract=None,
            built_in={"one": "a_module_that_nobody_has:One"},
            extras={},
        )

        with pytest.raises(BrokenPluginError) as caught:
            registry.get("one")

        assert "'one' is built in, but 'a_module_that_nobody_has:One' cannot" in str(caught.value)
        assert "see what is missing with: fanfold doctor" in str(caught.value)
        assert isinstance(caught.value.__cause__, ModuleNotFoundError)


class TestInstalled:
    def test_an_entry_point_is_found_by_its_name(self, registry, install):
        install(
            "acme-engine",
            "1.2",
            {"fanfold.backends.v1": ["acme = acme_engine:Engine"]},
            {"acme_engine": GOOD_BACKEND},
        )

        found = registry.get("acme")

        assert found.__module__ == "acme_engine"
        assert registry.get("acme") is found

    def test_only_the_entry_point_that_was_asked_for_is_imported(self, registry, install):
        install(
            "pair",
            "1.0",
            {"fanfold.backends.v1": ["asked = pair_asked:Engine", "other = pair_other:Engine"]},
            {"pair_asked": GOOD_BACKEND, "pair_other": "raise AssertionError('imported')"},
        )

        registry.get("asked")

        assert "pair_asked" in sys.modules
        assert "pair_other" not in sys.modules

    def test_a_built_in_name_cannot_be_taken_by_a_distribution(self, install):
        install("thief", "1.0", {"fanfold.backends.v1": ["threads = thief:Engine"]})

        assert backends.get("threads").__module__.startswith("fanfold.")

    def test_names_tell_where_each_comes_from(self, registry, install):
        install("acme-engine", "1.2", {"fanfold.backends.v1": ["acme = acme_engine:Engine"]})
        registry.register("mine", WholeBackend)

        names = registry.names()

        assert names["acme"] == "acme-engine 1.2"
        assert names["mine"] == "registered"
        assert names["threads"] == "built in"
        assert list(names) == sorted(names)

    def test_names_show_both_distributions_that_claim_one(self, registry, install):
        install("first", "1.0", {"fanfold.backends.v1": ["twice = first:Engine"]})
        install("second", "2.0", {"fanfold.backends.v1": ["twice = second:Engine"]})

        assert sorted(registry.names()["twice"].split(" and ")) == ["first 1.0", "second 2.0"]


class TestFailures:
    def test_a_typo_gets_the_nearest_name_and_all_names(self, registry):
        with pytest.raises(UnknownPluginError) as caught:
            registry.get("Treads")

        message = str(caught.value)
        assert "there is no backend 'Treads'; did you mean 'threads'?" in message
        assert "There are: cloud (after pip" in message
        assert message.endswith("threads")

    def test_a_name_like_no_other_gets_all_names(self, registry):
        with pytest.raises(ValueError, match=r"^there is no backend 'zzz'\. There are: .*threads$"):
            registry.get("zzz")

    @pytest.mark.parametrize(
        ("registry_name", "name", "requirement"),
        [
            ("backends", "dask", "fanfold[dask]"),
            ("backends", "ray", "fanfold[ray]"),
            ("stores", "s3", "fanfold[s3]"),
        ],
    )
    def test_a_missing_extra_tells_how_to_install_it(self, registry_name, name, requirement):
        source = f"""
            from fanfold.errors import MissingExtraError
            from fanfold.plugins import {registry_name} as registry

            try:
                registry.get({name!r})
            except MissingExtraError as error:
                print(error)
        """

        done = run_python(source, site_packages=False)

        assert f'pip install "{requirement}"' in done.stdout, done.stderr
        assert repr(name) in done.stdout

    def test_an_unknown_name_is_told_what_could_be_installed(self, registry):
        with pytest.raises(UnknownPluginError) as caught:
            registry.get("clowd")

        assert "did you mean 'cloud'?" in str(caught.value)
        assert 'cloud (after pip install "fanfold[cloud]")' in str(caught.value)

    def test_a_known_plugin_that_is_not_installed_tells_how_to_install_it(self, registry):
        with pytest.raises(
            MissingExtraError, match=r'^the backend \'cloud\' .*: pip install "fanfold\[cloud\]"$'
        ):
            registry.get("cloud")

    def test_a_plugin_that_fails_to_import_is_named_with_its_cause(self, registry, install):
        install(
            "acme-engine",
            "1.2",
            {"fanfold.backends.v1": ["acme = acme_broken:Engine"]},
            {"acme_broken": "import a_module_that_nobody_has"},
        )

        with pytest.raises(BrokenPluginError) as caught:
            registry.get("acme")

        assert "'acme = acme_broken:Engine' of acme-engine 1.2" in str(caught.value)
        assert "ModuleNotFoundError: No module named 'a_module_that_nobody_has'" in str(
            caught.value
        )
        assert "upgrade or reinstall" in str(caught.value)
        assert isinstance(caught.value.__cause__, ModuleNotFoundError)

    @pytest.mark.parametrize(
        ("source", "fault"),
        [
            ("def Engine(): ...", "is not a class derived from fanfold.contracts.Backend but a fu"),
            ("class Engine: ...", "is not derived from fanfold.contracts.Backend"),
            (
                """
                from fanfold.contracts import Backend

                class Engine(Backend):
                    name = "acme"
                """,
                "does not implement effective_n_jobs, executor of fanfold.contracts.Backend",
            ),
            (GOOD_BACKEND.replace('name = "engine"', "pass"), "has no class attribute `name`"),
            (
                GOOD_BACKEND.replace('name = "engine"', 'name = "a"; capabilities = None'),
                "has no class attribute `capabilities`, a BackendCapabilities, but None",
            ),
        ],
        ids=["function", "unrelated class", "abstract", "nameless", "no capabilities"],
    )
    def test_a_plugin_without_the_contracts_form_is_named(
        self, registry, install, source, fault, request
    ):
        module = f"acme_{request.node.callspec.id.replace(' ', '_')}"
        install(
            "acme-engine",
            "1.2",
            {"fanfold.backends.v1": [f"acme = {module}:Engine"]},
            {module: source},
        )

        with pytest.raises(BrokenPluginError) as caught:
            registry.get("acme")

        assert fault in str(caught.value)
        assert f"{module}:Engine' of acme-engine 1.2" in str(caught.value)

    def test_a_store_must_declare_the_capabilities_of_stores(self, install):
        install(
            "acme-store",
            "0.3",
            {"fanfold.stores.v1": ["acme-store = acme_store:Shelf"]},
            {
                "acme_store": """
                    from fanfold.contracts import BackendCapabilities, Store

                    class Shelf(Store):
                        name = "shelf"
                        capabilities = BackendCapabilities()
                        get = put = delete = list = lambda self, *rest: None
                """
            },
        )

        with pytest.raises(BrokenPluginError, match="`capabilities`, a StoreCapabilities, but"):
            stores.get("acme-store")

    def test_two_distributions_with_one_name_are_both_named(self, registry, install):
        install("first", "1.0", {"fanfold.backends.v1": ["twice = first:Engine"]})
        install("second", "2.0", {"fanfold.backends.v1": ["twice = second:Engine"]})

        with pytest.raises(PluginConflictError) as caught:
            registry.get("twice")

        assert "first 1.0 (first:Engine)" in str(caught.value)
        assert "second 2.0 (second:Engine)" in str(caught.value)
        assert "uninstall all but the one you mean" in str(caught.value)

    @pytest.mark.parametrize(
        ("version", "upgrade"), [("v2", "fanfold"), ("v0", "acme-engine")], ids=["newer", "older"]
    )
    def test_a_contract_of_another_version_tells_which_side_to_upgrade(
        self, registry, install, version, upgrade
    ):
        install("acme-engine", "1.2", {f"fanfold.backends.{version}": ["acme = acme:Engine"]})

        with pytest.raises(ContractVersionError) as caught:
            registry.get("acme")

        assert f"'acme' of acme-engine 1.2 keeps version {version[1:]}" in str(caught.value)
        assert "this fanfold has version 1" in str(caught.value)
        assert str(caught.value).endswith(f"pip install --upgrade {upgrade}")

    def test_a_plugin_that_keeps_several_versions_is_found(self, registry, install):
        install(
            "acme-both",
            "1.2",
            {
                "fanfold.backends.v1": ["both = acme_both:Engine"],
                "fanfold.backends.v2": ["both = acme_both:NewEngine"],
            },
            {"acme_both": GOOD_BACKEND},
        )

        assert registry.get("both").__name__ == "Engine"

    def test_an_entry_point_of_another_family_is_not_a_version(self, registry, install):
        install(
            "other",
            "1.0",
            {"console_scripts": ["acme = other:main"], "fanfold.stores.v2": ["acme = other:S"]},
        )

        with pytest.raises(UnknownPluginError):
            registry.get("acme")

    @pytest.mark.parametrize("name", [None, 3, "", ["threads"]])
    def test_a_name_must_be_a_string(self, registry, name):
        with pytest.raises(InvalidArgumentError, match="the name of a backend is a string, not"):
            registry.get(name)


class TestRegister:
    def test_a_class_is_found_by_its_name(self, registry):
        registry.register("mine", WholeBackend)

        assert registry.get("mine") is WholeBackend

    def test_a_factory_is_found_by_its_name(self, registry):
        def factory(**options):
            return WholeBackend()

        registry.register("mine", factory)

        assert registry.get("mine") is factory

    def test_what_was_registered_last_counts_even_over_a_built_in_name(self, registry):
        registry.register("threads", lambda: None)

        registry.register("threads", WholeBackend)

        assert registry.get("threads") is WholeBackend
        assert registry.registered == {"threads": WholeBackend}

    def test_unregistering_gives_the_name_its_former_meaning(self, registry):
        registry.register("threads", WholeBackend)

        registry.unregister("threads")

        assert registry.get("threads") is not WholeBackend

    def test_unregistering_an_unknown_name_lists_those_there_are(self, registry):
        registry.register("mine", WholeBackend)

        with pytest.raises(
            InvalidArgumentError, match="no backend was registered as 'yours'; registered: mine"
        ):
            registry.unregister("yours")

    def test_an_instance_is_refused(self, registry):
        with pytest.raises(InvalidArgumentError, match="pass the class, not what it made"):
            registry.register("mine", WholeBackend())

    def test_a_class_without_the_contracts_form_is_refused(self, registry):
        with pytest.raises(
            InvalidArgumentError, match=r"'mine': it is not derived from fanfold\.contracts\.Back"
        ):
            registry.register("mine", dict)

    def test_the_name_must_be_a_string(self, registry):
        with pytest.raises(InvalidArgumentError, match="is a string, not 3"):
            registry.register(3, WholeBackend)


class TestLocations:
    @pytest.mark.parametrize(
        "location",
        [
            "cache",
            "/var/cache",
            pathlib.Path("cache"),
            r"C:\cache",
            "C:/cache",
            "C://cache",
            "file:///var/cache",
            "FILE:///var/cache",
            "odd name://x",
        ],
        ids=str,
    )
    def test_a_path_means_the_local_store(self, location):
        assert stores.for_location(location).name == "local"

    def test_a_url_means_the_store_of_its_scheme(self):
        class Shelf(Store):
            name = "shelf"
            capabilities = StoreCapabilities()
            get = put = delete = list = lambda self, *rest: None

        stores.register("shelf+v1", Shelf)
        try:
            assert stores.for_location("Shelf+V1://bucket/prefix") is Shelf
            assert stores.for_location("a/path", backend="shelf+v1") is Shelf
        finally:
            stores.unregister("shelf+v1")

    def test_an_unknown_scheme_names_the_location(self):
        with pytest.raises(UnknownPluginError, match="there is no store 'gopher'") as caught:
            stores.for_location("gopher://bucket/prefix")

        assert "gopher://bucket/prefix" in caught.value.__notes__[0]

    @pytest.mark.parametrize("location", [None, 3, b"cache"])
    def test_anything_else_is_refused(self, location):
        with pytest.raises(InvalidArgumentError, match="is a path or a URL"):
            stores.for_location(location)
