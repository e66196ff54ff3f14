/* Runs the stored images and compares every bit of the outputs with those that the exporter stored. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "test_vector.h"

int main(void) {
  static float outputs[MODEL_OUTPUTS];
  long equal = 0;
  for (int i = 0; i < TEST_IMAGES; ++i) {
    model_run(test_images + (long)i * MODEL_INPUTS, outputs);
    for (int c = 0; c < MODEL_OUTPUTS; ++c) {
      uint32_t bits;
      memcpy(&bits, &outputs[c], 4);
      equal += bits == test_outputs[(long)i * MODEL_OUTPUTS + c];
    }
  }
  const long all = (long)TEST_IMAGES * MODEL_OUTPUTS;
  printf("%s: %ld of %ld outputs equal bit for bit\n", MODEL_NAME, equal, all);
  printf("RAM: %ld bytes of values; flash: %ld bytes of constants, and the code (make size)\n", (long)MODEL_RAM_BYTES,
         (long)MODEL_CONSTANT_BYTES);
  return equal == all ? 0 : 1;
}
