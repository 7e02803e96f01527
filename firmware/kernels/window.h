/* Geometry of a sliding window over a channels-last tensor; a 1-D tensor (C, L) is H = 1, W = L. */
#ifndef EK_WINDOW_H
#define EK_WINDOW_H

#include "base.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left;
} ek_window;

/* First and one past the last tap that fall inside an input of `size`, for a window that starts at `start`. */
EK_INLINE int32_t ek_first_tap(int32_t start, int32_t dilation, int32_t taps) {
    return start >= 0 ? 0 : ek_min(taps, ek_ceil_div(-start, dilation));
}

EK_INLINE int32_t ek_last_tap(int32_t start, int32_t dilation, int32_t taps, int32_t size) {
    return ek_max(0, ek_min(taps, ek_ceil_div(size - start, dilation)));
}

#endif
