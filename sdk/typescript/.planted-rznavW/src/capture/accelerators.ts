// NVIDIA's GPUs as nvidia-smi tells them. A machine without it is asked once.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

export interface Accelerator {
  readonly index: number;
  readonly name: string;
  /** Share of time in which a kernel ran, 0 to 100; NaN where the driver does not say, as all below. */
  readonly utilizationPercent: number;
  readonly memoryBytes: number;
  readonly temperatureCelsius: number;
  readonly powerWatts: number;
}

const execute = promisify(execFile);
const FIELDS = "index,name,utilization.gpu,memory.used,temperature.gpu,power.draw";
const TIMEOUT_MS = 5_000;
let isMissing = false;

const PROGRAM = "nvidia-smi";

/** @param command Another program in its place, for tests. */
export async function readAccelerators(command: string = PROGRAM): Promise<Accelerator[]> {
  if (isMissing && command === PROGRAM) return [];
  try {
    const { stdout } = await execute(command, [`--query-gpu=${FIELDS}`, "--format=csv,noheader,nounits"], {
      timeout: TIMEOUT_MS,
      windowsHide: true,
    });
    return parseAccelerators(stdout);
  } catch (error) {
    isMissing ||= (error as NodeJS.ErrnoException).code === "ENOENT" && command === PROGRAM;
    return [];
  }
}

/** One line a GPU; memory is told in MiB. */
export function parseAccelerators(csv: string): Accelerator[] {
  return csv
    .split("\n")
    .map((line) => line.split(",").map((cell) => cell.trim()))
    .filter((cells) => cells.length === 6 && /^\d+$/.test(cells[0] as string))
    .map(([index, name, utilization, memory, temperature, power]) => ({
      index: Number(index),
      name: name as string,
      utilizationPercent: number(utilization),
      memoryBytes: number(memory) * 1024 * 1024,
      temperatureCelsius: number(temperature),
      powerWatts: number(power),
    }));
}

/** "[N/A]" and "[Not Supported]" are no numbers. */
const number = (cell: string | undefined): number => (cell === undefined || cell === "" ? Number.NaN : Number(cell));
