/* Compressed instructions, as the 32-bit instruction that each stands for; 0 for those that do not exist. */
#include "machine.h"

static uint32_t bits(uint16_t c, unsigned from, unsigned count, unsigned to) {
    return (((uint32_t)c >> from) & ((1u << count) - 1)) << to;
}

static uint32_t sign(uint32_t value, unsigned width) {
    return (uint32_t)((int32_t)(value << (32 - width)) >> (32 - width));
}

static uint32_t i_type(uint32_t opcode, uint32_t f3, uint32_t rd, uint32_t rs1, uint32_t imm) {
    return opcode | rd << 7 | f3 << 12 | rs1 << 15 | imm << 20;
}

static uint32_t s_type(uint32_t opcode, uint32_t f3, uint32_t rs1, uint32_t rs2, uint32_t imm) {
    return opcode | (imm & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | (imm >> 5) << 25;
}

static uint32_t r_type(uint32_t f7, uint32_t f3, uint32_t rd, uint32_t rs1, uint32_t rs2) {
    return 0x33 | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}

static uint32_t jump(uint16_t c, uint32_t rd) {
    uint32_t imm = bits(c, 12, 1, 11) | bits(c, 11, 1, 4) | bits(c, 9, 2, 8) | bits(c, 8, 1, 10) | bits(c, 7, 1, 6) |
                   bits(c, 6, 1, 7) | bits(c, 3, 3, 1) | bits(c, 2, 1, 5);

    imm = sign(imm, 12);
    return 0x6F | rd << 7 | (imm & 0xFF000) | ((imm >> 11) & 1) << 20 | ((imm >> 1) & 0x3FF) << 21 |
           ((imm >> 20) & 1) << 31;
}

static uint32_t branch(uint16_t c, uint32_t f3, uint32_t rs1) {
    uint32_t imm = bits(c, 12, 1, 8) | bits(c, 10, 2, 3) | bits(c, 5, 2, 6) | bits(c, 3, 2, 1) | bits(c, 2, 1, 5);

    imm = sign(imm, 9);
    return 0x63 | ((imm >> 11) & 1) << 7 | ((imm >> 1) & 15) << 8 | f3 << 12 | rs1 << 15 | ((imm >> 5) & 63) << 25 |
           ((imm >> 12) & 1) << 31;
}

static uint32_t quadrant0(uint16_t c, bool fp) {
    uint32_t low = 8 + bits(c, 2, 3, 0), base = 8 + bits(c, 7, 3, 0);
    uint32_t word = bits(c, 5, 1, 6) | bits(c, 10, 3, 3) | bits(c, 6, 1, 2);

    switch (c >> 13) {
    case 0: {
        uint32_t imm = bits(c, 11, 2, 4) | bits(c, 7, 4, 6) | bits(c, 6, 1, 2) | bits(c, 5, 1, 3);
        return imm != 0 ? i_type(0x13, 0, low, 2, imm) : 0; /* c.addi4spn */
    }
    case 2:
        return i_type(0x03, 2, low, base, word);
    case 3:
        return fp ? i_type(0x07, 2, low, base, word) : 0;
    case 6:
        return s_type(0x23, 2, base, low, word);
    case 7:
        return fp ? s_type(0x27, 2, base, low, word) : 0;
    default:
        return 0;
    }
}

static uint32_t arithmetic(uint16_t c) {
    uint32_t rd = 8 + bits(c, 7, 3, 0), rs2 = 8 + bits(c, 2, 3, 0);
    uint32_t imm = bits(c, 12, 1, 5) | bits(c, 2, 5, 0);
    static const uint8_t f3[] = {0, 4, 6, 7}; /* sub, xor, or, and */

    switch (bits(c, 10, 2, 0)) {
    case 0:
        return (imm & 32) == 0 ? i_type(0x13, 5, rd, rd, imm) : 0;
    case 1:
        return (imm & 32) == 0 ? i_type(0x13, 5, rd, rd, imm | 0x400) : 0;
    case 2:
        return i_type(0x13, 7, rd, rd, sign(imm, 6));
    default:
        if ((c & 0x1000) != 0) {
            return 0;
        }
        return r_type((c & 0x60) == 0 ? 0x20 : 0, f3[(c >> 5) & 3], rd, rd, rs2);
    }
}

static uint32_t quadrant1(uint16_t c) {
    uint32_t rd = bits(c, 7, 5, 0), small = 8 + bits(c, 7, 3, 0);
    uint32_t imm = sign(bits(c, 12, 1, 5) | bits(c, 2, 5, 0), 6);

    switch (c >> 13) {
    case 0:
        return i_type(0x13, 0, rd, rd, imm);
    case 1:
        return jump(c, 1);
    case 2:
        return i_type(0x13, 0, rd, 0, imm);
    case 3:
        if (rd == 2) {
            imm =
                sign(bits(c, 12, 1, 9) | bits(c, 6, 1, 4) | bits(c, 5, 1, 6) | bits(c, 3, 2, 7) | bits(c, 2, 1, 5), 10);
            return imm != 0 ? i_type(0x13, 0, 2, 2, imm) : 0;
        }
        return imm != 0 ? (0x37 | rd << 7 | imm << 12) : 0;
    case 4:
        return arithmetic(c);
    case 5:
        return jump(c, 0);
    default:
        return branch(c, (c >> 13) & 1, small);
    }
}

static uint32_t quadrant2(uint16_t c, bool fp) {
    uint32_t rd = bits(c, 7, 5, 0), rs2 = bits(c, 2, 5, 0);
    uint32_t load = bits(c, 12, 1, 5) | bits(c, 4, 3, 2) | bits(c, 2, 2, 6);
    uint32_t store = bits(c, 9, 4, 2) | bits(c, 7, 2, 6);

    switch (c >> 13) {
    case 0:
        return (c & 0x1000) == 0 ? i_type(0x13, 1, rd, rd, rs2) : 0;
    case 2:
        return rd != 0 ? i_type(0x03, 2, rd, 2, load) : 0;
    case 3:
        return fp ? i_type(0x07, 2, rd, 2, load) : 0;
    case 4:
        if ((c & 0x1000) == 0) {
            if (rs2 == 0) {
                return rd != 0 ? i_type(0x67, 0, 0, rd, 0) : 0; /* c.jr */
            }
            return r_type(0, 0, rd, 0, rs2); /* c.mv */
        }
        if (rs2 == 0) {
            return rd != 0 ? i_type(0x67, 0, 1, rd, 0) : 0x00100073; /* c.jalr, c.ebreak */
        }
        return r_type(0, 0, rd, rd, rs2);
    case 6:
        return s_type(0x23, 2, 2, rs2, store);
    case 7:
        return fp ? s_type(0x27, 2, 2, rs2, store) : 0;
    default:
        return 0;
    }
}

uint32_t ek_expand(uint16_t c, bool floating_point) {
    switch (c & 3) {
    case 0:
        return quadrant0(c, floating_point);
    case 1:
        return quadrant1(c);
    default:
        return quadrant2(c, floating_point);
    }
}
