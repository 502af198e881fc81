from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="CacheStats")


@_attrs_define
class CacheStats:
    """Size and counts of the cache, for the whole service since its start.

    Attributes:
        backend (str): Where the cache is: `memory` or `redis`.
        entries (int): Predictions in the cache.
        max_entries (int): As set by CACHE_MAX_ENTRIES.
        hits (int): Rows that were in the cache.
        misses (int): Rows that were not.
        evictions (int): Predictions removed because the cache was full.
        hit_rate (float): Hits divided by lookups; 0 without lookups.
    """

    backend: str
    entries: int
    max_entries: int
    hits: int
    misses: int
    evictions: int
    hit_rate: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        backend = self.backend

        entries = self.entries

        max_entries = self.max_entries

        hits = self.hits

        misses = self.misses

        evictions = self.evictions

        hit_rate = self.hit_rate

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "backend": backend,
                "entries": entries,
                "max_entries": max_entries,
                "hits": hits,
                "misses": misses,
                "evictions": evictions,
                "hit_rate": hit_rate,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        backend = d.pop("backend")

        entries = d.pop("entries")

        max_entries = d.pop("max_entries")

        hits = d.pop("hits")

        misses = d.pop("misses")

        evictions = d.pop("evictions")

        hit_rate = d.pop("hit_rate")

        cache_stats = cls(
            backend=backend,
            entries=entries,
            max_entries=max_entries,
            hits=hits,
            misses=misses,
            evictions=evictions,
            hit_rate=hit_rate,
        )

        cache_stats.additional_properties = d
        return cache_stats

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
