/* Boards that QEMU emulates. With -icount shift=0 an instruction takes one nanosecond of the emulated time. For a board of
 * your own, write these three functions anew. */
#include "board.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#if defined(__arm__) /* mps2-an386 (Cortex-M4), mps2-an500 (Cortex-M7): UART 0, timer 0 of 25 MHz, semihosting */
void board_write(char c) {
  REGISTER(0x40004008) = 1; /* enable the transmitter */
  REGISTER(0x40004000) = (uint8_t)c;
}

void board_exit(int code) {
  register uint32_t operation __asm("r0") = 0x18; /* SYS_EXIT */
  register uint32_t reason __asm("r1") = code == 0 ? 0x20026u : 0x20023u;
  __asm volatile("bkpt 0xab" : : "r"(operation), "r"(reason) : "memory");
}

uint64_t board_instructions(void) {
  static int started;
  if (!started) {
    REGISTER(0x40000008) = 0xffffffffu; /* reload */
    REGISTER(0x40000004) = 0xffffffffu;
    REGISTER(0x40000000) = 1;
    started = 1;
  }
  return (uint64_t)(0xffffffffu - REGISTER(0x40000004)) * 40u; /* nanoseconds */
}
#else /* virt, RV32: UART of the 16550, the test device, the counter of instructions */
void board_write(char c) { *(volatile uint8_t *)0x10000000u = (uint8_t)c; }

void board_exit(int code) { REGISTER(0x100000) = code == 0 ? 0x5555u : 0x13333u; }

uint64_t board_instructions(void) {
  uint32_t low, high, again;
  do {
    __asm volatile( /* minstreth, minstret, minstreth */
        ".option push\n\t.option arch, +zicsr\n\tcsrr %0, 0xb82\n\tcsrr %1, 0xb02\n\tcsrr %2, 0xb82\n\t.option pop"
        : "=r"(high), "=r"(low), "=r"(again));
  } while (high != again);
  return (uint64_t)high << 32 | low;
}
#endif
