"""What a kustomization.yaml makes of other files: ConfigMaps and Secrets of them, and other images in them."""

from typing import TYPE_CHECKING, NamedTuple

from poolcheck.read.kubernetes.manifest import DataEntry
from poolcheck.source import Located, Span

if TYPE_CHECKING:
    from poolcheck.read.kubernetes.json_patches import Operation

NAMES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
"""What Kustomize looks for in a folder."""


class GeneratedFile(NamedTuple):
    """A file, by its path relative to the kustomization.yaml, and the key that its text stands under.

    The `text` is there where the file may hold the settings of a server.
    """

    key: str
    path: Located[str]
    text: Located[str] | None = None


class Generator(NamedTuple):
    """A ConfigMap or a Secret that is made of files and of values. Manifests call it by this name.

    It is laid over one of another kustomization where its `behavior` is "merge", and takes its place where that is
    "replace". `is_complete` tells whether all files of variables are seen.
    """

    is_secret: bool
    name: Located[str]
    span: Span
    files: tuple[GeneratedFile, ...]
    data: tuple[DataEntry, ...] = ()
    behavior: str = ""
    is_complete: bool = True


class ImageChange(NamedTuple):
    """What takes the place of all images of a name; what is None stays as it is."""

    name: str
    new_name: str | None
    new_tag: str | None
    digest: str | None

    def of(self, image: str) -> str:
        """The image that takes the place of another; the same where that is called otherwise."""
        folder, slash, last = image.partition("@")[0].rpartition("/")
        name = f"{folder}{slash}{last.partition(':')[0]}"
        if name != self.name:
            return image
        named = self.new_name or name
        if self.digest:
            return f"{named}@{self.digest}"
        return f"{named}:{self.new_tag}" if self.new_tag else f"{named}{image.removeprefix(name)}"


class ReplicaCount(NamedTuple):
    """How many pods the workload of a name gets."""

    name: str
    pods: Located[int]


class Kustomization(NamedTuple):
    """One kustomization.yaml; its `resources` are the files and folders that it builds from, relative to it.

    So are its `patches`, as far as they are files. It `is_plain` where it changes nothing of what it builds from
    but tags of images, numbers of pods, namespaces, names and labels. It `is_followed` where these facts and the
    patches tell all that it changes of pods and their settings. One that `is_component` changes what those build
    that name it. The `operations` are those of its JSON patches; `prefix` and `suffix` are put around all names.
    """

    span: Span
    resources: tuple[Located[str], ...]
    generators: tuple[Generator, ...]
    images: tuple[ImageChange, ...]
    replicas: tuple[ReplicaCount, ...] = ()
    patches: tuple[str, ...] = ()
    is_plain: bool = False
    namespace: Located[str] | None = None
    is_followed: bool = False
    is_component: bool = False
    operations: "tuple[Operation, ...]" = ()
    prefix: str = ""
    suffix: str = ""
