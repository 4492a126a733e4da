// What a peer was sent, by name: for tests that look at what a watched training logs.

import {
  type BatchBody,
  type ClassRecord,
  type Image,
  type RunFacts,
  type StepRecord,
  TensorKind,
  type TensorSummary,
} from "@gradwatch/proto";
import { init, type Run } from "../../src/index.ts";
import { bodyOf, type Peer, startPeer } from "../scripted-peer.ts";

export interface LoggedTensor {
  readonly step: number;
  readonly name: string;
  readonly kind: TensorKind;
  readonly activation: string;
  readonly topologicalIndex: number;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly summary: TensorSummary;
}

export interface Logged {
  readonly steps: readonly StepRecord[];
  readonly tensors: readonly LoggedTensor[];
  readonly classes: readonly ClassRecord[];
  readonly images: readonly Image[];
  readonly facts: readonly RunFacts[];
}

export async function peerAndRun(peers: Peer[]): Promise<{ peer: Peer; run: Run }> {
  const peer = await startPeer();
  peers.push(peer);
  return { peer, run: init({ project: "p", id: "r", url: peer.address, verbose: false }) };
}

/** Everything, once the run is finished. */
export function loggedBy({ batches }: Peer): Logged {
  const bodies: BatchBody[] = [...new Map(batches.map((batch) => [batch.seq, batch])).values()].map(bodyOf);
  return {
    steps: bodies.flatMap(({ steps }) => steps),
    classes: bodies.flatMap(({ classes }) => classes),
    images: bodies.flatMap(({ images }) => images),
    facts: bodies.flatMap(({ events }) => events.flatMap(({ event }) => (event.case === "facts" ? [event.value] : []))),
    tensors: bodies.flatMap(({ tensors, tensorRecords }) =>
      tensorRecords.flatMap(({ step, summaries }) =>
        summaries.map((summary) => {
          const info = tensors[summary.tensor];
          if (info === undefined) throw new Error("a summary of no tensor");
          const { name, kind, activation, topologicalIndex, dtype, shape } = info;
          return { step: Number(step), name, kind, activation, topologicalIndex, dtype, shape, summary };
        }),
      ),
    ),
  };
}

export const ofKind = ({ tensors }: Logged, kind: TensorKind, step = 0): LoggedTensor[] =>
  tensors.filter((tensor) => tensor.kind === kind && tensor.step === step);

/** Values by unit. */
export const unitValues = (bytes: Uint8Array<ArrayBuffer>): number[] => [...new Float32Array(Uint8Array.from(bytes).buffer)];
