"""Documents: the words in PDF files, office documents, books and web pages."""

from __future__ import annotations

from argent_documents.extractor import DocumentExtractor
from argent_documents.settings import DocumentsSettings
from argent_hookspecs import (
    TEXT_EXTRACTOR,
    Plugin,
    PluginContext,
    Service,
    TextExtractor,
    hookimpl,
)


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="Reads documents that come with messages.", settings=DocumentsSettings)


@hookimpl
def argent_services(ctx: PluginContext) -> list[Service[TextExtractor]]:
    """Offer to read documents."""
    extractor = DocumentExtractor(ctx.settings)
    return [Service(key=TEXT_EXTRACTOR, open=extractor.open)]
