from collections.abc import Mapping

import pytest

from poolcheck.link.images import Images
from poolcheck.read.kubernetes.commands import started
from poolcheck.read.kubernetes.manifest import Container, Context
from poolcheck.source import Located, Span
from poolcheck.value import Known, Value, text_of

HERE = Span("m.yaml", 0, 0)
SCRIPT = '#!/bin/sh\nset -e\nif [ "$X" ]; then\n  echo x\nfi\nalembic upgrade head\nexec "$@"\n'
ENTRY = 'FROM a\nCOPY docker/start.sh /start.sh\nENTRYPOINT ["/start.sh"]\nCMD ["gunicorn", "a"]\n'
DOCKERFILE = 'FROM python\nENV WEB_CONCURRENCY=3\nCMD ["gunicorn", "app:app"]\n'


def container(
    image: str = "registry.example/shop/api:1", context: Context | None = None, **words: str
) -> Container:
    told = {name: tuple(Located(word, HERE) for word in text.split()) for name, text in words.items()}
    return Container(
        Located("main", HERE), Located(image, HERE), told.get("command"), told.get("args"), (), (), (), (), None,
        None, context,
    )  # fmt: skip


def run(files: Mapping[str, str], of: Container, *names: str) -> tuple[list[str], str]:
    """The words of the program that runs in the end, and what its WEB_CONCURRENCY is."""
    images = Images(files, (), files.get)
    found = images.run(of, ("api", *names), dict[str, Value]().get)
    told = started(found.container, found.environment, found.scripts)
    value = found.environment("WEB_CONCURRENCY")
    return [word.value.replace("\0", "?") for word in told.words], "" if value is None else text_of(value)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (container(), ["gunicorn", "app:app"]),
        (container(args="celery worker"), ["celery", "worker"]),
        (container(command="uvicorn x"), ["uvicorn", "x"]),
    ],
)
def test_the_dockerfile_in_the_folder_of_that_name_tells_what_the_manifest_does_not(
    own: Container, words: list[str]
) -> None:
    assert run({"services/api/Dockerfile": DOCKERFILE, "services/api/app.py": ""}, own) == (words, "3")


def test_an_entry_point_goes_on_to_the_arguments() -> None:
    files = {"api/Dockerfile": ENTRY, "api/docker/start.sh": SCRIPT, "api/a.py": ""}

    assert run(files, container())[0] == ["gunicorn", "a"]
    assert run(files, container(args="celery worker"))[0] == ["celery", "worker"]


def test_what_goes_before_the_last_condition_of_a_script_may_have_set_anything() -> None:
    script = "#!/bin/bash\nif true; then N=2; fi\nfor x in y; do\n  M=1\ndone\nexec gunicorn -w $N a\n"
    files = {"api/Dockerfile": 'FROM a\nCMD ["./start.sh"]\n', "api/start.sh": script, "api/a.py": ""}

    assert run(files, container())[0] == ["gunicorn", "-w", "?", "a"]


@pytest.mark.parametrize(
    ("image", "files"),
    [
        ("redis:7", {"redis/Dockerfile": DOCKERFILE, "redis/a.py": ""}),
        ("edoburu/pgbouncer:1.22", {"pgbouncer/Dockerfile": DOCKERFILE, "pgbouncer/a.py": ""}),
        ("shop/{{ .x }}", {"api/Dockerfile": DOCKERFILE, "api/a.py": ""}),
        (
            "shop/api",
            {"a/api/Dockerfile": DOCKERFILE, "a/api/a.py": "", "b/api/Dockerfile": DOCKERFILE, "b/api/a.py": ""},
        ),
        ("shop/other", {"web/Dockerfile": DOCKERFILE, "web/a.py": ""}),
    ],
)
def test_an_image_of_others_or_one_that_may_be_several_is_not_guessed(
    image: str, files: Mapping[str, str]
) -> None:
    assert run(files, container(image), "redis", "pgbouncer")[0] == []


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("deploy/base/api.yaml", ["uvicorn", "one"]),
        ("shop/deploy/api.yaml", ["uvicorn", "two"]),
        ("shop/src/api/k8s/api.yaml", ["uvicorn", "two"]),
        ("news/api.yaml", ["uvicorn", "three"]),
        ("shared/api.yaml", []),
    ],
)
def test_of_several_folders_of_that_name_the_nearest_to_the_manifest_is_meant(
    manifest: str, words: list[str]
) -> None:
    folders = {"api": "one", "shop/src/api": "two", "news/api": "three", "news/old/api": "four"}
    files = {f"{folder}/Dockerfile": f"FROM a\nCMD uvicorn {name}\n" for folder, name in folders.items()}
    files |= {
        "shared/a/api/Dockerfile": files["api/Dockerfile"],
        "shared/b/api/Dockerfile": files["api/Dockerfile"],
    }
    own = container()._replace(name=Located("main", Span(manifest, 0, 0)))

    assert run({**files, **{f"{folder}/a.py": "" for folder in folders}}, own)[0] == words


def test_compose_names_the_folder_and_the_dockerfile() -> None:
    files = {"src/prod.Dockerfile": "FROM a AS one\nCMD uvicorn a\nFROM a\nCMD gunicorn a\n", "src/a.py": ""}

    assert run(files, container("x", Context("src", "prod.Dockerfile", "one")))[0] == ["uvicorn", "a"]
    assert run(files, container("x", Context("src", "Dockerfile", "")))[0] == []


def test_what_the_container_sets_is_stronger_than_the_image() -> None:
    images = Images(("api/a.py",), (), {"api/Dockerfile": DOCKERFILE}.get)
    own: dict[str, Value] = {"WEB_CONCURRENCY": Known("9", ())}

    found = images.run(container(), ("api",), own.get)

    assert text_of(found.environment("WEB_CONCURRENCY")) == "9"


@pytest.mark.parametrize(
    ("base", "is_seen"),
    [
        ("python:3.12-slim", True),
        ("docker.io/library/python:3.12", True),
        ("registry.example/python:3.12", False),
        ("tiangolo/uvicorn-gunicorn", False),
        ("${BASE}", False),
    ],
)
def test_all_that_an_image_tells_is_seen_where_it_is_made_from_an_official_one(base: str, is_seen: bool) -> None:
    files = {"api/Dockerfile": f"FROM {base}\nCMD uvicorn app:app\n", "api/app.py": ""}

    assert Images(files, (), files.get).is_seen(container(), ("api",)) is is_seen
    assert not Images({"app.py": ""}, (), files.get).is_seen(container(), ("api",))


def test_files_of_a_container_are_copies_of_those_its_dockerfile_names() -> None:
    files = {"api/Dockerfile": "FROM python\nWORKDIR /srv\nCOPY src app\n", "api/src/main.py": ""}
    images = Images(files, (), files.get)

    assert [*images.sources_of(container(), ("api",), "app/main.py")] == ["api/src/main.py", "src/main.py"]
    assert [*images.sources_of(container(), ("api",), "/srv/app/main.py")] == ["api/src/main.py", "src/main.py"]
    assert [*images.sources_of(container(), ("api",), "main.py")] == []
