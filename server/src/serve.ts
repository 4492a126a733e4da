// Wires the rooms into one server and keeps the order of starting and stopping: storage first and last, so that what
// was taken is settled before the engine goes.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { AddressInfo } from "node:net";
import { keyFolder, removeKey } from "@gradwatch/proto";
import { createApi } from "./api/app.ts";
import { silenceMsDefault } from "./api/deps.ts";
import { alertNotice } from "./alerts/alert-notice.ts";
import { createIncidentLog } from "./alerts/incident-log.ts";
import { createAccess } from "./auth/access.ts";
import { textOf } from "./auth/api-key.ts";
import { exposureProblem, inAddress, ownAddresses, readTls, type TlsFiles } from "./auth/exposure.ts";
import { createKeyring } from "./auth/keyring.ts";
import { ensureLocalKey } from "./auth/local-key.ts";
import { createSession } from "./auth/session.ts";
import type { Config } from "./config.ts";
import { createCommitter } from "./ingest/committer.ts";
import { createControlRequests } from "./ingest/control-requests.ts";
import { createHeartbeats } from "./ingest/heartbeats.ts";
import { createKnownRuns } from "./ingest/known-run.ts";
import { defaultLimits } from "./ingest/limits.ts";
import { createRunHomes } from "./ingest/run-homes.ts";
import { createIngestServer } from "./ingest/server.ts";
import { createSubscribers } from "./ingest/subscribers.ts";
import { closeHttp, listenHttp } from "./http-listener.ts";
import { createHub } from "./live/hub.ts";
import { createDiskWatch, usedPercent } from "./life/disk-watch.ts";
import { createExpirer } from "./life/expirer.ts";
import { createRemover } from "./life/remover.ts";
import { repeat } from "./life/repeat.ts";
import { createLog } from "./observe/log.ts";
import { createServerMetrics } from "./observe/metrics.ts";
import { createBackups } from "./storage/backups.ts";
import { openStorage, type Storage } from "./storage/open-storage.ts";
import { runKey } from "./storage/keys.ts";
import { recentTombstones } from "./storage/queries/run-identity.ts";
import { createSummarizer } from "./summaries/summarizer.ts";
import { version } from "./version.ts";
import { createWatcher } from "./watch/watcher.ts";

/** The server cannot start: one clear line each. */
export class StartError extends Error {
  override readonly name = "StartError";
}

const insertRowsMax = 1_000_000;
const queueBytesMax = 64 * 1024 * 1024;
const snapshotIntervalMs = 2_000;
const heartbeatFlushMs = 3_000;
/** How far the clocks of two servers may be apart for a deletion to be seen at once. */
const tombstoneMemoryMs = 60_000;
/** At full speed that is well below a gigabyte. */
const diskLookPauseMs = 2_000;
/** Deleted runs: while there is something to remove, and when there is not. */
const removalPauseMs = { busy: 5_000, idle: 300_000, failed: 60_000 };
const expiryPauseMs = { busy: 5_000, idle: 1_800_000, failed: 60_000 };
const liveRingEventsMax = 2_000;
const stopPatienceMs = 20_000;
const summaryPatienceMs = 2_000;
const noSpace = { usedBytes: 0, freeBytes: 0 };

export async function serve(config: Config): Promise<void> {
  const log = createLog(config.logLevel);
  const nowMs = Date.now;
  const problem = exposureProblem(config);
  if (problem !== undefined) throw new StartError(problem);
  const tls = await orStartError(async () => readTls(config));
  const storage = await orStartError(() =>
    openStorage({
      clickhouseUrl: config.clickhouseUrl,
      clickhouseUser: config.clickhouseUser,
      clickhousePassword: config.clickhousePassword,
      database: config.database,
      dataFolder: config.data,
      engineMemoryBytesMax: config.engineMemory * 1024 * 1024,
      onEngineCrash: (reason) => log.error({ reason }, "the embedded engine ended; starting it again"),
      nowMs,
    }),
  );
  try {
    await run(config, tls, storage, log, nowMs);
  } catch (error) {
    await storage.close();
    throw error;
  }
}

async function run(
  config: Config,
  tls: TlsFiles | undefined,
  storage: Storage,
  log: ReturnType<typeof createLog>,
  nowMs: () => number,
): Promise<void> {
  const { store } = storage;
  const metrics = createServerMetrics();
  const hub = createHub({ ringEventsMax: liveRingEventsMax });
  const access = createAccess({ keyring: createKeyring(store, nowMs), nowMs, failuresMax: config.authFailuresMax });
  const runs = createKnownRuns(store);
  const subscribers = createSubscribers();
  const control = createControlRequests({ subscribers, newId: randomUUID, heard: hub.publish });
  const heartbeats = createHeartbeats(store, nowMs);
  const failed = (what: string, error: unknown): void => log.error({ err: error }, `${what} failed`);
  const summarizer = createSummarizer({ store, nowMs, silenceMs: silenceMsDefault, failed });
  let publicUrl = config.publicUrl ?? "";
  const incidents = createIncidentLog({ store, hub, nowMs, publicUrl: () => publicUrl });
  const watcher = createWatcher({
    store,
    nowMs,
    snapshotIntervalMs,
    record: async (run, transitions) => {
      const changed = await incidents.record(run, transitions);
      for (const { rule, state } of changed) metrics.incident(rule, state);
      return changed.map(alertNotice);
    },
    notify: (run, notices) => notices.forEach((value) => subscribers.send(run, { case: "alert", value })),
    failed: (what, error) => log.error({ err: error }, `${what} failed`),
  });
  const committer = createCommitter({
    store,
    nowMs,
    insertRowsMax,
    queueBytesMax,
    committed: (items, seconds) => {
      metrics.committed(
        items.length,
        items.reduce((sum, { batch }) => sum + batch.points, 0),
        seconds,
      );
      watcher.committed(items);
      for (const { run, batch } of items) {
        const stepMax = batch.scalars.reduce((most, { steps }) => steps.reduce((a, b) => Math.max(a, b), most), -1);
        heartbeats.beat(run, batch.body.rank, stepMax < 0 ? undefined : stepMax);
        if (batch.points + batch.tensors.length + batch.console.length + batch.images.length + batch.body.classes.length > 0) {
          hub.publish({ type: "points", project: run.project, run: run.id, stepMax: Math.max(stepMax, 0), points: batch.points });
        }
      }
    },
    retrying: (error, attempt) => {
      metrics.commitRetried();
      log.warn({ attempt, err: error.message }, "storage is away; nothing is lost, trying again");
    },
  });
  const homes = createRunHomes({ store, nowMs, address: config.advertise });
  const { diskWarn: warnPercent, diskStop: stopPercent } = config;
  const disk = createDiskWatch({ read: storage.space, where: storage.description, warnPercent, stopPercent, log });
  metrics.watchGauge(
    "gradwatch_disk_used_ratio",
    "Share of the disk that is in use",
    () => usedPercent(disk.state().space ?? noSpace) / 100,
  );
  metrics.watchGauge("gradwatch_ingest_stopped", "1 while the disk is too full to take data", () => Number(disk.state().state === "full"));
  const openRanks = new Map<bigint, Set<string>>();
  const ingest = createIngestServer({
    store,
    runs,
    access,
    behindProxy: config.behindProxy,
    accessRefused: (reason) => metrics.accessRefused("grpc", reason),
    subscribers,
    committer,
    nowMs,
    limits: defaultLimits,
    server: `gradwatch-server/${version}`,
    homes,
    runUrl: (project, run) => `${publicUrl}/projects/${encodeURIComponent(project)}/runs/${encodeURIComponent(run)}`,
    answered: control.answered,
    noRoom: () => (disk.state().state === "full" ? disk.state().message : undefined),
    heartbeat: (run, rank, step) => heartbeats.beat(run, rank, step),
    rejected: ({ reason, message }) => {
      metrics.rejected(reason);
      log.warn({ reason }, `batch rejected: ${message}`);
    },
    opened: (run, request) => {
      const ranks = openRanks.get(run.key) ?? new Set();
      openRanks.set(run.key, ranks.add(producerOf(request.producer)));
      // The lists know of a run's beginning and end before the news goes out.
      void summarizer.soon(run.key).then(() => hub.publish({ type: "run", project: run.project, run: run.id, state: "running" }));
    },
    closed: async (run, request) => {
      for (const { reason, points } of request.drops) metrics.clientDropped(reason, Number(points));
      // The last steps of the ranks stand before the news goes out.
      heartbeats.beat(run, request.rank, undefined);
      await heartbeats.flush().catch((error: unknown) => log.warn({ err: error }, "heartbeats not stored"));
      const ranks = openRanks.get(run.key);
      ranks?.delete(producerOf(request.producer));
      if (ranks !== undefined && ranks.size > 0) return;
      openRanks.delete(run.key);
      await watcher.closed(run);
      // A training's end does not wait for other runs' long rows.
      await Promise.race([summarizer.soon(run.key), sleep(summaryPatienceMs, undefined, { ref: false })]);
      hub.publish({ type: "run", project: run.project, run: run.id, state: runStateOf(request.outcome) });
    },
    failed: (what, error) => log.error({ err: error }, `${what} failed`),
  });

  let ready = false;
  const boundHosts: string[] = [];
  let grpcPort = 0;
  const api = createApi({
    store,
    access,
    behindProxy: config.behindProxy,
    grpcPort: () => grpcPort,
    hub,
    nowMs,
    metrics,
    publicUrl: () => publicUrl,
    allowedHosts: () => [...boundHosts, ...config.allowedHosts],
    ready: () => ready,
    control,
    backups: createBackups(store, config.database, storage.backupPlace),
    disk: disk.state,
    runChanged: async (ref, state) => {
      const key = runKey(ref.project, ref.run);
      runs.forget(key);
      await summarizer.refresh([key]).catch((error: unknown) => failed("summary of a run", error));
      if (state !== undefined) hub.publish({ type: "run", ...ref, state });
    },
    ruleStatus: async (project, id) => {
      const run = await runs.find(project, id);
      return typeof run === "string" ? undefined : await watcher.status(run);
    },
  });

  grpcPort = await orStartError(() => ingest.listen(config.host, config.grpcPort, tls));
  const http = await orStartError(() => listenHttp(api, config.host, config.httpPort, tls)).catch(async (error: unknown) => {
    await ingest.close();
    throw error;
  });
  const httpPort = (http.address() as AddressInfo).port;
  for (const name of new Set([inAddress(config.host), "localhost", "127.0.0.1", "[::1]"])) boundHosts.push(`${name}:${httpPort}`);
  if (config.publicUrl !== undefined) boundHosts.push(new URL(config.publicUrl).host);
  const page = `${tls === undefined ? "http" : "https"}://${inAddress(config.host)}:${httpPort}`;
  const grpc = `${inAddress(config.host)}:${grpcPort}`;
  if (publicUrl === "") publicUrl = page;
  const beating = setInterval(() => {
    heartbeats.flush().catch((error: unknown) => log.warn({ err: error }, "heartbeats not stored"));
    homes.renew(subscribers.runs()).catch((error: unknown) => log.warn({ err: error }, "leases of runs not renewed"));
    // Runs that another server deleted.
    store
      .read(recentTombstones, { since_ms: nowMs() - tombstoneMemoryMs })
      .then((rows) => rows.forEach(({ run }) => runs.forget(run)))
      .catch((error: unknown) => log.warn({ err: error }, "tombstones not read"));
  }, heartbeatFlushMs);
  const ownKey = { folder: keyFolder(process.env), addresses: ownAddresses(config.host, [httpPort, grpcPort], config.publicUrl) };
  const localKey = await orStartError(() => ensureLocalKey({ ...ownKey, keyring: access.keyring }));
  // Behind "#" it reaches no log and no other server.
  const link = `${publicUrl}/#key=${textOf(await createSession(access.keyring, localKey.id, nowMs()))}`;
  summarizer.start();
  const looking = repeat(
    async () => {
      await disk.look();
      return diskLookPauseMs;
    },
    diskLookPauseMs,
    (error) => log.warn({ err: error }, "the disk's room is not known"),
  );
  const remove = createRemover({ store, nowMs, log, removed: metrics.removed });
  const removing = repeat(
    async () => ((await remove()) > 0 ? removalPauseMs.busy : removalPauseMs.idle),
    removalPauseMs.failed,
    (error) => failed("removing deleted runs", error),
  );
  const expire = createExpirer({ store, nowMs, log, removed: metrics.removed });
  const expiring = repeat(
    async () => ((await expire()) > 0 ? expiryPauseMs.busy : expiryPauseMs.idle),
    expiryPauseMs.failed,
    (error) => failed("removing what is kept no longer", error),
  );
  ready = true;
  // Before anybody hears that it is ready: who then stops it at once finds it listening.
  const stopping = stopSignal();
  if (config.readyJson) {
    process.stdout.write(`${JSON.stringify({ event: "ready", http: page, grpc, page: link, enginePid: storage.enginePid() ?? null })}\n`);
  } else {
    process.stdout.write(
      `Gradwatch ${version}\n  page    ${link}\n  gRPC    ${grpc}\n  data    ${storage.description}\n  key     ${ownKey.folder}\n`,
    );
  }

  await stopping;
  ready = false;
  log.info("stopping: settling what was taken");
  const unfinished = new Set<string>();
  const finish = async (what: string, work: Promise<unknown>): Promise<void> => {
    unfinished.add(what);
    await work;
    unfinished.delete(what);
  };
  setTimeout(() => {
    log.error({ unfinished: [...unfinished] }, `not stopped after ${stopPatienceMs} ms; ending. What was acknowledged is on disk.`);
    process.exit(1);
  }, stopPatienceMs).unref();
  clearInterval(beating);
  // First: whom the streams' end sends elsewhere must not be sent back.
  await homes.release().catch(() => undefined);
  await Promise.all([
    finish("streams", ingest.close()).then(() => finish("requests", closeHttp(http, hub))),
    finish("summaries", summarizer.stop()),
    finish("removals", Promise.all([removing.stop(), expiring.stop(), looking.stop()])),
  ]);
  await finish("detectors", watcher.drained());
  await heartbeats.flush().catch(() => undefined);
  // Of a port that was free by chance, nobody will ask again.
  if (config.httpPort === 0) for (const address of ownKey.addresses) removeKey(ownKey.folder, address);
  await finish("storage", storage.close());
  log.info("stopped");
}

async function orStartError<Result>(start: () => Promise<Result>): Promise<Result> {
  try {
    return await start();
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });

const producerOf = (producer: Uint8Array): string => Buffer.from(producer).toString("hex");

const runStates = ["finished", "finished", "failed", "killed", "preempted"] as const;
/** By the numbers of proto RunOutcome. */
const runStateOf = (outcome: number): (typeof runStates)[number] => runStates[outcome] ?? "finished";
