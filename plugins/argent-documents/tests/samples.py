"""Small documents of every kind, made here."""

from __future__ import annotations

import io
import zipfile

_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument"
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
)


def archive(**members: str) -> bytes:
    """Make an archive; ``__`` in a name stands for a slash, ``_D_`` for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/").replace("_D_", "."), content)
    return buffer.getvalue()


def pdf(*pages: str) -> bytes:
    """Make a PDF file with a line on each page."""
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
    ]
    for n, words in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET" if words else ""
        font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {4 + 2 * n} 0 R"
            f" /Resources << /Font << /F1 {font} >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    made, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return made + end.encode() + f"startxref\n{len(made)}\n%%EOF".encode()


def word(text: str) -> bytes:
    """Make a Word document."""
    runs = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in text.split("\n"))
    body = f"<w:document {_W}><w:body>{runs}</w:body></w:document>"
    return archive(word__document_D_xml=body)


def _open_document(body: str) -> bytes:
    content = f"<office:document-content {_ODF}>{body}</office:document-content>"
    return archive(content_D_xml=content)


HTML = """<!DOCTYPE html><html><head><title>Bread</title><style>p {}</style></head><body>
<h1>Bread</h1><script>alert("no")</script><p>Flour
and <b>wa</b>ter &amp; salt</p></body></html>"""

DOCUMENTS = {
    "application/pdf": (pdf("Hello from page one", "and two"), "Hello from page one\n\nand two"),
    "text/html": (HTML.encode(), "Flour and water & salt"),
    f"{_OPEN_XML}.wordprocessingml.document": (word("One line\nand two"), "One line\nand two"),
    f"{_OPEN_XML}.spreadsheetml.sheet": (
        archive(
            xl__sharedStrings_D_xml=f"<sst {_S}><si><t>Rent</t></si><si><r><t>Fo</t></r>"
            "<r><t>od</t></r></si></sst>",
            xl__worksheets__sheet1_D_xml=f"<worksheet {_S}><sheetData>"
            '<row><c t="s"><v>0</v></c><c><v>900</v></c></row>'
            '<row><c t="s"><v>1</v></c><c><f>1+1</f><v>2</v></c></row>'
            "</sheetData></worksheet>",
        ),
        "Rent\t900\nFood\t2",
    ),
    f"{_OPEN_XML}.presentationml.presentation": (
        archive(
            ppt__slides__slide10_D_xml=f"<p {_A}><a:p><a:r><a:t>Last</a:t></a:r></a:p></p>",
            ppt__slides__slide2_D_xml=f"<p {_A}><a:p><a:r><a:t>First</a:t></a:r></a:p></p>",
        ),
        "First\n\n\nLast",
    ),
    f"{_OPEN_DOCUMENT}.text": (
        _open_document(
            "<text:h>Title</text:h><text:p>one <text:span>two</text:span><text:tab/>three</text:p>"
        ),
        "Title\none two\tthree",
    ),
    f"{_OPEN_DOCUMENT}.spreadsheet": (_open_document("<text:p>cell</text:p>"), "cell"),
    f"{_OPEN_DOCUMENT}.presentation": (_open_document("<text:p>slide</text:p>"), "slide"),
    "application/epub+zip": (
        archive(
            mimetype="application/epub+zip",
            **{
                "META-INF__container_D_xml": '<container><rootfiles><rootfile full-path="b/c.opf"/>'
                "</rootfiles></container>",
                "b__c_D_opf": '<package><manifest><item id="two" href="2%20b.html"/>'
                '<item id="one" href="1.html"/></manifest><spine><itemref idref="one"/>'
                '<itemref idref="two"/></spine></package>',
                "b__1_D_html": "<p>It was night.</p>",
                "b__2 b_D_html": "<p>Then it was day.</p>",
            },
        ),
        "It was night.\n\nThen it was day.",
    ),
}
