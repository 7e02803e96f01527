/* The memory outside the chip: the model's L3 image, copied from flash to RAM at start-up. */
#ifndef EK_PMSIS_RAM_H
#define EK_PMSIS_RAM_H

/* Fills the RAM from the file l3.bin of the read-only file system. Returns 0, or 1 where a device or the file is
 * missing. Called once by the controller. */
int ek_ram_start(void);

#endif
