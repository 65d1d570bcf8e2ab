"""The field of the digital signature: over the seal that the letter's last page shows, and part of the tagged text.

A form field that a screen reader cannot name breaks PDF/UA (ISO 14289-1, 7.18), so the widget is put into the
structure tree that Typst wrote, in the same revision as the signature.
"""

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from services.letters.press.rendering import MARGIN_BOTTOM, MARGIN_SIDE, SEAL_HEIGHT, SEAL_WIDTH
from shared.contracts.envelope import Language

FIELD = "Office"
_NAMES: dict[Language, str] = {"fa": "امضای الکترونیکی وزارتخانه", "en": "Electronic signature of the ministry"}
_POINTS = 72 / 25.4
_PAGE_WIDTH = 210


def seal_box(language: Language) -> tuple[int, int, int, int]:
    """Where the seal is on the last page: left, bottom, right and top in points from the lower left corner."""
    left = MARGIN_SIDE if language == "fa" else _PAGE_WIDTH - MARGIN_SIDE - SEAL_WIDTH
    box = (left, MARGIN_BOTTOM, left + SEAL_WIDTH, MARGIN_BOTTOM + SEAL_HEIGHT)
    left, bottom, right, top = (round(edge * _POINTS) for edge in box)
    return left, bottom, right, top


def add_field(writer: IncrementalPdfFileWriter, language: Language) -> None:
    """Adds the empty field to a letter that Typst rendered."""
    append_signature_field(
        writer, SigFieldSpec(FIELD, on_page=-1, box=seal_box(language), readable_field_name=_NAMES[language])
    )
    page_ref = writer.find_page_for_modification(-1)[0]
    page = page_ref.get_object()
    widget_ref = page["/Annots"].raw_get(-1)
    tree_ref = writer.root.raw_get("/StructTreeRoot")
    tree = tree_ref.get_object()

    key = int(tree["/ParentTreeNextKey"])
    element = writer.add_object(
        generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/StructElem"),
                pdf_name("/S"): pdf_name("/Form"),
                pdf_name("/P"): tree_ref,
                pdf_name("/Pg"): page_ref,
                pdf_name("/Alt"): pdf_string(_NAMES[language]),
                pdf_name("/K"): generic.DictionaryObject(
                    {
                        pdf_name("/Type"): pdf_name("/OBJR"),
                        pdf_name("/Obj"): widget_ref,
                        pdf_name("/Pg"): page_ref,
                    }
                ),
            }
        )
    )
    tree["/K"].append(element)
    tree["/ParentTree"]["/Nums"].extend([generic.NumberObject(key), element])
    tree[pdf_name("/ParentTreeNextKey")] = generic.NumberObject(key + 1)
    for changed in (tree["/K"], tree["/ParentTree"]["/Nums"], tree):
        writer.update_container(changed)

    widget = widget_ref.get_object()
    widget[pdf_name("/StructParent")] = generic.NumberObject(key)
    writer.update_container(widget)
    page[pdf_name("/Tabs")] = pdf_name("/S")
    writer.update_container(page)
