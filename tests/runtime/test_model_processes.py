"""Models in other processes: forked while another thread plans, pickled, copied."""

import copy
import os
import pickle
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from random_graphs import random_graph
from single_ops import case, images_for

from xnorkit.format import Limits, write
from xnorkit.runtime import Model, load

CHILDREN = 7
SECONDS = 20


def _ends_well(child: int) -> bool:
    """Wait for a child; one that hangs is killed."""
    for _ in range(100 * SECONDS):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_children_forked_while_a_new_size_is_planned() -> None:
    """The lock that the other thread holds at that moment is never given back in the child."""
    model = Model(case("dynamic"), threads=1)
    channels = model.input_shape[0]
    ended = threading.Event()

    def plan() -> None:
        size = 8
        while not ended.is_set():
            size = 8 + (size - 7) % 200
            model(np.zeros((1, channels, size, 300 - size), np.float32))

    planner = threading.Thread(target=plan)
    planner.start()
    try:
        children = []
        for index in range(CHILDREN):
            time.sleep(0.02)
            child = os.fork()
            if child == 0:  # it must not go on with the tests, whatever happens
                code = 1
                try:
                    signal.alarm(2 * SECONDS)
                    shape = model(np.zeros((1, channels, 11 + index, 13), np.float32)).shape
                    code = 0 if len(shape) >= 2 else 1
                finally:
                    os._exit(code)
            children.append(child)
        assert [_ends_well(child) for child in children] == [True] * CHILDREN
    finally:
        ended.set()
        planner.join()


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("name", ["dynamic", "binary_conv2d bits", "gather_channels"])
def test_models_are_copied_and_pickled(name: str, again, tmp_path: Path) -> None:
    graph = case(name)
    write(tmp_path / "model.xnor", graph)
    model = load(tmp_path / "model.xnor", threads=2, limits=Limits(work=2**30))
    images = images_for(graph)
    wanted = model(images)
    twin = again(model)
    assert (twin.threads, twin.isa, repr(twin)) == (2, model.isa, repr(model))
    assert twin._arguments[1:] == (None, 2, Limits(work=2**30))
    del model
    np.testing.assert_array_equal(twin(images), wanted)
    np.testing.assert_array_equal(twin.trace(images)[graph.output].reshape(wanted.shape[0], -1).shape[0], len(images))


def test_a_pickled_model_is_about_as_large_as_its_file(tmp_path: Path) -> None:
    write(tmp_path / "model.xnor", random_graph(2))
    model = load(tmp_path / "model.xnor")
    assert len(pickle.dumps(model)) < 2 * (tmp_path / "model.xnor").stat().st_size + 20_000


def test_a_pickled_model_takes_the_machine_that_it_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    content = pickle.dumps(Model(random_graph(2)))
    monkeypatch.setenv("XNORKIT_ISA", "portable")
    monkeypatch.setenv("XNORKIT_THREADS", "3")
    twin = pickle.loads(content)
    assert (twin.isa, twin.threads) == ("portable", 3)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process's own memory map")
def test_a_file_may_change_once_it_is_read(tmp_path: Path) -> None:
    """Nothing of it stays mapped: overwriting or truncating it neither changes answers nor ends the process."""
    path = tmp_path / "model.xnor"
    graph = case("dynamic")
    write(path, graph)
    model, images = load(path), images_for(graph)
    wanted = model(images)
    with path.open("r+b") as file:
        file.write(b"\0" * 100)
        file.truncate(50)
    assert str(path) not in Path("/proc/self/maps").read_text(encoding="utf-8")
    np.testing.assert_array_equal(model(images), wanted)
    assert model(np.repeat(np.repeat(images, 2, 2), 2, 3)).size
