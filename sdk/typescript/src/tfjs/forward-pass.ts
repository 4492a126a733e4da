// What is seen of one run of the loss function: tensors of layers, held (see hold.ts) until
// the step's end. A layer may be called several times in it: because it is shared, and then each place in the graph is a tensor of its own; because
// a batch comes in pieces (`model.predict` cuts it into 32), and then the pieces are one tensor.

import type * as tf from "@tensorflow/tfjs";
import type { TensorKind, TensorMeta } from "../types.ts";
import type { Interval } from "./activation-functions.ts";
import { holdTensor } from "./hold.ts";

/** Kinds of things to look at in a pass. */
export interface PassWants {
  /** Outputs of layers, and what went into their activation functions. */
  readonly activations: boolean;
  /** Which units answer; cheaper, and wanted more often. */
  readonly units: boolean;
  readonly inputs: boolean;
  /** Gradients of recurrent states by time step. */
  readonly states: boolean;
  readonly labels: boolean;
}

export interface SeenIdentity {
  readonly name: string;
  readonly meta: TensorMeta & { readonly kind: TensorKind };
  /** Of the units, if they are worth counting. */
  readonly unitAxis?: number;
  /** Where the activation function behind it is flat. */
  readonly intervals?: readonly Interval[] | undefined;
}

/** `time`: this piece is one time step of the tensor; pieces come in any order. */
export interface PieceIdentity extends SeenIdentity {
  readonly time?: number;
}

export interface SeenTensor extends SeenIdentity {
  /** Along the samples, or by time step; at least one. */
  readonly pieces: readonly tf.Tensor[];
  readonly times?: readonly number[];
}

export interface LabelledOutput {
  readonly labels: tf.Tensor;
  readonly predictions: tf.Tensor;
}

export interface ForwardPass {
  readonly wants: PassWants;
  see(identity: SeenIdentity, tensor: tf.Tensor): void;
  /** The same, of a tensor that is kept already and becomes the pass's to dispose. */
  adopt(identity: PieceIdentity, tensor: tf.Tensor): void;
  /** By index of the model's outputs. */
  seeLabels(output: number, labelled: LabelledOutput): void;
  /** Which of its places in the graph a layer is called at; undefined where this very call was seen: a layer of two outputs is called for each. */
  callOf(layer: object, calls: number, inputs: readonly tf.Tensor[]): number | undefined;
  addSamples(count: number): void;
  readonly samples: () => number;
  readonly tensors: () => readonly SeenTensor[];
  readonly labelled: () => ReadonlyMap<number, readonly LabelledOutput[]>;
  dispose(): void;
}

export function createForwardPass(engine: typeof tf, wants: PassWants): ForwardPass {
  const tensors = new Map<string, SeenTensor & { readonly pieces: tf.Tensor[]; readonly times: number[] }>();
  const labelled = new Map<number, LabelledOutput[]>();
  const callsSeen = new Map<object, Set<string>>();
  const held: tf.Tensor[] = [];
  let samples = 0;
  const hold = (tensor: tf.Tensor): tf.Tensor => {
    const own = holdTensor(engine, tensor);
    held.push(own);
    return own;
  };
  const add = ({ time, ...identity }: PieceIdentity, piece: tf.Tensor): void => {
    const key = `${identity.meta.kind}\0${identity.name}`;
    const seen = tensors.get(key) ?? { ...identity, pieces: [], times: [] };
    tensors.set(key, seen);
    seen.pieces.push(piece);
    if (time !== undefined) seen.times.push(time);
  };
  return {
    wants,
    see: (identity, tensor) => add(identity, hold(tensor)),
    adopt(identity, tensor) {
      held.push(tensor);
      add(identity, tensor);
    },
    seeLabels(output, { labels, predictions }) {
      labelled.set(output, [...(labelled.get(output) ?? []), { labels: hold(labels), predictions: hold(predictions) }]);
    },
    callOf(layer, calls, inputs) {
      const seen = callsSeen.get(layer) ?? new Set();
      callsSeen.set(layer, seen);
      const key = inputs.map(({ id }) => id).join();
      if (seen.has(key)) return undefined;
      seen.add(key);
      return (seen.size - 1) % calls;
    },
    addSamples: (count) => void (samples += count),
    samples: () => samples,
    tensors: () => [...tensors.values()],
    labelled: () => labelled,
    dispose: () => held.splice(0).forEach((tensor) => tensor.dispose()),
  };
}
