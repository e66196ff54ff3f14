import multiprocessing
import sys
import threading

import numpy as np
import pytest
from engine_data import Geometry, one_step, pack_filters, pack_pixels, random_signs, torch_conv

GEOMETRY = Geometry((3, 3), padding=(1, 1, 1, 1))


@pytest.fixture(scope="module")
def case():
    """A convolution large enough for the pool: its program, input and integers."""
    rng = np.random.default_rng(0)
    images, weight = random_signs(rng, 3, 20, 20, 128), random_signs(rng, 128, 3, 3, 128)
    program = one_step("bits", (20, 20, 128), "", "binary_conv2d_i32", pack_filters(weight), 128, GEOMETRY)
    return program, pack_pixels(images), torch_conv(images, weight, padding=(1, 1, 1, 1))


def differs(program, source, expected):
    return not np.array_equal(program.run(source, threads=2)[0], expected)


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_any_count_of_threads(case, threads):
    program, source, expected = case
    for _ in range(5):
        np.testing.assert_array_equal(program.run(source, threads=threads)[0], expected)


@pytest.mark.parametrize("threads", [0, -1, 257])
def test_impossible_counts(case, threads):
    program, source, _ = case
    with pytest.raises(ValueError, match=f"threads is {threads}, but it must be from 1 to 256"):
        program.run(source, threads=threads)


def test_one_program_in_four_python_threads(case):
    program, source, expected = case
    wrong = []

    def use(threads):
        for _ in range(20):
            if not np.array_equal(program.run(source, threads=threads)[0], expected):
                wrong.append(threads)

    users = [threading.Thread(target=use, args=(1 + i % 2,)) for i in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert not wrong


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_forked_child(case):
    assert not differs(*case)
    child = multiprocessing.get_context("fork").Process(target=lambda: sys.exit(differs(*case)))
    child.start()
    child.join(timeout=20)
    child.kill()
    assert child.exitcode == 0
    assert not differs(*case)


def test_results_outlive_the_program():
    program = one_step(
        "image",
        (2, 2, 1),
        "",
        "float_conv2d",
        np.ones((1, 2, 2, 1), np.float32),
        np.zeros(1, np.float32),
        Geometry((2, 2)),
    )
    (first,) = program.run(np.ones((1, 1, 2, 2), np.float32))
    (second,) = program.run(np.zeros((1, 1, 2, 2), np.float32))
    del program
    assert (first.item(), second.item()) == (4.0, 0.0)
