// What the machine tells of itself, by real samples; and nvidia-smi's words, recorded from its documentation's formats.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAccelerators, readAccelerators } from "../../src/capture/accelerators.ts";
import { acceleratorValues, createUsageMeter } from "../../src/capture/usage.ts";

test("a busy process shows a busy processor", async () => {
  const meter = createUsageMeter(Date.now);
  const end = performance.now() + 300;
  while (performance.now() < end);
  const values = await meter.sample(true);
  expect(values["system/process_cpu_percent"]).toBeGreaterThan(10);
  expect(values["system/process_memory_bytes"]).toBeGreaterThan(2 ** 20);
  expect(values["system/cpu_percent"]).toBeGreaterThan(0);
  expect(values["system/cpu_percent"]).toBeLessThanOrEqual(100);
  expect(values["system/memory_percent"]).toBeGreaterThan(0);
});

test("of several ranks on a machine one tells what all share", async () => {
  expect(Object.keys(await createUsageMeter(Date.now).sample(false))).toEqual([
    "system/process_cpu_percent",
    "system/process_memory_bytes",
  ]);
});

test("what the driver does not say is left out", () => {
  const accelerators = parseAccelerators(
    "0, NVIDIA H200, 97, 81234, 61, 512.34\n1, NVIDIA T4, [N/A], 100, [Not Supported], [N/A]\ngarbage\n",
  );
  expect(accelerators.map(({ name }) => name)).toEqual(["NVIDIA H200", "NVIDIA T4"]);
  expect(acceleratorValues(accelerators)).toEqual({
    "system/gpu.0.utilization_percent": 97,
    "system/gpu.0.memory_bytes": 81234 * 2 ** 20,
    "system/gpu.0.temperature_celsius": 61,
    "system/gpu.0.power_watts": 512.34,
    "system/gpu.1.memory_bytes": 100 * 2 ** 20,
  });
});

test("the program is asked, and may fail", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gradwatch-smi-"));
  const program = join(folder, "smi");
  writeFileSync(program, '#!/bin/sh\ncase "$1" in --query-gpu=*) echo "0, A, 1, 2, 3, 4";; *) exit 3;; esac\n');
  chmodSync(program, 0o755);
  expect(await readAccelerators(program)).toMatchObject([{ name: "A", utilizationPercent: 1 }]);
  expect(await readAccelerators(join(folder, "nothing"))).toEqual([]);
  rmSync(folder, { recursive: true });
});
