import pytest

from poolcheck.link.built import contexts_told
from poolcheck.read.kubernetes.manifest import Context

META = """
jobs:
  build:
    steps:
      - uses: actions/checkout@v4
      - name: Tags
        id: meta
        uses: docker/metadata-action@v5
        with:
          images: |
            ghcr.io/${{ github.repository }}/web
            docker.io/shop/web-mirror
      - name: Build
        uses: docker/build-push-action@v6
        with:
          context: .
          file: docker/web.Dockerfile
          target: prod
          tags: ${{ steps.meta.outputs.tags }}
"""
BUILT_OF_API = Context("api", "Dockerfile", "")


def told(text: str, path: str = ".github/workflows/ci.yml") -> dict[str, Context]:
    return contexts_told([path], {path: text}.get)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("docker build -t api:1 backend", {"api": Context("backend", "Dockerfile", "")}),
        ("docker build -t $(REGISTRY)/shop/api:$(TAG) ./backend/", {"api": Context("backend", "Dockerfile", "")}),
        ("docker build . -f deploy/Dockerfile.api -t api", {"api": Context("", "deploy/Dockerfile.api", "")}),
        ("docker build -f deploy/Dockerfile.api -t api .", {"api": Context("", "deploy/Dockerfile.api", "")}),
        ("docker buildx build --file=api/Dockerfile --tag=x/api --push api", {"api": BUILT_OF_API}),
        ("docker build -t api api --build-arg VERSION=1", {"api": BUILT_OF_API}),
        ("docker build -t api --no-cache api", {"api": BUILT_OF_API}),
        ("docker build -t api", {}),
        ("docker build \\\n  --target prod \\\n  -t api \\\n  .", {"api": Context("", "Dockerfile", "prod")}),
        ('docker build -t "${{ env.REPO }}/api:${{ env.TAG }}" api && docker push', {"api": BUILT_OF_API}),
        ("docker build -t one -t two:1 .", {name: Context("", "Dockerfile", "") for name in ("one", "two")}),
        ("docker build -t ghcr.io/shop/${{ matrix.service }}:1 services/${{ matrix.service }}", {}),
        ("docker build -t $IMAGE .", {}),
        ("docker build -t api $DIR", {}),
        ("docker build -t api https://github.com/shop/api.git", {}),
        ("docker build -t api ../other", {}),
        ("docker build -t api .\ndocker build -t api:debug -f debug.Dockerfile .", {}),
        ("docker build -t api 'un.", {}),
        ("docker pull api", {}),
    ],
)  # fmt: skip
def test_commands_tell_what_an_image_is_built_of(command: str, expected: dict[str, Context]) -> None:
    indented = command.replace("\n", "\n\t")

    assert told(f"build:\n\t{indented}\n", "Makefile") == expected


def test_a_step_takes_its_tags_from_another() -> None:
    web = Context("", "docker/web.Dockerfile", "prod")

    assert told(META) == {"web": web, "web-mirror": web}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{tags: shop/api}", {}),
        ("\n    context: ./api\n    tags: shop/api:1,shop/api:2", {"api": Context("api", "Dockerfile", "")}),
        ("\n    tags: |\n      shop/api:1\n      shop/api:2", {"api": Context("", "Dockerfile", "")}),
        ("\n    context: api\n    push: true\n    file: api/Dockerfile\n    tags: api", {"api": BUILT_OF_API}),
        ("\n    context: api  # where it is\n    tags: api", {"api": BUILT_OF_API}),
        ('\n    context: "{{defaultContext}}:api"\n    tags: api', {}),
    ],
)  # fmt: skip
def test_a_step_tells_what_an_image_is_built_of(given: str, expected: dict[str, Context]) -> None:
    assert told(f"steps:\n- uses: docker/build-push-action@v6\n  with: {given}\n") == expected


def test_paths_are_those_of_the_repository_that_the_file_is_in() -> None:
    assert told("docker build -t api backend", "shop/.github/workflows/ci.yml") == {
        "api": Context("shop/backend", "Dockerfile", "")
    }


def test_only_what_builds_the_project_tells() -> None:
    assert told("docker build -t api backend", "docs/notes.yml") == {}


def test_compose_files_tell_too() -> None:
    one, other = Context("a", "Dockerfile", ""), Context("b", "Dockerfile", "")
    text = {"Makefile": "docker build -t api b"}.get

    assert contexts_told((), text, [("web", one)])["web"] == one
    assert "api" not in contexts_told((), text, [("api", one)])
    assert contexts_told((), text, [("api", other)])["api"] == other
