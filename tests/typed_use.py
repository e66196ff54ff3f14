"""Wrong uses of the names at the root, each of which mypy must refuse: a name whose type is Any would accept them.

`make check` reads this file; an ignore that nothing needs is an error there. It is never run.
"""

import xnorkit

xnorkit.create_model(3)  # type: ignore[arg-type]
xnorkit.list_models(no_such=1)  # type: ignore[call-arg]
xnorkit.prepare_binary_model()  # type: ignore[call-arg]
xnorkit.convert()  # type: ignore[call-arg]
xnorkit.summary()  # type: ignore[call-arg]
xnorkit.pack()  # type: ignore[call-arg]
xnorkit.verify()  # type: ignore[call-arg]
xnorkit.write(3, 4)  # type: ignore[arg-type]
xnorkit.load()  # type: ignore[call-arg]
loaded = xnorkit.load(None).no_such  # type: ignore[arg-type, attr-defined]
xnorkit.Limits(no_such=1)  # type: ignore[call-arg]
xnorkit.Normalization()  # type: ignore[call-arg]
xnorkit.BConfig(no_such=1)  # type: ignore[call-arg]
xnorkit.BinaryConv2d()  # type: ignore[call-arg]
xnorkit.BinaryLinear()  # type: ignore[call-arg]
absent = xnorkit.no_such  # type: ignore[attr-defined]
