// Sees what layers compute while a pass is looked at: by wrapping `call` on each layer, and `apply` on its activation function. tfjs runs
// linear, ReLU and ELU inside the product (fused), where there is nothing to see: of these the input is computed once more, of a bounded
// number of samples, without the function. What the layer returns is never touched.

import type * as tf from "@tensorflow/tfjs";
import type { ForwardPass, SeenIdentity } from "./forward-pass.ts";
import { holdTensor } from "./hold.ts";
import { type OrderedLayer } from "./layer-order.ts";
import {
  activationLayer,
  activationName,
  type ActivationFunction,
  type ActivationOwner,
  activationOwners,
  intervalsOf,
  isObserved,
} from "./layer-parts.ts";
import { override, type Override } from "./override.ts";
import type { OwnTime } from "./own-time.ts";
import { VALUES_MAX } from "./sampled.ts";

export interface LayerProbeOptions {
  readonly engine: typeof tf;
  readonly prefix: string;
  /** Layers that make the model's outputs. */
  readonly outputs: ReadonlySet<object>;
  /** The pass that is looked at now. */
  readonly pass: () => ForwardPass | undefined;
  readonly ownTime: OwnTime;
  readonly onError: (error: unknown) => void;
}

type Call = (inputs: tf.Tensor | tf.Tensor[], kwargs: unknown) => tf.Tensor | tf.Tensor[];
interface Callable {
  call: Call;
}

export const listed = <Item>(items: Item | Item[]): Item[] => (Array.isArray(items) ? items : [items]);

/** Undefined: there is nothing to see of this layer. */
export function probeLayer(ordered: OrderedLayer, options: LayerProbeOptions): Override | undefined {
  const { layer, path, topologicalIndex, calls } = ordered;
  const { engine, prefix, onError } = options;
  const isOutput = options.outputs.has(layer);
  if (!isOutput && !isObserved(layer)) return undefined;
  const own = activationLayer(layer);
  const owners = activationOwners(layer);
  const spies = owners.flatMap(({ part, suffix }) => spiesOf(engine, part, suffix));
  const channelsFirst = (layer as { dataFormat?: string }).dataFormat === "channelsFirst";
  const activation = activationName(layer);

  const identity = (call: number, suffix: string, kind: "activation" | "pre-activation" | "output", tensor: tf.Tensor): SeenIdentity => ({
    name: `${prefix}${path}${call === 0 ? "" : `#${call + 1}`}${suffix}`,
    meta: {
      kind,
      layer: `${prefix}${path}`,
      topologicalIndex,
      dtype: tensor.dtype,
      shape: tensor.shape.slice(1),
      activation,
      phase: "train",
    },
    ...(kind === "pre-activation" || tensor.rank < 2 ? {} : { unitAxis: channelsFirst && tensor.rank > 2 ? 1 : tensor.rank - 1 }),
  });

  function see(pass: ForwardPass, inputs: tf.Tensor[], output: tf.Tensor, run: Call, kwargs: unknown): void {
    const call = pass.callOf(layer, calls, inputs);
    if (call === undefined) return;
    pass.see(identity(call, "", isOutput ? "output" : "activation", output), output);
    if (!pass.wants.activations) return;
    if (own !== undefined) {
      const input = inputs[0] as tf.Tensor;
      pass.see({ ...identity(call, "", "pre-activation", input), intervals: own.intervals }, input);
      return;
    }
    for (const { activation: spied, suffix, take } of spies) {
      const applied = take();
      if (applied.length === 0 && FUSED.has(spied.getClassName())) {
        applied.push(withoutActivation(owners[0]?.part as ActivationOwner, () => recompute(engine, run, inputs, output, kwargs)));
      }
      for (const tensor of applied) {
        const seen = identity(call, suffix, "pre-activation", tensor);
        pass.adopt({ ...seen, intervals: intervalsOf(spied), meta: { ...seen.meta, activation: spied.getClassName() } }, tensor);
      }
    }
  }

  const hook = override<"call", Call>(layer as unknown as Callable, "call", (original, isActive) => {
    const run: Call = (inputs, kwargs) => original.call(layer, inputs, kwargs);
    return (inputs, kwargs) => {
      const pass = isActive() ? options.pass() : undefined;
      if (pass === undefined || !(pass.wants.activations || pass.wants.units)) return run(inputs, kwargs);
      for (const spy of spies) spy.begin(pass.wants.activations);
      try {
        const outputs = run(inputs, kwargs);
        try {
          options.ownTime.measure(() => see(pass, listed(inputs), listed(outputs)[0] as tf.Tensor, run, kwargs));
        } catch (error) {
          onError(error);
        }
        return outputs;
      } finally {
        for (const spy of spies) spy.end();
      }
    };
  });
  return hook;
}

/** Activation functions that tfjs fuses with the product before them; of "linear" nothing is asked. */
const FUSED: ReadonlySet<string> = new Set(["relu", "elu"]);

interface Spy {
  readonly activation: ActivationFunction;
  readonly suffix: string;
  begin(listens: boolean): void;
  /** What went into the function since `begin`, now the caller's to dispose. */
  take(): tf.Tensor[];
  /** Disposes what nobody took. */
  end(): void;
}

/** The function is wrapped only while its layer runs: nobody else ever meets the wrapper. */
function spiesOf(engine: typeof tf, owner: ActivationOwner, suffix: string): Spy[] {
  const spy = (activation: ActivationFunction | null | undefined, name: string): Spy[] => {
    if (activation == null || typeof activation.apply !== "function" || activation.getClassName() === "linear") return [];
    const applied: tf.Tensor[] = [];
    let hook: Override | undefined;
    return [
      {
        activation,
        suffix: name,
        begin(listens) {
          if (!listens) return;
          hook = override<"apply", ActivationFunction["apply"]>(activation, "apply", (original) => (x, ...more) => {
            applied.push(holdTensor(engine, x));
            return original.call(activation, x, ...more);
          });
        },
        take: () => applied.splice(0),
        end() {
          hook?.remove();
          hook = undefined;
          for (const tensor of applied.splice(0)) tensor.dispose();
        },
      },
    ];
  };
  return [...spy(owner.activation, suffix), ...spy(owner.recurrentActivation, `${suffix}/gates`)];
}

function withoutActivation<Result>(owner: ActivationOwner, run: () => Result): Result {
  const { activation } = owner;
  owner.activation = { apply: (x) => x, getClassName: () => "linear" };
  try {
    return run();
  } finally {
    owner.activation = activation ?? null;
  }
}

/** The layer on its first samples, once more. */
function recompute(engine: typeof tf, run: Call, inputs: tf.Tensor[], output: tf.Tensor, kwargs: unknown): tf.Tensor {
  const bySample = Math.max(1, output.size / Math.max(1, output.shape[0]));
  const samples = Math.min(output.shape[0], Math.max(1, Math.floor(VALUES_MAX / bySample)));
  return engine.tidy(() => {
    const first = inputs.map((input) => input.slice(0, samples));
    return engine.keep(listed(run(first, kwargs))[0] as tf.Tensor);
  });
}
