// Sees how much gradient reaches each time step of a recurrent layer: vanishing through time does not show between layers. Every step's new
// state passes through an identity whose gradient function looks at what comes by, so that values and gradients stay the same bit for bit.

import type * as tf from "@tensorflow/tfjs";
import type { ForwardPass } from "./forward-pass.ts";
import type { OrderedLayer } from "./layer-order.ts";
import { type Cell, cellsOf, nameOfFunction } from "./layer-parts.ts";
import { override, type Override } from "./override.ts";
import type { OwnTime } from "./own-time.ts";
import { VALUES_MAX } from "./sampled.ts";

export interface RecurrentProbeOptions {
  readonly engine: typeof tf;
  readonly prefix: string;
  readonly pass: () => ForwardPass | undefined;
  readonly ownTime: OwnTime;
  readonly onError: (error: unknown) => void;
}

/** One override a cell; none for layers that are not recurrent. */
export function probeCells({ layer, path, topologicalIndex }: OrderedLayer, options: RecurrentProbeOptions): Override[] {
  const { engine, prefix, onError } = options;
  return cellsOf(layer).map(({ part: cell, suffix }) => {
    /** Of the pass that is looked at: a shared layer, or a batch in pieces, begins anew and is told apart by time alone. */
    let timed: { readonly pass: ForwardPass; steps: number } | undefined;

    /** Backwards through time; `time` counts from the layer's first step. */
    function seeGradient(pass: ForwardPass, time: number, steps: number, gradient: tf.Tensor): void {
      const samples = Math.max(1, Math.floor(VALUES_MAX / ((steps * gradient.size) / gradient.shape[0])));
      const first = gradient.slice(0, Math.min(samples, gradient.shape[0]));
      pass.adopt(
        {
          name: `${prefix}${path}${suffix}`,
          meta: {
            kind: "state-gradient",
            layer: `${prefix}${path}`,
            topologicalIndex,
            dtype: gradient.dtype,
            shape: [steps, ...gradient.shape.slice(1)],
            activation: nameOfFunction(cell.activation) ?? "",
            phase: "train",
          },
          time,
        },
        engine.keep(first),
      );
    }

    return override<"call", Cell["call"]>(cell, "call", (original, isActive) => (inputs, kwargs) => {
      const outputs = original.call(cell, inputs, kwargs);
      const pass = isActive() ? options.pass() : undefined;
      if (pass === undefined || !pass.wants.states) return outputs;
      try {
        if (timed?.pass !== pass) timed = { pass, steps: 0 };
        const clock = timed;
        const time = clock.steps++;
        const state = outputs[0] as tf.Tensor;
        const tap = engine.customGrad((x) => {
          const passOn = (gradient: tf.Tensor): tf.Tensor => {
            try {
              options.ownTime.measure(() => seeGradient(pass, time, clock.steps, gradient));
            } catch (error) {
              onError(error);
            }
            return gradient.clone();
          };
          return { value: (x as tf.Tensor).clone(), gradFunc: passOn };
        });
        const tapped = tap(state);
        // Output and state are one tensor, and must stay one: their gradients meet in it.
        return outputs.map((output) => (output === state ? tapped : output));
      } catch (error) {
        onError(error);
        return outputs;
      }
    });
  });
}
