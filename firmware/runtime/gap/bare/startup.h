/* The program around a network, without an operating system. */
#ifndef EK_STARTUP_H
#define EK_STARTUP_H

#include <stdint.h>

/* Jumped to by the start-up code: on the controller, on a core of the cluster, and where either met an exception. */
_Noreturn void ek_controller(void);
_Noreturn void ek_core(uint32_t core);
_Noreturn void ek_fault(uint32_t hartid, uint32_t cause, uint32_t address);

/* The program; returns the exit code. */
int ek_main(void);

/* To the platform's standard output. */
void ek_print(const char *text);

/* Ends the run. */
_Noreturn void ek_exit(int code);

#endif
