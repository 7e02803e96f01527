/* Where peripherals lie. To add one: a file with its read and write function, and a line here; a function that is to be
 * called later is scheduled with ek_at, and events reach the controller through ek_itc_raise and ek_itc_soc_event. */
#include "machine.h"

static const device devices[] = {
    {0x10204000, 0x400, DEMUX, false, ek_eu_read, ek_eu_write},
    {0x10204400, 0x400, DEMUX, false, ek_dma_read, ek_dma_write},
    {0x10200000, 0x400, CLUSTER_BUS, false, ek_cluster_ctrl_read, ek_cluster_ctrl_write},
    {0x10200400, 0x28, CLUSTER_BUS, false, ek_cluster_timer_read, ek_cluster_timer_write},
    {0x10200800, 0x400, CLUSTER_BUS, false, ek_eu_debug_read, ek_eu_debug_write},
    {0x10200E00, 0x20, CLUSTER_BUS, false, NULL, ek_eu_trigger},
    {0x10201400, 0x0C, CLUSTER_BUS, false, ek_icache_ctrl_read, ek_icache_ctrl_write},
    {0x10201800, 0x08, CLUSTER_BUS, false, ek_dma_global_read, ek_dma_global_write},
    {0x1A100000, 0x30, SOC_BUS, false, ek_clocks_read, ek_clocks_write},
    {0x1A102000, 0x04, SOC_BUS, false, ek_udma_read, ek_udma_write},
    {0x1A102480, 0x428, SOC_BUS, false, ek_hyper_read, ek_hyper_write},
    {0x1A104000, 0x1000, SOC_BUS, false, ek_soc_ctrl_read, ek_soc_ctrl_write},
    {0x1A108800, 0x0C, SOC_BUS, false, ek_fc_icache_read, ek_fc_icache_write},
    {0x1A109800, 0x28, SOC_BUS, false, ek_itc_read, ek_itc_write},
    {0x1A10B000, 0x28, SOC_BUS, false, ek_fc_timer0_read, ek_fc_timer0_write},
    {0x1A10B800, 0x28, SOC_BUS, false, ek_fc_timer1_read, ek_fc_timer1_write},
    {0x1A10F000, 0x1000, SOC_BUS, true, NULL, ek_stdout_write},
};

const device *ek_device_at(uint32_t address) {
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        if (address - devices[i].base < devices[i].bytes) {
            return &devices[i];
        }
    }
    return NULL;
}
