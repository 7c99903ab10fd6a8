"""Random values of JSON for every class: nothing but a ValidationError may be raised, and what is read is written and read again as it was."""

import json
import random
import sys

from model import _runtime as rt
from model._registry import CLASSES

seed, rounds = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(seed)
TEXTS = ["", "a", "2024-02-29", "2024-02-29T10:20:30Z", "10:20:30", "P1D", "PT1H", "-01.50", "5", "INF", "NaN", "AQID/w==", "0AFF", "--02-29", "---31", "2024", "A12", "x" * 40, "\ud800", "Red", "9999-12-31T24:00:00", "10000-01-01", "P99999999999999999D", "1" * 5000]


def junk(depth):
    return rng.choice([None, True, False, 0, -1, 5, 5.5, 1e400, 10**400, rng.choice(TEXTS), [], [None], {}, {"@id": "urn:x"}, {"@id": 5}, {"@value": "a", "@language": "en"}, {"@type": "Nope"}, {"@type": []}, {"@type": {}}, {"@type": [5, "Dog"]}] + ([[junk(depth - 1)], {"@id": junk(depth - 1), "@type": junk(depth - 1)}] if depth else []))


def of_range(one, depth):
    if rng.random() < 0.03:
        return junk(1)
    if isinstance(one, rt.InstanceOf):
        return {"@id": "urn:x"} if depth <= 0 or rng.random() < 0.3 else instance(rt.class_of(one.name), depth - 1)
    if isinstance(one, rt.MemberOf):
        return rng.choice([v for _, v in one._members()])
    if isinstance(one, rt.OneOf):
        return rng.choice(one.values)
    if isinstance(one, rt.AnyResource):
        return {"@id": "urn:r"}
    if isinstance(one, rt.Anything):
        return junk(2)
    if one.datatype in rt.BOOLEANS:
        return rng.random() < 0.5
    if one.datatype in rt.INTEGERS:
        return rng.choice([0, 1, -1, 5, 50, 127, -128, 40000])
    if one.datatype in rt.DOUBLES:
        return rng.choice([0, 1.5, "INF", -3, 1e300])
    if one.datatype == "langString":
        return {"@value": "t", "@language": rng.choice(["en", "de", "pt-BR"])}
    return rng.choice(TEXTS)


def instance(cls, depth):
    value = {"@type": cls.RULES.name} if rng.random() < 0.7 else {}
    slots = rt._slots(cls)
    for slot in slots:
        rule = slot.rule
        if rule.at_least == 0 and rng.random() < (0.5 if len(slots) < 40 else 0.9):
            continue
        n = rng.randint(rule.at_least, min(rule.at_most or 3, rule.at_least + 2))
        values = [of_range(rng.choice(rule.ranges), depth) for _ in range(n)]
        if values:
            value[rule.name] = values[0] if slot.is_single else values
    return value


read = refused = 0
for name in CLASSES:
    cls = rt.class_of(name)
    for _ in range(rounds):
        value = instance(cls, 2) if rng.random() < 0.9 else junk(3)
        try:
            got = cls.from_json(value)
        except rt.ValidationError as error:
            refused += 1
            assert error.problems
            continue
        read += 1
        written = got.to_json()
        again = type(got).from_json(written)
        assert json.dumps(again.to_json()) == json.dumps(written), (name, value)
        got.validate()
        repr(got)
for text in ["[" * 100000, "{\"a\":" * 100000, "1" * 6000, "NaN", "\x00", "{\"@id\": NaN}", "", "{", b"\xff", "\"\\ud800\""]:
    try:
        rt.class_of(next(iter(CLASSES))).from_json_text(text)
        print("read?", text[:20])
    except rt.ValidationError:
        pass
print(read, "read", refused, "refused")
