// Which run a process belongs to, by what launchers set.

import { expect, test } from "vitest";
import { resolveSettings } from "../src/settings.ts";

const resolve = (variables: Record<string, string>, options: object = {}) => {
  const said: string[] = [];
  const ids = { random: () => "random", shared: (_project: string, id: string) => `shared ${id}` };
  const settings = resolveSettings(options, variables, ids, { warn: (_kind, line) => said.push(line), recovered: () => undefined });
  return { ...settings, said };
};

test.each([
  { name: "nobody", variables: {}, expected: { id: "random", rank: 0, worldSize: 0 } },
  {
    name: "torchrun with a named job",
    variables: { TORCHELASTIC_RUN_ID: "job", RANK: "3", WORLD_SIZE: "8", LOCAL_RANK: "1" },
    expected: { id: "shared job", rank: 3, worldSize: 8, localRank: 1 },
  },
  {
    name: "Slurm",
    variables: { SLURM_JOB_ID: "77", SLURM_PROCID: "2", SLURM_NTASKS: "4", SLURM_LOCALID: "0" },
    expected: { id: "shared 77", rank: 2, worldSize: 4, localRank: 0 },
  },
  {
    name: "torchrun within Slurm: the inner one tells",
    variables: { SLURM_JOB_ID: "77", SLURM_PROCID: "0", TORCHELASTIC_RUN_ID: "job", RANK: "5", WORLD_SIZE: "16" },
    expected: { id: "shared job", rank: 5, worldSize: 16 },
  },
  {
    name: "torchrun with an unnamed job within Slurm",
    variables: { TORCHELASTIC_RUN_ID: "none", SLURM_JOB_ID: "77", RANK: "5" },
    expected: { id: "shared 77", rank: 5 },
  },
  { name: "the user's variable before all", variables: { GRADWATCH_RUN_ID: "mine", SLURM_JOB_ID: "77" }, expected: { id: "shared mine" } },
])("$name", ({ variables, expected }) => {
  expect(resolve(variables)).toMatchObject({ ...expected, said: [] });
});

test("an option wins over every variable", () => {
  expect(resolve({ GRADWATCH_RUN_ID: "mine", RANK: "1" }, { id: "given", rank: 4 })).toMatchObject({ id: "given", rank: 4 });
});

test("ranks that cannot know their run are warned", () => {
  const { id, said } = resolve({ RANK: "1", WORLD_SIZE: "2", TORCHELASTIC_RUN_ID: "none" });
  expect(id).toBe("random");
  expect(said.join("")).toContain("Set GRADWATCH_RUN_ID");
});
