#pragma once

#include "lib/stats/registry.h"

namespace meridian::stats {

// Reports the process's own numbers (CPU, memory, descriptors, threads, start) from /proc/self and getrusage.
void report_process(Scrape& scrape);

}  // namespace meridian::stats
