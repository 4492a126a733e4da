// What the training uses of its machine, as series "system/…". Values that the system does not tell are left out.

import { readFileSync } from "node:fs";
import { cpus, freemem, totalmem } from "node:os";
import { type Accelerator, readAccelerators } from "./accelerators.ts";

export interface UsageMeter {
  /** Since the last sample. The machine's own values only where `isWholeMachine`: of several ranks one tells them. */
  sample(isWholeMachine: boolean): Promise<Record<string, number>>;
}

export function createUsageMeter(nowMs: () => number): UsageMeter {
  let lastMs = nowMs();
  let lastProcess = process.cpuUsage();
  let lastCpu = readCpuTimes();
  return {
    async sample(isWholeMachine) {
      const elapsedMs = Math.max(1, nowMs() - lastMs);
      lastMs = nowMs();
      const used = process.cpuUsage(lastProcess);
      lastProcess = process.cpuUsage();
      const values: Record<string, number> = {
        // 100 = one core.
        "system/process_cpu_percent": (used.user + used.system) / elapsedMs / 10,
        "system/process_memory_bytes": process.memoryUsage.rss(),
      };
      if (!isWholeMachine) return values;
      const cpu = readCpuTimes();
      const all = cpu.all - lastCpu.all;
      // Idle counters of a machine may run backwards for a moment.
      if (all > 0) values["system/cpu_percent"] = Math.min(100, Math.max(0, 100 * (1 - (cpu.idle - lastCpu.idle) / all)));
      lastCpu = cpu;
      values["system/memory_percent"] = 100 * (1 - availableMemory() / totalmem());
      return { ...values, ...acceleratorValues(await readAccelerators()) };
    },
  };
}

export function acceleratorValues(accelerators: readonly Accelerator[]): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { index, utilizationPercent, memoryBytes, temperatureCelsius, powerWatts } of accelerators) {
    const put = (name: string, value: number): void => {
      if (!Number.isNaN(value)) values[`system/gpu.${index}.${name}`] = value;
    };
    put("utilization_percent", utilizationPercent);
    put("memory_bytes", memoryBytes);
    put("temperature_celsius", temperatureCelsius);
    put("power_watts", powerWatts);
  }
  return values;
}

interface CpuTimes {
  readonly idle: number;
  readonly all: number;
}

/** Linux: the first line of /proc/stat (proc(5)): user, nice, system, idle, iowait, …; elsewhere a sum over the cores. */
function readCpuTimes(): CpuTimes {
  try {
    const times = (readFileSync("/proc/stat", "utf8").split("\n", 1)[0] as string).split(/\s+/).slice(1, 9).map(Number);
    return { idle: (times[3] ?? 0) + (times[4] ?? 0), all: times.reduce((sum, time) => sum + time, 0) };
  } catch {
    const times = cpus().map(({ times: one }) => one);
    return {
      idle: times.reduce((sum, { idle }) => sum + idle, 0),
      all: times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0),
    };
  }
}

/** Linux: MemAvailable, for free memory alone is what caches have left over. */
function availableMemory(): number {
  try {
    const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
    return kibibytes === undefined ? freemem() : Number(kibibytes) * 1024;
  } catch {
    return freemem();
  }
}
