"""A cluster that runs a small system: pods start and end, processes and poolers open connections, one at a time.

Kubernetes, the Deployment controller (rolling.go), StatefulSets, Jobs; PgBouncer, launch_new_connection.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations
from random import Random
from typing import TypeAlias

from poolcheck.scale import Situation
from simulated.systems import App, Pods, Pooler, System

_SURGE = _UNAVAILABLE = "25%"
Key: TypeAlias = tuple[str, str]
"""A pool: its entry, and the user who the server knows."""


@dataclass(eq=False)
class Pod:
    """A pod. A process of a program has a link for each connection: the pooler's pod, or None for the database."""

    is_new: bool = False
    is_ready: bool = True
    is_ending: bool = False
    processes: "list[list[Pod | None]]" = field(default_factory=list["list[Pod | None]"])
    asked: list[int] = field(default_factory=list[int])
    clients: Counter[Key] = field(default_factory=Counter[Key])
    servers: Counter[Key] = field(default_factory=Counter[Key])


@dataclass(eq=False)
class Group:
    """The pods of a program, or of the pooler, and what replaces them."""

    what: App | Pooler
    replicas: int
    pods: list[Pod]
    left: int

    @property
    def spec(self) -> Pods:
        """How many pods there are, and how they are replaced."""
        return self.what.pods

    @property
    def active(self) -> list[Pod]:
        """The pods that the controller counts."""
        return [pod for pod in self.pods if not pod.is_ending]

    @property
    def old(self) -> list[Pod]:
        """The active pods that a rollout has yet to replace."""
        return [pod for pod in self.active if not pod.is_new]


class Cluster:
    """A system in a situation, and the most connections that were ever open, or asked for, at once."""

    def __init__(self, system: System, situation: Situation) -> None:
        self.system = system
        self.is_rolling = situation in {Situation.ROLLOUT, Situation.PEAK, Situation.WORST}
        self.is_slow = situation is Situation.WORST
        self.has_reserve = situation is Situation.WORST
        self.most_at_database = self.most_at_pooler = 0
        self._at_database = self._at_pooler = 0
        is_autoscaled = situation in {Situation.AUTOSCALED, Situation.PEAK, Situation.WORST}
        everything: list[App | Pooler] = [*([system.pooler] if system.pooler else []), *system.apps]
        self.groups = [self._started(each, is_autoscaled=is_autoscaled) for each in everything]

    # What is there

    @property
    def _pooler_pods(self) -> list[Pod]:
        """The pods of the pooler that a Service leads to."""
        return [pod for group in self.groups if isinstance(group.what, Pooler) for pod in group.active]

    def _app_groups(self) -> Iterator[tuple[App, Group]]:
        for group in self.groups:
            if isinstance(group.what, App):
                yield group.what, group

    @property
    def _is_limited(self) -> bool:
        """Whether one pool of the pooler may leave another less."""
        pooler = self.system.pooler
        if pooler is None:
            return False
        own = (*(each.max_db_connections for each in pooler.entries),)
        own += (*(each.max_user_connections for each in pooler.users),)
        return any((*own, pooler.max_db_connections, pooler.max_user_connections))

    def _keys(self) -> list[Key]:
        return list(dict.fromkeys(self.key(app) for app in self.system.apps if app.is_pooled))

    def key(self, app: App) -> Key:
        """The pool of the pooler's that a program uses."""
        assert self.system.pooler
        entry = self.system.pooler.entry(app.database)
        return entry.name, entry.user or app.user

    # What can happen: controllers

    def _started(self, what: App | Pooler, *, is_autoscaled: bool) -> Group:
        number = what.pods.most if is_autoscaled else what.pods.fewest
        completions = what.pods.completions
        group = Group(what, number, [], number if completions is None else completions)
        for _ in range(number):
            self._start(group, is_new=False)
        return group

    def _start(self, group: Group, *, is_new: bool) -> None:
        app = group.what
        pod = Pod(is_new, is_ready=not is_new)
        if isinstance(app, App):
            pod.processes = [[] for _ in range(app.processes)]
            pod.asked = [0] * app.processes
        group.pods.append(pod)

    def _end(self, group: Group, pod: Pod) -> None:
        """Tells a pod to end. A slow one holds what it has until it is gone."""
        pod.is_ending = True
        if not self.is_slow:
            self._remove(group, pod)

    def _remove(self, group: Group, pod: Pod) -> None:
        group.pods.remove(pod)
        for number in range(len(pod.processes)):
            while pod.processes[number]:
                self._disconnect(group.what, pod, number)
            if isinstance(group.what, App) and group.what.is_pooled:
                self._at_pooler -= pod.asked[number]
        self._at_database -= sum(pod.servers.values())
        if isinstance(group.what, Pooler):
            for app, own in self._app_groups():
                for each in own.pods:
                    for number, links in enumerate(each.processes):
                        lost = links.count(pod)
                        links[:] = [link for link in links if link is not pod]
                        each.asked[number] -= lost
                        self._at_pooler -= lost if app.is_pooled else 0

    def _step(self, group: Group) -> str:
        """What a controller may do next: "start", "ready", "end", "gone", or nothing; the gentlest first."""
        spec, pods = group.spec, group.pods
        if spec.kind == "Job":
            return ""
        if not self.is_rolling:
            return ""
        if any(not pod.is_ready for pod in group.active) and not self._may_start(group):
            return "ready"
        if self._may_start(group):
            return "start"
        if group.old and self._may_end(group) > 0:
            return "end"
        is_waiting = any(pod.is_ending for pod in pods) and (spec.is_recreated or spec.kind == "StatefulSet")
        return "gone" if is_waiting else ""

    def _may_start(self, group: Group) -> bool:
        spec, active = group.spec, group.active
        new = len(active) - len(group.old)
        if spec.kind == "StatefulSet" or spec.is_recreated:
            is_free = len(group.pods) < group.replicas and (spec.is_recreated is False or not group.old)
            is_orderly = spec.is_recreated or all(pod.is_ready for pod in active)
            nothing_ending = not any(pod.is_ending for pod in group.pods)
            return is_free and is_orderly and nothing_ending
        surge, _ = _limits(spec, group.replicas)
        return new < group.replicas and len(active) < group.replicas + surge

    def _may_end(self, group: Group) -> int:
        """How many old pods may be told to end."""
        spec, active = group.spec, group.active
        if spec.is_recreated:
            return len(group.old)
        if spec.kind == "StatefulSet":
            is_whole = len(group.pods) == group.replicas and all(pod.is_ready for pod in active)
            return int(is_whole and not any(pod.is_ending for pod in group.pods))
        _, unavailable = _limits(spec, group.replicas)
        unready = sum(not pod.is_ready for pod in active)
        return len(active) - (group.replicas - unavailable) - unready

    def _do(self, group: Group, step: str) -> None:
        if step == "start":
            self._start(group, is_new=True)
        elif step == "ready":
            next(pod for pod in group.active if not pod.is_ready).is_ready = True
        elif step == "end":
            self._end(group, group.old[-1])
        elif step == "gone":
            self._remove(group, next(pod for pod in group.pods if pod.is_ending))

    # What can happen: connections

    def _connect(self, app: App, pod: Pod, number: int, to: Pod | None) -> bool:
        """A process opens a connection, to the database or to a pod of the pooler that is not full."""
        if to is not None:
            assert self.system.pooler
            if sum(to.clients.values()) >= self.system.pooler.max_client_conn:
                return False
            to.clients[self.key(app)] += 1
        else:
            self._at_database += 1
        pod.processes[number].append(to)
        self._look()
        return True

    def _ask(self, app: App, pod: Pod, number: int, to: Pod | None) -> None:
        """A process wants one connection more of its pool."""
        pod.asked[number] += 1
        if app.is_pooled:
            self._at_pooler += 1
        self._connect(app, pod, number, to)
        self._look()

    def _disconnect(self, app: App | Pooler, pod: Pod, number: int) -> None:
        """A process closes its oldest connection. The pooler keeps the server connection."""
        to = pod.processes[number].pop(0)
        if to is None:
            self._at_database -= 1
        elif isinstance(app, App):
            to.clients[self.key(app)] -= 1

    def _serve(self, pod: Pod, key: Key) -> bool:
        """A pod of the pooler opens a server connection where a client waits for one and no limit forbids it."""
        pooler = self.system.pooler
        assert pooler
        if pod.is_ending or pod.clients[key] <= pod.servers[key] or not self._has_room(pooler, pod, key):
            return False
        pod.servers[key] += 1
        self._at_database += 1
        self._look()
        return True

    def _has_room(self, pooler: Pooler, pod: Pod, key: Key) -> bool:
        name, user_name = key
        entry, user = pooler.entry(name), pooler.user(user_name)
        of_database = entry.max_db_connections or pooler.max_db_connections
        of_user = user.max_user_connections or pooler.max_user_connections
        at_database = sum(number for (each, _), number in pod.servers.items() if each == name)
        at_user = sum(number for (_, each), number in pod.servers.items() if each == user_name)
        is_below = pod.servers[key] < self.pool_size(key)
        return is_below and not (0 < of_database <= at_database) and not (0 < of_user <= at_user)

    def pool_size(self, key: Key) -> int:
        """The server connections of one pool."""
        pooler = self.system.pooler
        assert pooler
        entry, user = pooler.entry(key[0]), pooler.user(key[1])
        size = next(
            each for each in (user.pool_size, entry.pool_size, pooler.default_pool_size) if each is not None
        )
        if not self.has_reserve:
            return size
        return size + (pooler.reserve if entry.reserve is None else entry.reserve)

    def _look(self) -> None:
        self.most_at_database = max(self.most_at_database, self._at_database)
        self.most_at_pooler = max(self.most_at_pooler, self._at_pooler)

    # How it goes: at random, or so that as much as possible is open

    def run_at_random(self, random: Random, steps: int) -> None:
        """So many things happen, one after the other."""
        for _ in range(steps):
            group = random.choice(self.groups)
            chance = random.random()
            if chance < 0.15:
                self._do(group, random.choice([self._step(group), ""]))
            elif chance < 0.2 and self.is_slow:
                ending = [pod for pod in group.pods if pod.is_ending]
                if ending:
                    self._remove(group, random.choice(ending))
            elif isinstance(group.what, App) and group.active:
                self._use(group.what, random.choice(group.active), random)
            elif isinstance(group.what, Pooler) and group.active and self._keys():
                self._serve(random.choice(group.active), random.choice(self._keys()))

    def _use(self, app: App, pod: Pod, random: Random) -> None:
        """A process opens a connection, or closes one."""
        number = random.randrange(app.processes)
        to = random.choice(self._pooler_pods) if app.is_pooled and self._pooler_pods else None
        if app.is_pooled and to is None:
            return
        if pod.processes[number] and random.random() < 0.2:
            self._disconnect(app, pod, number)
            pod.asked[number] -= 1
            self._at_pooler -= 1 if app.is_pooled else 0
        elif pod.asked[number] < app.pool_size:
            self._ask(app, pod, number, to)

    def run_to_the_most(self) -> None:
        """Everything opens all that it can before anything ends, and ends as late as it can."""
        self._fill()
        while found := self._gentlest():
            self._do(*found)
            if found[1] == "start":
                self._fill()

    def _gentlest(self) -> tuple[Group, str] | None:
        """The next thing that a controller does: of all, the one that closes the least."""
        steps = [(group, step) for group in self.groups if (step := self._step(group))]
        order = ["start", "ready", "end", "gone"]
        return min(steps, key=lambda each: (order.index(each[1]), _is_lossy(each[0], self)), default=None)

    def _fill(self) -> None:
        for app, group in self._app_groups():
            for pod in group.active:
                for number in range(app.processes):
                    while pod.asked[number] < app.pool_size and (not app.is_pooled or self._pooler_pods):
                        self._ask(app, pod, number, self._emptiest() if app.is_pooled else None)
        for pod in self._pooler_pods:
            self._fill_pooler(pod)

    def _emptiest(self) -> Pod:
        return min(self._pooler_pods, key=lambda pod: sum(pod.clients.values()))

    def _fill_pooler(self, pod: Pod) -> None:
        """All clients come to one pod of the pooler, pool after pool in the best order."""
        orders = permutations(self._keys()) if self._is_limited else [tuple(self._keys())]
        best = max(orders, key=lambda order: self._served(pod, order))
        if self._is_limited:
            self._served(pod, best)

    def _served(self, pod: Pod, order: tuple[Key, ...]) -> int:
        """The server connections that a pod has when its pools were filled in this order."""
        self._at_database -= sum(pod.servers.values())
        pod.servers.clear()
        for key in order:
            self._lead_all(key, pod)
            while self._serve(pod, key):
                pass
        return sum(pod.servers.values())

    def _lead_all(self, key: Key, to: Pod) -> None:
        """All connect anew, those of one pool to one pod, as many as it accepts; the others elsewhere."""
        users = [
            (app, pod, number)
            for app, group in self._app_groups()
            if app.is_pooled
            for pod in group.active
            for number in range(app.processes)
        ]
        for app, pod, number in users:
            while pod.processes[number]:
                self._disconnect(app, pod, number)
        for app, pod, number in sorted(users, key=lambda each: self.key(each[0]) != key):
            for _ in range(pod.asked[number]):
                others = [each for each in self._pooler_pods if each is not to]
                wanted = [to] if self.key(app) == key else others
                any(self._connect(app, pod, number, each) for each in wanted)


def _is_lossy(group: Group, cluster: Cluster) -> bool:
    """Whether a step of its controller closes connections before others are there in their place."""
    return not cluster.is_slow or group.spec.is_recreated or group.spec.kind == "StatefulSet"


def _limits(spec: Pods, replicas: int) -> tuple[int, int]:
    """The surge rounded up, and what may be unavailable rounded down; at least one of them is not 0."""
    surge = _share(spec.max_surge or _SURGE, replicas, up=True)
    unavailable = _share(spec.max_unavailable or _UNAVAILABLE, replicas, up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _share(written: str, replicas: int, *, up: bool) -> int:
    number = written.removesuffix("%")
    if number == written:
        return int(number)
    return -(-replicas * int(number) // 100) if up else replicas * int(number) // 100
