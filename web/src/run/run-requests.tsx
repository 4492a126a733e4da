// What can be asked of a run that trains: to record every step for a while, and to stop. The processes answer; what they
// say is shown as it comes.

import type { Asked } from "@gradwatch/server/api-types";
import { type ReactNode, useState } from "react";
import { postJson } from "../api/client.ts";
import { type ControlAnswer, useLive } from "../live/live.tsx";
import { type RunRef, runHref } from "../routes.ts";
import { AskDialog } from "./ask-dialog.tsx";

const KINDS = ["gradients", "weights", "updates", "activations", "inputs"] as const;
const STEPS_DEFAULT = 200;
const STEPS_MAX = 10_000;

type Action = ControlAnswer["action"];
const DOING: Readonly<Record<Action, string>> = { "flight-recorder": "to record every step", stop: "to stop" };

interface RunRequestsProps {
  readonly of: RunRef;
  /** What was asked and answered stays to be read when the run has ended. */
  readonly isRunning: boolean;
}

export function RunRequests({ of: ref, isRunning }: RunRequestsProps): ReactNode {
  const [open, setOpen] = useState<Action | undefined>(undefined);
  const [asked, setAsked] = useState<(Asked & { readonly action: Action }) | undefined>(undefined);
  const ask = async (action: Action, body: unknown): Promise<void> => {
    setAsked({ ...(await postJson<Asked>(`${runHref(ref)}/${action}`, body)), action });
    setOpen(undefined);
  };
  const close = (): void => setOpen(undefined);
  if (!isRunning && asked === undefined) return null;
  return (
    <div className="run-requests">
      {isRunning ? (
        <>
          <button type="button" onClick={() => setOpen("flight-recorder")}>
            Record every step …
          </button>
          <button type="button" onClick={() => setOpen("stop")}>
            Ask to stop …
          </button>
        </>
      ) : null}
      <p role="status" data-testid="asked">
        {asked === undefined ? "" : <Answers asked={asked} />}
      </p>
      {open === "flight-recorder" ? (
        <AskDialog
          title="Record every step"
          confirm="Record"
          onClose={close}
          ask={(fields) =>
            ask("flight-recorder", { steps: Number(fields.get("steps")), kinds: fields.getAll("kinds"), reason: fields.get("reason") })
          }
        >
          <p>Every process that can logs each of the next steps in full. It costs training time while it lasts.</p>
          <label>
            Steps
            <input name="steps" type="number" required min={1} max={STEPS_MAX} step={1} defaultValue={STEPS_DEFAULT} />
          </label>
          <fieldset>
            <legend>What</legend>
            {KINDS.map((kind) => (
              <label key={kind}>
                <input type="checkbox" name="kinds" value={kind} defaultChecked /> {kind}
              </label>
            ))}
          </fieldset>
        </AskDialog>
      ) : null}
      {open === "stop" ? (
        <AskDialog
          title="Ask to stop"
          confirm="Ask to stop"
          onClose={close}
          ask={(fields) => ask("stop", { reason: fields.get("reason") })}
        >
          <p>run.shouldStop() becomes true in every process. The training loop decides when it ends; there is no way to take it back.</p>
        </AskDialog>
      ) : null}
    </div>
  );
}

function Answers({ asked: { request, processes, action } }: { readonly asked: Asked & { readonly action: Action } }): ReactNode {
  const answers = useLive().answers.filter((answer) => answer.request === request);
  const waiting = processes - answers.length;
  return (
    <>
      Asked {processes === 1 ? "1 process" : `${processes} processes`} {DOING[action]}.
      {answers.map(({ outcome, message }, i) => (
        // oxlint-disable-next-line react/no-array-index-key -- answers are only ever appended
        <span key={i} className={outcome === "done" ? "answer done" : "answer"}>
          {" "}
          {outcome}: {message === "" ? "no words" : message}.
        </span>
      ))}
      {waiting > 0 ? ` ${waiting === 1 ? "1 answer has" : `${waiting} answers have`} not come yet.` : ""}
    </>
  );
}
