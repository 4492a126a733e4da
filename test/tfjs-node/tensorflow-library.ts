// TensorFlow's C headers and shared libraries, out of the wheel that Python's package index has. The wheel is pinned by version and
// SHA-256, which pip checks. What is unpacked stays in the user's cache folder: it survives `npm ci`, and all checkouts share it.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import envPaths from "env-paths";
import { BuildError, say } from "./progress.ts";

interface Wheel {
  readonly requirement: string;
  readonly platform: string;
  readonly sha256: string;
  readonly megabytes: number;
}

/** The wheels for Python 3.11; the libraries in them do not depend on it. tensorflow-cpu has none for arm64, and tensorflow none without CUDA for x64. */
const WHEELS: Readonly<Record<string, Wheel>> = {
  "linux-x64": {
    requirement: "tensorflow-cpu==2.21.0",
    platform: "manylinux_2_27_x86_64",
    sha256: "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
    megabytes: 274,
  },
  "linux-arm64": {
    requirement: "tensorflow==2.21.0",
    platform: "manylinux_2_27_aarch64",
    sha256: "4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c",
    megabytes: 282,
  },
};

/** What of a wheel of 1.2 GB is unpacked: the C API's headers, those that they include, and two libraries of 850 MB. */
const WANTED = [
  "tensorflow/include/tensorflow/c/",
  "tensorflow/include/tensorflow/core/platform/ctstring",
  "tensorflow/include/tsl/platform/ctstring",
  "tensorflow/include/xla/tsl/c/",
  "tensorflow/libtensorflow_cc.so.2",
  "tensorflow/libtensorflow_framework.so.2",
];

const UNPACK = `
import sys, zipfile
archive, folder, *wanted = sys.argv[1:]
with zipfile.ZipFile(archive) as wheel:
    wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith(tuple(wanted))])
`;

/** The folder that holds `include` and the libraries. */
export function tensorflowLibrary(): string {
  const wheel = WHEELS[`${process.platform}-${process.arch}`];
  if (wheel === undefined) {
    throw new BuildError(`there is no wheel with TensorFlow's libraries for ${process.platform} ${process.arch}`, [
      `Wheels are pinned for ${Object.keys(WHEELS).join(" and ")}. Elsewhere only the package's own download helps, which failed above.`,
    ]);
  }
  const cache = envPaths("gradwatch", { suffix: "" }).cache;
  const folder = join(cache, `${wheel.requirement.replace("==", "-")}-${wheel.sha256.slice(0, 12)}`);
  if (existsSync(folder)) say(`TensorFlow's libraries are in ${folder}`);
  else fetchInto(folder, cache, wheel);
  return join(folder, "tensorflow");
}

/** Complete or not there: the folder gets its name last. */
function fetchInto(folder: string, cache: string, wheel: Wheel): void {
  if (spawnSync("python3", ["-m", "pip", "--version"]).status !== 0) {
    throw new BuildError(`python3 with pip is missing; it downloads TensorFlow's libraries (${wheel.requirement})`, [
      "Install both. Debian and Ubuntu: apt-get install python3-pip",
    ]);
  }
  mkdirSync(cache, { recursive: true });
  const partial = mkdtempSync(join(cache, "partial-"));
  try {
    say(`downloading ${wheel.requirement} with pip (${wheel.megabytes} MB, once a machine)`);
    download(wheel, partial);
    const archive = readdirSync(partial).find((name) => name.endsWith(".whl"));
    say("unpacking");
    const { status } = spawnSync("python3", ["-c", UNPACK, join(partial, archive ?? ""), join(partial, "unpacked"), ...WANTED], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (status !== 0)
      throw new BuildError(`the wheel cannot be unpacked into ${cache}`, ["The folder needs 1.2 GB. XDG_CACHE_HOME moves it."]);
    // Another checkout may have come first, with the same.
    if (!existsSync(folder)) renameSync(join(partial, "unpacked"), folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function download({ requirement, platform, sha256 }: Wheel, into: string): void {
  const requirements = join(into, "requirements.txt");
  writeFileSync(requirements, `${requirement} --hash=sha256:${sha256}\n`);
  const given = ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--implementation=cp", "--python-version=3.11"];
  // What pip would cache is kept unpacked.
  const { status } = spawnSync(
    "python3",
    [...given, `--platform=${platform}`, "--no-cache-dir", `--dest=${into}`, "--require-hashes", `--requirement=${requirements}`],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  if (status !== 0) {
    throw new BuildError(`pip could not download ${requirement}; it says why above`, [
      "Its index and proxy are those of `python3 -m pip config list`.",
    ]);
  }
}
