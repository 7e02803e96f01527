/* What an entry of a model that learns answers, besides its outputs. */
#ifndef EK_STATUS_H
#define EK_STATUS_H

#include "class_memory.h"

typedef enum {
    EK_OK = 0,
    EK_NO_SUCH_CLASS = 1, /* the label is below 0: no state has changed */
    EK_MEMORY_FULL = 2,   /* the label is beyond the last class that the memory has room for: no state has changed */
    EK_NEVER_SEEN = 3,    /* forgetting: there was nothing to forget; classifying: no class has ever been learned */
    EK_NOT_SAVED = 4      /* the states have changed, but the copy that outlives power could not be written */
} ek_status;

/* Whether a label means one of the classes. */
EK_INLINE ek_status ek_label_status(const int32_t *label, int32_t classes) {
    return *label < 0 ? EK_NO_SUCH_CLASS : *label >= classes ? EK_MEMORY_FULL : EK_OK;
}

/* Whether the class `label`, which exists, has samples; counters of `bytes` bytes. */
EK_INLINE ek_status ek_class_status(int32_t bytes, const void *seen, const int32_t *label) {
    return ek_counter(bytes, seen, *label) > 0 ? EK_OK : EK_NEVER_SEEN;
}

/* Whether any class has samples. */
EK_INLINE ek_status ek_classes_status(int32_t bytes, const void *seen, int32_t classes) {
    for (int32_t i = 0; i < classes; i++)
        if (ek_counter(bytes, seen, i) > 0)
            return EK_OK;
    return EK_NEVER_SEEN;
}

#endif
