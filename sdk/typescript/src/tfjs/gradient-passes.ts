// Hears of every computation of gradients, whoever asks for it: `model.fit`, `optimizer.minimize`, `tf.variableGrads`. All of them
// come to one method of tfjs's engine, so that is where it listens. A pass is the forward run of the loss function and
// the backward run behind it; passes nest where gradients of gradients are wanted.

import type * as tf from "@tensorflow/tfjs";
import { override, type Override } from "./override.ts";

/** As the engine gives them: `value` is the loss, `grads` go with `xs`, undefined where nothing leads from one to the other. */
export interface PassResult {
  readonly value: tf.Tensor;
  readonly grads: readonly (tf.Tensor | null | undefined)[];
}

export interface PassListener {
  /** Gradients with respect to `xs` are about to be computed. True: this listener wants to hear the end of it, too. */
  begin(xs: readonly tf.Tensor[]): boolean;
  /** Undefined: the loss function or the backward run threw. */
  end(xs: readonly tf.Tensor[], result: PassResult | undefined): void;
}

type Gradients = (f: () => tf.Tensor, xs: tf.Tensor[], dy?: tf.Tensor, allowNoGradients?: boolean) => PassResult;
interface EngineLike {
  gradients: Gradients;
}

interface Listening {
  readonly listeners: Set<PassListener>;
  readonly hook: Override;
}

const engines = new WeakMap<EngineLike, Listening>();

/** Returns a function that stops it. Listeners must not throw. */
export function onGradientPass(tfjs: typeof tf, listener: PassListener): () => void {
  // Two copies of tfjs share one engine.
  const engine = tfjs.engine() as unknown as EngineLike;
  const listening = engines.get(engine) ?? listen(engine);
  listening.listeners.add(listener);
  return () => {
    if (!listening.listeners.delete(listener) || listening.listeners.size > 0) return;
    listening.hook.remove();
    engines.delete(engine);
  };
}

function listen(engine: EngineLike): Listening {
  const listeners = new Set<PassListener>();
  const hook = override<"gradients", Gradients>(engine, "gradients", (original) => (...args) => {
    const [, xs] = args;
    const interested = [...listeners].filter((listener) => listener.begin(xs));
    let result: PassResult | undefined;
    try {
      result = original.apply(engine, args);
      return result;
    } finally {
      for (const listener of interested) listener.end(xs, result);
    }
  });
  const listening = { listeners, hook };
  engines.set(engine, listening);
  return listening;
}
