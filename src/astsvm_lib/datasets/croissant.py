"""A manifest in Croissant 1.0, MLCommons' machine-readable format for data sets (JSON-LD)."""

from __future__ import annotations

from typing import Any

from astsvm_lib.datasets.manifest import Manifest, load_manifest

#: JSON-LD context of the Croissant 1.0 specification.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TYPES = {"onset": "sc:Integer", "apex": "sc:Integer", "offset": "sc:Integer"}
_MEANINGS = {
    "subject": "identifier of the subject",
    "clip": "name of the clip, unique within data set and subject",
    "onset": "first frame of the expression",
    "apex": "frame of maximum intensity",
    "offset": "last frame of the expression",
    "action_units": "FACS coding",
    "emotion": "label by the database's own coders",
}


def _files(manifest: Manifest) -> list[dict[str, Any]]:
    """The files of a recorded database: its folder, frames and annotation sheet. Their checksums are not known."""
    if manifest.frame_names is None:
        return []
    found: list[dict[str, Any]] = [
        {
            "@type": "cr:FileObject",
            "@id": "download",
            "name": "download",
            "description": f"The unpacked download, distributed by its owners. {manifest.obtain}",
            "contentUrl": manifest.website,
            "encodingFormat": "application/x-directory",
        },
        {
            "@type": "cr:FileSet",
            "@id": "frames",
            "name": "frames",
            "description": f"Frames of all clips: {manifest.frame_names}",
            "containedIn": {"@id": "download"},
            "encodingFormat": "image/jpeg",
            "includes": ["**/*.jpg", "**/*.bmp", "**/*.png"],
        },
    ]
    if manifest.annotation is not None:
        found.append(
            {
                "@type": "cr:FileObject",
                "@id": "annotation-sheet",
                "name": "annotation-sheet",
                "description": f"Annotation sheet of {manifest.annotation.rows} rows",
                "containedIn": {"@id": "download"},
                "contentUrl": manifest.annotation.files[0],
                "encodingFormat": _SHEET,
            }
        )
    return found


def _clips(manifest: Manifest) -> list[dict[str, Any]]:
    """The table of clips in the annotation sheet."""
    if manifest.annotation is None:
        return []
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"clips/{column}",
            "name": column,
            "description": _MEANINGS[column],
            "dataType": _TYPES.get(column, "sc:Text"),
            "source": {"fileObject": {"@id": "annotation-sheet"}, "extract": {"column": names[0]}},
        }
        for column, names in manifest.annotation.columns.items()
    ]
    return [
        {
            "@type": "cr:RecordSet",
            "@id": "clips",
            "name": "clips",
            "description": "One record per clip, scored in the experiment or not.",
            "key": [{"@id": "clips/subject"}, {"@id": "clips/clip"}],
            "field": fields,
        }
    ]


def _classes(manifest: Manifest) -> dict[str, Any]:
    """The classes of the experiment, with the number of clips of each."""
    fields = [
        ("classes/name", "name", "class of the experiment", "sc:Text"),
        ("classes/clips", "clips", "number of scored clips", "sc:Integer"),
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "classes",
        "name": "classes",
        "description": f"Classes of the experiment; {manifest.subjects} subjects, one left out at a time.",
        "dataType": "sc:Enumeration",
        "key": {"@id": "classes/name"},
        "field": [
            {"@type": "cr:Field", "@id": name, "name": short, "description": text, "dataType": kind}
            for name, short, text, kind in fields
        ],
        "data": [{"classes/name": label, "classes/clips": count} for label, count in manifest.classes.items()],
    }


def croissant(manifest: Manifest) -> dict[str, Any]:
    """JSON-LD of a data set: description, distribution, files and classes.

    Notes
    -----
    The checksum of a gated database's download is not known to this project. The data set is therefore declared
    live, as Croissant requires for files without a checksum.
    """
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest.id,
        "alternateName": manifest.heading,
        "description": manifest.description.strip(),
        "version": manifest.version,
        "license": manifest.licence,
        "isAccessibleForFree": manifest.access == "generated",
        "isLiveDataset": True,
        "distribution": _files(manifest),
        "recordSet": [*_clips(manifest), _classes(manifest)],
    }
    if manifest.website:
        document["url"] = manifest.website
    if manifest.doi:
        document["citeAs"] = f"https://doi.org/{manifest.doi}"
    if manifest.terms:
        document["usageInfo"] = manifest.terms.strip()
    if manifest.parts:
        document["hasPart"] = [
            {"@type": "sc:Dataset", "name": part, "description": load_manifest(part).description.strip()}
            for part in manifest.parts
        ]
    return document
