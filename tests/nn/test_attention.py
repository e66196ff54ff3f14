"""Encoders of PyTorch, which have ways around their layers, answer with the binary layers in every mode."""

import copy
import io

import pytest
import torch
from torch import Tensor, nn

from xnorkit.errors import BinarizationWarning, InputError
from xnorkit.nn import BConfig, BinaryLinear, convert, prepare_binary_model
from xnorkit.ops import BasicInputBinarizer, XNORWeightBinarizer

SIGN = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)


def encoder(activation: str = "gelu", norm_first: bool = False) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        16, 2, 32, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first
    )
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=not norm_first)


def prepared(model: nn.Module) -> nn.Module:
    with pytest.warns(BinarizationWarning, match="Weights stay float in .*self_attn.*MultiheadAttention"):
        return prepare_binary_model(model, SIGN)


def answers(model: nn.Module, x: Tensor, **masks: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the model answers in training, which goes through every layer, and in evaluation."""
    trained = model.train()(x, **masks).detach()
    with torch.no_grad():
        return trained, model.eval()(x, **masks)


@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_evaluation_is_binary(activation: str, norm_first: bool, padded: bool) -> None:
    torch.manual_seed(0)
    model, x = encoder(activation, norm_first), torch.randn(3, 5, 16)
    masks = {}
    if padded:
        masks["src_key_padding_mask"] = torch.arange(5) >= torch.tensor([[5], [3], [4]])
    float_answer = model(x, **masks)
    trained, evaluated = answers(prepared(model), x, **masks)
    assert evaluated.shape == trained.shape
    torch.testing.assert_close(evaluated, trained)
    assert (evaluated - float_answer).abs().max() > 0.1


def test_copies_and_files_keep_it() -> None:
    torch.manual_seed(0)
    model, x = prepared(encoder()), torch.randn(3, 5, 16)
    expected = answers(model, x)[1]
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    for other in (copy.deepcopy(model), torch.load(file, weights_only=False)):
        assert torch.equal(answers(other, x)[1], expected)


def test_one_layer_by_convert() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, activation="gelu", batch_first=True)
    layer.linear1.bconfig = SIGN
    trained, evaluated = answers(convert(layer), torch.randn(3, 5, 16))
    assert isinstance(layer.linear1, BinaryLinear)
    torch.testing.assert_close(evaluated, trained)


def test_a_whole_transformer() -> None:
    torch.manual_seed(0)
    model = nn.Transformer(16, 2, 1, 1, 32, dropout=0.0, activation=nn.functional.gelu, batch_first=True)
    x, y = torch.randn(2, 5, 16), torch.randn(2, 4, 16)
    prepared(model)
    trained = model.train()(x, y).detach()
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(x, y), trained)


def test_the_second_layer_behind_a_relu_is_named() -> None:
    with pytest.warns(BinarizationWarning, match=r"1 binary layer reads .*: linear2 \(the ReLU of"):
        prepare_binary_model(nn.TransformerEncoderLayer(16, 2, 32), SIGN)
    with pytest.warns(BinarizationWarning, match=r"layers.0.linear2 \(the ReLU of 'layers.0'\), layers.1.linear2"):
        prepare_binary_model(encoder("relu"), SIGN)


def test_the_projection_of_an_attention_is_refused() -> None:
    kind = type(nn.MultiheadAttention(4, 2).out_proj)

    class Projection(BinaryLinear):
        FLOAT_MODULE = kind

    model = nn.Sequential(nn.Linear(4, 4), nn.MultiheadAttention(4, 2))
    with pytest.raises(InputError, match=r"'1.out_proj' is part of a MultiheadAttention.*ignore_layers_name=\["):
        prepare_binary_model(model, SIGN, modules_mapping={kind: Projection, nn.Linear: BinaryLinear})
    assert type(model[1].out_proj) is kind
