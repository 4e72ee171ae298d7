// A child's ru_maxrss begins with the peak of the process that started it, since the kernel carries the figure over fork
// and exec. Forgetting the supervisor's own peak before each start keeps an old one out of every later figure; what stays
// is what the supervisor uses at that moment.
import { writeFileSync } from "node:fs";

/** proc_pid_clear_refs(5): 5 resets the peak resident set size to its current value. */
const RESET_PEAK = "5";

export function forgetPeakMemory(): void {
  try {
    writeFileSync("/proc/self/clear_refs", RESET_PEAK);
  } catch {
    // A kernel without CONFIG_PROC_PAGE_MONITOR: figures may then be too high, and nothing else is harmed.
  }
}
