// `npm run tfjs-node`: sees to it that @tensorflow/tfjs-node has its native binding and that it works. In this order: it does
// already; the package's own download; a build from the package's sources against TensorFlow's libraries from Python's package
// index. Run again, it does nothing.

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import color from "picocolors";
import { BuildError, say } from "./progress.ts";
import { tensorflowLibrary } from "./tensorflow-library.ts";

const require = createRequire(import.meta.url);

/** What tfjs-node's loader looks for on every Node since 12.22: the highest N-API version that the package names. */
const NAPI_VERSION = 8;
/** The download answers at once or not at all. */
const DOWNLOAD_TIMEOUT_MS = 300_000;

/** In a process of its own: a binding that does not fit may take its process with it. One operation, for loading is not yet working. */
const TRY_IT = `
const tf = require("@tensorflow/tfjs-node");
if (tf.scalar(20).add(22).dataSync()[0] !== 42) throw new Error("TensorFlow cannot add");
console.log("TensorFlow " + tf.backend().binding.TF_Version);`;

/** What it said: TensorFlow's version, or the error. */
function tryIt(): { works: boolean; said: string } {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ["-e", TRY_IT], {
    cwd: import.meta.dirname,
    encoding: "utf8",
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" },
  });
  return status === 0
    ? { works: true, said: stdout.trim() }
    : { works: false, said: errorIn(stderr) ?? `it ended with ${signal ?? status}` };
}

const errorIn = (stderr: string): string | undefined => stderr.split("\n").find((line) => /^\w*Error\b/.test(line));

function packageFolder(): string {
  try {
    return dirname(require.resolve("@tensorflow/tfjs-node/package.json"));
  } catch {
    throw new BuildError("the package @tensorflow/tfjs-node is not installed", [
      "It is an optional dependency: npm leaves it out with --omit=optional, or where its install script ran and failed.",
      "Run `npm ci` in this workspace, whose .npmrc switches install scripts off.",
    ]);
  }
}

/** The package's install script, with its own settings (TFJS_NODE_CDN_STORAGE for a mirror). */
function downloadIt(folder: string): void {
  say("trying the package's own download");
  const { status, stderr, error } = spawnSync(process.execPath, ["scripts/install.js"], {
    cwd: folder,
    encoding: "utf8",
    timeout: DOWNLOAD_TIMEOUT_MS,
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (status !== 0) say(`it failed, so it is built here: ${error?.message ?? errorIn(stderr) ?? `exit code ${status}`}`);
}

function buildIt(folder: string): void {
  const compiler = process.env["CXX"] ?? "g++";
  if (spawnSync(compiler, ["--version"]).status !== 0) {
    throw new BuildError(`the C++ compiler ${compiler} is missing; it builds the binding`, [
      "Install it, or name another one in CXX. Debian and Ubuntu: apt-get install g++",
    ]);
  }
  const tensorflow = tensorflowLibrary();
  const target = join(folder, `lib/napi-v${NAPI_VERSION}/tfjs_binding.node`);
  mkdirSync(dirname(target), { recursive: true });
  const sources = readdirSync(join(folder, "binding"))
    .filter((name) => name.endsWith(".cc"))
    .map((name) => join(folder, "binding", name));
  say("compiling (a quarter of a minute)");
  const given = ["-std=c++17", "-O2", "-shared", "-fPIC", `-DNAPI_VERSION=${NAPI_VERSION}`, "-o", target];
  const headers = [join(dirname(require.resolve("node-api-headers/package.json")), "include"), join(tensorflow, "include")];
  // The libraries stay where they are; the binding knows the way.
  const libraries = [
    "-L",
    tensorflow,
    "-l:libtensorflow_cc.so.2",
    "-l:libtensorflow_framework.so.2",
    "-Xlinker",
    "-rpath",
    "-Xlinker",
    tensorflow,
  ];
  const { status } = spawnSync(compiler, [...given, ...headers.map((path) => `-I${path}`), ...sources, ...libraries], { stdio: "inherit" });
  if (status !== 0) throw new BuildError(`${compiler} could not compile the binding; it says why above`, ["It must know C++17: g++ ≥ 8."]);
}

function makeItWork(): string {
  const folder = packageFolder();
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  if (Number(process.versions.node.split(".")[0]) >= 23) {
    throw new BuildError(`tfjs-node ${version} calls functions that Node ≥ 23 does not have; this is ${process.version}`, [
      "Use Node 20 or 22. `npm run tfjs-node` takes the workspace's own Node 22 where there is one for this platform.",
    ]);
  }
  let result = tryIt();
  if (result.works) return `${version} works already (${result.said})`;
  for (const step of [downloadIt, buildIt]) {
    step(folder);
    result = tryIt();
    if (result.works) return `${version} works (${result.said})`;
  }
  throw new BuildError(`the binding was built and does not work: ${result.said}`, [
    `Delete ${join(folder, "lib")} and, if that does not help, the cache folder above; then run this again.`,
  ]);
}

try {
  say(color.green(makeItWork()));
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`${color.red(`tfjs-node: ${error.message}.`)}\n${error.advice.join("\n")}`);
  process.exitCode = 1;
}
