"""A frozen record in 30 lines: `dataclasses` costs more to import than `tophalf irqs` takes to work."""


class Frozen:
    """A record whose fields are its `__slots__`; a field that is not given is None ("not recorded")."""

    __slots__ = ()

    def __init__(self, **values):
        for name in self.__slots__:
            object.__setattr__(self, name, values.pop(name, None))
        if values:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(values))}")

    def __setattr__(self, name, value):
        raise AttributeError(f"{type(self).__name__}.{name} is frozen; use replace()")

    def __eq__(self, other):
        return type(self) is type(other) and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None

    def __repr__(self):
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"

    def replace(self, **changes):
        """The same record with some fields changed."""
        return type(self)(**{**self.as_dict(), **changes})

    def as_dict(self):
        """Fields by name, one level deep."""
        return {name: getattr(self, name) for name in self.__slots__}
