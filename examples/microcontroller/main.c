/* Runs the stored images on the board, compares every bit of the outputs, and says what the network costs. */
#include "board.h"
#include "model.h"
#include "test_vector.h"

extern uint32_t stack_bottom[], stack_top[]; /* linker.ld */
static const uint32_t paint = 0xa5a5a5a5u;   /* startup code fills the stack with it */

static void text(const char *s) {
  while (*s) board_write(*s++);
}

static void number(uint32_t value) {
  char digits[11];
  int at = sizeof digits - 1;
  digits[at] = 0;
  do {
    digits[--at] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  text(digits + at);
}

static void line(const char *name, uint32_t value, const char *unit) {
  text(name);
  number(value);
  text(unit);
  text("\n");
}

int main(void) {
  static float outputs[MODEL_OUTPUTS];
  uint32_t equal = 0;
  const uint64_t before = board_instructions();
  for (int i = 0; i < TEST_IMAGES; ++i) {
    model_run(test_images + i * MODEL_INPUTS, outputs);
    for (int c = 0; c < MODEL_OUTPUTS; ++c) {
      union {
        float number;
        uint32_t bits;
      } output = {outputs[c]};
      equal += output.bits == test_outputs[i * MODEL_OUTPUTS + c];
    }
  }
  const uint64_t instructions = (board_instructions() - before) / TEST_IMAGES;
  uint32_t free_words = 0;
  while (stack_bottom[free_words] == paint) ++free_words;
  const uint32_t all = TEST_IMAGES * MODEL_OUTPUTS;
  text(MODEL_NAME ": ");
  number(equal);
  line(" of ", all, " outputs equal bit for bit");
  line("values: ", MODEL_RAM_BYTES, " bytes of RAM");
  line("stack: ", (uint32_t)((char *)stack_top - (char *)(stack_bottom + free_words)), " bytes of RAM");
  line("instructions per image: ", (uint32_t)(instructions / 1000), " thousand");
  board_exit(equal == all ? 0 : 1);
  return 0;
}
