"""The arithmetic that the C program brings itself, against the C library's."""

import shutil
import subprocess
from pathlib import Path

import pytest
from single_ops import case

from xnorkit.targets.c import write_c

# Random bits, with exponents so close that sums cancel, tie and round; then subnormal numbers, infinities and NaN.
PROGRAM = """
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "xk_inside.h"

static uint64_t state = 1;
static uint32_t next(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 32);
}
static float of(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
static uint32_t bits(float x) { uint32_t b; memcpy(&b, &x, 4); return b; }
static float near(uint32_t exponent, uint32_t spread, uint32_t mask) {
  return of((next() & 0x80000000u) | (exponent + next() % spread) << 23 | (next() & mask));
}

int main(void) {
  static const float odd[] = {0.0f,   -0.0f,    1e-45f,   -1e-45f,   1.17549435e-38f, 3.4e38f,
                              -3.4e38f, INFINITY, -INFINITY, NAN, 1.0f};
  long differing = 0, all = 0;
  for (long i = 0; i < 3000000; ++i) {
    const uint32_t mask = i % 3 == 0 ? 0x7fffffu : i % 3 == 1 ? 0x7ff000u : 0x00000fu;
    const uint32_t base = i % 5 ? 120 : 60;
    const float a = near(base, 8, mask), b = near(base, 8, mask);
    const float c = near(2 * base - 127 + (i % 7) * 6 % 37, 60, 0x7fffffu);
    differing += bits(xk_fma(a, b, c)) != bits(fmaf(a, b, c));
    const float x = (float)(int32_t)next() / 4096.0f;
    differing += xk_round(x) != nearbyintf(x);
    all += 2;
  }
  for (int i = 0; i < 11; ++i)
    for (int j = 0; j < 11; ++j)
      for (int k = 0; k < 11; ++k, ++all) {
        const float y = xk_fma(odd[i], odd[j], odd[k]), z = fmaf(odd[i], odd[j], odd[k]);
        differing += !(y != y && z != z) && bits(y) != bits(z);
      }
  printf("%ld %ld", differing, all);
  return 0;
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("flags", ["-O0", "-O2", "-O2 -U__FP_FAST_FMAF"])
def test_fused_multiply_add_and_rounding(flags: str, tmp_path: Path) -> None:
    write_c(tmp_path, case("clip"))
    (tmp_path / "arithmetic.c").write_text(PROGRAM, encoding="utf-8")
    command = ["cc", *flags.split(), "-std=c99", "-ffp-contract=off", "arithmetic.c", "-o", "arithmetic", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    text = subprocess.run([str(tmp_path / "arithmetic")], capture_output=True, text=True, check=True).stdout
    differing, every = map(int, text.split())
    assert every > 6_000_000
    assert differing == 0
