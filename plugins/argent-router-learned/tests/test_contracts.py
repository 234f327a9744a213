"""The plugin under the contracts that every plugin is under."""

from __future__ import annotations

from argent_testing import (
    HealthCheckContract,
    JobContract,
    ObserverContract,
    PluginContract,
    ScorerContract,
    ServiceContract,
)


class TestPlugin(PluginContract):
    plugin = "argent_router_learned"


class TestServices(ServiceContract):
    plugin = "argent_router_learned"


class TestScorer(ScorerContract):
    plugin = "argent_router_learned"


class TestObservers(ObserverContract):
    plugin = "argent_router_learned"


class TestJobs(JobContract):
    plugin = "argent_router_learned"


class TestHealth(HealthCheckContract):
    plugin = "argent_router_learned"
