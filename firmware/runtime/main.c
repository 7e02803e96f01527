/* Serves the model over the board's UART.
 *
 * After start-up:   'E' 'K' status        status 0: the self-test gave the expected bytes, 1: it did not
 * Host to board:    0xEB 'I' input        EK_INPUT_BYTES bytes, int8, logical (channel, row, column) order
 * Board to host:    0xEB 'O' output       EK_OUTPUT_BYTES bytes, same order
 *
 * The host waits for each answer before it sends the next frame. Bytes outside a frame are ignored.
 */
#include "ek_board.h"
#include "ek_model.h"

#define FRAME_START 0xEBu

static int8_t input[EK_INPUT_BYTES];
static int8_t output[EK_OUTPUT_BYTES];

static void send_status(int failed) {
    ek_board_send('E');
    ek_board_send('K');
    ek_board_send(failed ? 1u : 0u);
}

static void wait_for_input_header(void) {
    uint8_t previous = 0;
    uint8_t byte = ek_board_receive();

    while (previous != FRAME_START || byte != 'I') {
        previous = byte;
        byte = ek_board_receive();
    }
}

int main(void) {
    ek_board_init();
    send_status(ek_model_selftest());

    for (;;) {
        wait_for_input_header();
        for (uint32_t i = 0; i < EK_INPUT_BYTES; i++) {
            input[i] = (int8_t)ek_board_receive();
        }

        ek_model_run(input, output);

        ek_board_send(FRAME_START);
        ek_board_send('O');
        for (uint32_t i = 0; i < EK_OUTPUT_BYTES; i++) {
            ek_board_send((uint8_t)output[i]);
        }
    }
}
