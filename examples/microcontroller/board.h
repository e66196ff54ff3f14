/* What a board must offer to main.c: three functions, and the memory that linker.ld describes. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

void board_write(char c);
void board_exit(int code);
/* Instructions so far, where the board or its emulator counts them. */
uint64_t board_instructions(void);

#endif
