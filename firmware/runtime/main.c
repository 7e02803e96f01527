/* Serves the model over the board's UART.
 *
 * After start-up:   'E' 'K' status        status 0: the self-test gave the expected bytes, 1: it did not
 * Host to board:    0xEB 'I' input        EK_INPUT_BYTES bytes, int8, logical (channel, row, column) order
 * Board to host:    0xEB 'O' output       EK_OUTPUT_BYTES bytes, same order
 *
 * Where the model has a front end, EK_SAMPLE_BYTES bytes of int16 samples, little-endian, channel after channel:
 * Host to board:    0xEB 'R' samples      answered by 0xEB 'O' output
 * Host to board:    0xEB 'F' samples      answered by 0xEB 'F' features, EK_INPUT_BYTES bytes
 *
 * Where the model has several entries, entry n = 0, 1 ..., with its own sizes:
 * Host to board:    0xEB '0'+n input      answered by 0xEB 'S' status output; status: an ek_status
 *
 * Where states outlive power:
 * After start-up:   0xEB 'N' status       behind the first status; an ek_nvm_status: what was found in flash
 * Host to board:    0xEB 'W'              saves the states, answered by 0xEB 'N' status
 * Entries that write such states save them before they answer.
 *
 * The host waits for each answer before it sends the next frame. Bytes outside a frame are ignored.
 */
#include "ek_board.h"
#include "ek_model.h"

#define FRAME_START 0xEBu

#ifndef EK_ENTRIES
#define EK_LARGEST_INPUT_BYTES EK_INPUT_BYTES
#define EK_LARGEST_OUTPUT_BYTES EK_OUTPUT_BYTES
#endif

static int8_t input[EK_LARGEST_INPUT_BYTES] __attribute__((aligned(4)));
static int8_t output[EK_LARGEST_OUTPUT_BYTES];
#if defined(EK_SAMPLE_BYTES) && !defined(EK_SAMPLES)
static int8_t samples[EK_SAMPLE_BYTES] __attribute__((aligned(4)));
#define EK_SAMPLES samples
#endif

static void send_status(int failed) {
    ek_board_send('E');
    ek_board_send('K');
    ek_board_send(failed ? 1u : 0u);
}

/* The kind of the next frame, whatever it is. */
static uint8_t wait_for_frame(void) {
    uint8_t previous = 0;
    uint8_t byte = ek_board_receive();

    while (previous != FRAME_START || byte == FRAME_START) {
        previous = byte;
        byte = ek_board_receive();
    }
    return byte;
}

static void receive(int8_t *to, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++) {
        to[i] = (int8_t)ek_board_receive();
    }
}

static void send_header(uint8_t kind) {
    ek_board_send(FRAME_START);
    ek_board_send(kind);
}

static void send(const int8_t *from, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++) {
        ek_board_send((uint8_t)from[i]);
    }
}

static void answer(uint8_t kind, const int8_t *from, uint32_t bytes) {
    send_header(kind);
    send(from, bytes);
}

static void run(void) {
    ek_model_run(input, output);
    answer('O', output, EK_OUTPUT_BYTES);
}

#ifdef EK_ENTRIES
static void call(uint32_t entry) {
    uint8_t status;

    receive(input, ek_model_entries[entry].input_bytes);
    status = ek_model_call(entry, input, output);
#ifdef EK_NVM
    if (status == EK_OK && ek_model_entries[entry].writes && ek_nvm_save(&ek_model_nvm) != EK_NVM_OK) {
        status = EK_NOT_SAVED;
    }
#endif
    send_header('S');
    ek_board_send(status);
    send(output, ek_model_entries[entry].output_bytes);
}
#endif

int main(void) {
    ek_board_init();
    send_status(ek_model_selftest());
#ifdef EK_NVM
    send_header('N');
    ek_board_send((uint8_t)ek_nvm_load(&ek_model_nvm));
#endif

    for (;;) {
        const uint8_t kind = wait_for_frame();

        if (kind == 'I') {
            receive(input, EK_INPUT_BYTES);
            run();
        }
#ifdef EK_ENTRIES
        if (kind >= '0' && kind < '0' + EK_ENTRIES) {
            call(kind - (uint32_t)'0');
        }
#endif
#ifdef EK_NVM
        if (kind == 'W') {
            send_header('N');
            ek_board_send((uint8_t)ek_nvm_save(&ek_model_nvm));
        }
#endif
#ifdef EK_SAMPLE_BYTES
        if (kind == 'R' || kind == 'F') {
            receive(EK_SAMPLES, EK_SAMPLE_BYTES);
            ek_model_features(EK_SAMPLES, input);
            if (kind == 'R') {
                run();
            } else {
                answer('F', input, EK_INPUT_BYTES);
            }
        }
#endif
    }
}
