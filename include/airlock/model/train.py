"""A train: several services released as one change request, ``dags/trains/<train>.yaml``.

``TrainSpec`` is what a team writes, ``Train`` the same with the services that it names.
``include.airlock.model.train_loading`` reads the files and says file and line of each fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from include.airlock.model.fields import Closed, Name, PlaceName, Text
from include.airlock.model.service import OnFailure, Service
from include.airlock.model.service_base import Policies
from include.airlock.model.wording import fault, nearest, shown

MOST_SERVICES = 20

POLICIES = (
    OnFailure.HALT,
    OnFailure.ROLL_BACK_MACHINE,
    OnFailure.ROLL_BACK_REGION,
    OnFailure.ROLL_BACK_RELEASE,
)
"""What a train may do when a region fails: ``ask`` is a question about one service, so no train has it."""


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise fault(f"'{name}' stands here twice", index)
    return names


def _lanes(given: object) -> object:
    if isinstance(given, bool) or (isinstance(given, int) and 1 <= given <= MOST_SERVICES):
        return given
    raise fault(f"{shown(given)} must be true, false, or how many at once: 1 to {MOST_SERVICES}")


_Regions = Annotated[tuple[PlaceName, ...], Field(min_length=1, max_length=32), AfterValidator(_each_once)]


class TrainSpec(Closed):
    """Several services that are released together, region by region."""

    train: Name = Field(description="The train's name; the file is called `<train>.yaml`.")
    description: Annotated[str, Text(500, several_lines=True)] | None = Field(
        None, description="What the train is for, for people who look at its DAG."
    )
    owner: Annotated[str, Text(100)] = Field(description="Team or person to ask.")
    tags: Annotated[tuple[Annotated[str, Text(60)], ...], Field(max_length=10)] = Field(
        (), description="Tags of the DAG."
    )
    services: Annotated[
        tuple[Name, ...], Field(min_length=1, max_length=MOST_SERVICES), AfterValidator(_each_once)
    ] = Field(description="The services, each by the name of its spec.")
    regions: _Regions | None = Field(
        None, description="The regions in the order of release; null for all, in the order of the specs."
    )
    parallel: Annotated[bool | int, BeforeValidator(_lanes)] = Field(
        True,
        description="Services of one region at once: `true` for all, `false` for one after the other, or how "
        "many.",
    )
    on_failure: Annotated[OnFailure, Policies(POLICIES)] = Field(
        OnFailure.ROLL_BACK_REGION,
        description="What to do with all services of the train when one is not accepted in a region.",
    )


@dataclass(frozen=True)
class Train:
    """A train with its services in the order of its spec, and its regions in the order of release."""

    spec: TrainSpec
    services: tuple[Service, ...]
    regions: tuple[str, ...]

    @property
    def name(self) -> str:
        """The train's name."""
        return self.spec.train

    @property
    def policies(self) -> tuple[OnFailure, ...]:
        """The failure policies that all of its services have."""
        return common_policies(self.services)

    @property
    def at_once(self) -> int:
        """How many services are released in a region at the same time, at most."""
        parallel = self.spec.parallel
        return len(self.services) if parallel is True else max(1, int(parallel))

    def places(self, service: Service, region: str | None = None) -> tuple[str, ...]:
        """The places of a service that the train goes to, in its order; of one region, or of all."""
        wanted = self.regions if region is None else (region,)
        return tuple(place for place in service.places if region_of(place) in wanted)

    def there(self, region: str) -> tuple[Service, ...]:
        """The services that are released in a region."""
        return tuple(service for service in self.services if self.places(service, region))


def region_of(place: str) -> str:
    """The region that a place is in: ``eu-west-1`` of ``eu-west-1.production``."""
    return place.partition(".")[0]


def regions_of(service: Service) -> tuple[str, ...]:
    """The regions of a service, in its order."""
    return tuple(dict.fromkeys(region_of(place) for place in service.places))


def common_policies(services: Sequence[Service]) -> tuple[OnFailure, ...]:
    """The failure policies that every service has."""
    return tuple(each for each in POLICIES if all(each in service.policies for service in services))


def merged(orders: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """All regions of all services: the first one's order, then what each other adds after its neighbours."""
    found: list[str] = []
    for order in orders:
        at = min((found.index(region) for region in order if region in found), default=len(found))
        for region in order:
            if region in found:
                at = found.index(region) + 1
            else:
                found.insert(at, region)
                at += 1
    return tuple(found)


def order_faults(services: Sequence[Service], regions: Sequence[str]) -> list[tuple[str | None, str]]:
    """What is wrong with a train's regions: which one (None: the order as a whole), and a sentence."""
    known = merged(regions_of(service) for service in services)
    unknown = [region for region in regions if region not in known]
    if unknown:
        return [
            (each, f"{shown(each)} is no region of its services; {nearest(each, known)}") for each in unknown
        ]
    faults: list[tuple[str | None, str]] = []
    for service in services:
        own = [region for region in regions_of(service) if region in regions]
        wanted = [region for region in regions if region in own]
        if not own:
            faults.append((None, f"'{service.service}' is in none of them"))
        elif own != wanted:
            turned = next(late for early, late in zip(wanted, own, strict=True) if early != late)
            faults.append(
                (turned, f"'{service.service}' is released in the order {', '.join(own)}; a train keeps that")
            )
    return faults
