"""Words to write JSON Schema (draft 2020-12) with, for the shapes of the API."""

from __future__ import annotations

Schema = dict[str, object]


def whole(text: str) -> Schema:
    """Describe a count."""
    return {"type": "integer", "minimum": 0, "description": text}


def number(text: str) -> Schema:
    """Describe a number."""
    return {"type": "number", "description": text}


def string(text: str) -> Schema:
    """Describe a text."""
    return {"type": "string", "description": text}


def boolean(text: str) -> Schema:
    """Describe a yes or no."""
    return {"type": "boolean", "description": text}


def one_of(text: str, *words: str) -> Schema:
    """Describe a choice of words."""
    return {"enum": list(words), "description": text}


def counts(text: str) -> Schema:
    """Describe counts by their names."""
    return {"type": "object", "additionalProperties": {"type": "integer"}, "description": text}


def or_null(schema: Schema) -> Schema:
    """Allow null, which stands for "none"."""
    return {**schema, "type": [schema["type"], "null"]}


def duration(text: str) -> Schema:
    """Describe a duration that may be left out."""
    return {
        "type": ["number", "string", "null"],
        "minimum": 0,
        "description": f'{text}; a number of seconds, or a text like "60s"',
    }


def ref(name: str) -> Schema:
    """Point to one of the shapes below."""
    return {"$ref": f"#/components/schemas/{name}"}


def many(name: str, text: str) -> Schema:
    """Describe a list of shapes."""
    return {"type": "array", "items": ref(name), "description": text}


def shape(text: str, **members: Schema) -> Schema:
    """Describe an object that has all of these members, and perhaps others."""
    return {
        "type": "object",
        "description": text,
        "properties": members,
        "required": list(members),
    }
