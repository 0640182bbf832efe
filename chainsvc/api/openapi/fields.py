"""Pieces of JSON Schema with their meaning in Chinese and English."""

from typing import Any

Shape = dict[str, Any]

_LARGEST = 2**53 - 1


def said(shape: Shape, chinese: str, english: str) -> Shape:
    """Return the shape with its meaning in both languages."""
    return {**shape, "description": f"{chinese} / {english}"}


def digest(length: int, chinese: str, english: str) -> Shape:
    """Return the shape of that many bytes in lowercase hex."""
    return said({"type": "string", "pattern": f"^[0-9a-f]{{{2 * length}}}$"}, chinese, english)


def number(chinese: str, english: str) -> Shape:
    """Return the shape of a count, position, time or amount."""
    return said({"type": "integer", "minimum": 0, "maximum": _LARGEST}, chinese, english)


def words(chinese: str, english: str) -> Shape:
    """Return the shape of a text."""
    return said({"type": "string"}, chinese, english)


def truth(chinese: str, english: str) -> Shape:
    """Return the shape of a boolean."""
    return said({"type": "boolean"}, chinese, english)


def one(values: tuple[str, ...], chinese: str, english: str) -> Shape:
    """Return the shape of one word of a list."""
    return said({"type": "string", "enum": list(values)}, chinese, english)


def optional(shape: Shape) -> Shape:
    """Return the shape that may also be null."""
    widened = {**shape, "type": [shape["type"], "null"]}
    return {**widened, "enum": [*shape["enum"], None]} if "enum" in shape else widened


def ref(name: str) -> Shape:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Shape, most: int | None = None) -> Shape:
    """Return the shape of an array."""
    return {"type": "array", "items": items, **({} if most is None else {"minItems": 1, "maxItems": most})}


def members(required: dict[str, Shape], extra: dict[str, Shape] | None = None) -> Shape:
    """Return the shape of an object with exactly these members; those in ``extra`` may be missing."""
    return {
        "type": "object",
        "properties": {**required, **(extra or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def page(noun: str, item: str) -> Shape:
    """Return the shape of one page of a list."""
    cursor = optional(words("下一页的 after；末页为 null", "`after` of the next page; null on the last"))
    return members({noun: array(ref(item)), "next": cursor})


STATES = ("accepted", "sealed", "submitted", "final")
STANDINGS = ("current", "superseded", "revoked", "suspended", "dissolved", "annulled", "void")

ID = digest(32, "记录编号（承诺）", "the record's id: its commitment")
REFERENCE = words("业务编号", "the business system's own key")
STANDING = one(STANDINGS, "效力状态", "standing")
SEQ = number("账簿内序号", "position in the ledger")
BATCH = number("批次号", "batch number in the ledger")
CREDIT = number("入账金额，单位分", "credit in fen")
DEBIT = number("出账金额，单位分", "debit in fen")
BLOCK = number("区块号", "block number")
TIME = number("区块时间", "block time")
ACTOR = digest(20, "上链账户", "account that did it")
ACCEPTED_AT = number("受理时间，Unix 秒", "accepted at, Unix seconds")
LEDGER_NAME = said(
    {"type": "string", "pattern": "^[a-z]{1,16}/[0-9A-Z]{18}/[A-Z0-9-]{1,32}$"}, "账簿名称", "ledger, `kind/uscc/book`"
)

RECORD = said(
    members(
        {
            "schema": words("记录类型", "schema id, e.g. `charity.donation.v1`"),
            "ledger": LEDGER_NAME,
            "reference": REFERENCE,
            "revision": number("版本，从 0 起", "0, then 1, 2, …"),
            "previous": optional(digest(32, "上一版本的承诺", "commitment of the prior revision")),
            "credit": CREDIT,
            "debit": DEBIT,
            "issued_at": said({"type": "string", "format": "date-time"}, "签发时间", "RFC 3339 with offset"),
            "body": said({"type": "object"}, "业务内容，见记录类型", "the document; see its schema"),
        }
    ),
    "记录",
    "one business document",
)

SIGNED_PART = {
    "alg": number("签名算法，1 为 Ed25519", "1 is Ed25519"),
    "index": number("在整批中的位置", "position in the chunk"),
    "n": number("整批条数", "commitments of the chunk"),
    "path": array(digest(32, "兄弟节点", "sibling")),
    "pubkey": words("公钥", "public key, hex"),
    "signature": words("签名", "signature, hex"),
}

RECEIPT = {
    **SIGNED_PART,
    "acceptedAt": ACCEPTED_AT,
    "anchorBy": number("最迟上链时间，Unix 秒", "anchored by, Unix seconds"),
}
