/* Startup: paints the stack, sets variables, enables the floating-point unit, calls main. memcpy and memset are all that a
 * compiler asks of a C library. */
#include <stddef.h>
#include <stdint.h>

extern uint32_t stack_bottom[], stack_top[], bss_begin[], bss_end[]; /* linker.ld; nothing has an initial value */
int main(void);

void *memcpy(void *to, const void *from, size_t count) {
  for (size_t i = 0; i < count; ++i) ((volatile char *)to)[i] = ((const char *)from)[i];
  return to;
}

void *memset(void *to, int value, size_t count) {
  for (size_t i = 0; i < count; ++i) ((volatile char *)to)[i] = (char)value;
  return to;
}

/* Not inlined, so that its own frame lies below what it paints. */
__attribute__((noinline, used)) void start(void) {
  const uint32_t *const here = (const uint32_t *)__builtin_frame_address(0);
  for (uint32_t *word = stack_bottom; word + 32 < here; ++word) *(volatile uint32_t *)word = 0xa5a5a5a5u;
  for (uint32_t *word = bss_begin; word < bss_end; ++word) *(volatile uint32_t *)word = 0;
#if defined(__arm__)
#if defined(__ARM_FP)
  *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20; /* CPACR: full access to coprocessors 10 and 11 */
  __asm volatile("dsb\n\tisb");
#endif
#endif
  main();
  for (;;) {
  }
}

#if defined(__arm__)
__attribute__((section(".start"), used)) static const void *const vectors[2] = {stack_top, (const void *)start};
#else
__attribute__((section(".start"), naked, used)) static void enter(void) {
  __asm volatile("la sp, stack_top\n\tcall start");
}
#endif
