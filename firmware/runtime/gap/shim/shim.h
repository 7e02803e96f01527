/* What the parts of the shim share. */
#ifndef EK_SHIM_H
#define EK_SHIM_H

/* Ends the program: the application does what the chip does not allow. */
_Noreturn void shim_fail(const char *what);

/* Calls that only the controller may make, and those for the cluster's cores. */
void shim_on_controller(const char *call);
void shim_on_cluster(const char *call);

/* Whether transfers happen when they are started instead of when they are waited for (environment EK_DMA=eager). A
 * program without races gives the same bytes both ways: lazy shows a forgotten wait, eager a buffer that is still in
 * use. */
int shim_eager(void);

#endif
