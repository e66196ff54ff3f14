"""The engine as a torch module: eager, compiled, exported."""

import io

import pytest
import torch

from xnorkit.errors import ExportError, InputError
from xnorkit.export import pack, packed_module
from xnorkit.models import create_model
from xnorkit.runtime import Model

SHAPE = (1, 28, 28)


@pytest.fixture(scope="module")
def graph():
    torch.manual_seed(0)
    return pack(create_model("lenet5").eval(), SHAPE)


def test_gives_what_the_runtime_gives(graph) -> None:
    images = torch.randn(3, *SHAPE)
    module = packed_module(graph)
    assert torch.equal(module(images), torch.from_numpy(Model(graph)(images)))
    with pytest.raises(ExportError, match="input_shape is missing"):
        packed_module(create_model("lenet5"))


def test_a_backward_pass_is_refused(graph) -> None:
    images = torch.randn(2, *SHAPE, requires_grad=True)
    logits = packed_module(graph)(images)
    with pytest.raises(InputError, match=r"backward pass runs through a packed program, which has no gradient, but"):
        logits.sum().backward()


def test_the_operator_is_well_formed(graph) -> None:
    module = packed_module(graph)
    arguments = (torch.randn(2, *SHAPE), module.program, module.key, module.output_shape)
    torch.library.opcheck(
        torch.ops.xnorkit.run_packed.default, arguments, test_utils=("test_schema", "test_faketensor")
    )


def test_compile_keeps_it_as_one_call(graph) -> None:
    module = packed_module(graph)
    model = torch.nn.Sequential(module, torch.nn.Softmax(1))
    images = torch.randn(2, *SHAPE)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(images), model(images))


def test_export_keeps_it_and_carries_the_program(graph) -> None:
    module = packed_module(graph)
    images = torch.randn(2, *SHAPE)
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(module, (images,), dynamic_shapes=({0: batch},))
    assert any("run_packed" in str(node.target) for node in program.graph.nodes)
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    again = torch.export.load(file).module()
    other = torch.randn(5, *SHAPE)
    assert torch.equal(again(other), module(other))
