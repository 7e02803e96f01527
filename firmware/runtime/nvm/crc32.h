/* CRC-32 of ISO 3309, as zlib and Ethernet use it: polynomial 0x04C11DB7, reflected, initial value and final XOR all
 * ones. Four bits at a time: 64 bytes of table. */
#ifndef EK_CRC32_H
#define EK_CRC32_H

#include <stdint.h>

/* The CRC of a message so far (0 before its first byte) followed by `count` bytes. */
static inline uint32_t ek_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count) {
    static const uint32_t table[16] = {0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
                                       0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
                                       0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};

    crc = ~crc;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ table[crc & 15u];
        crc = (crc >> 4) ^ table[crc & 15u];
    }
    return ~crc;
}

#endif
