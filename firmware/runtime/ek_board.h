/* What the runtime needs from a board. */
#ifndef EK_BOARD_H
#define EK_BOARD_H

#include <stdint.h>

/* Clocks at full speed and the UART ready: 115200 baud, 8 data bits, no parity, 1 stop bit. */
void ek_board_init(void);

/* One byte from the UART; waits for it. */
uint8_t ek_board_receive(void);

/* One byte to the UART; waits until it can be taken. */
void ek_board_send(uint8_t byte);

#endif
