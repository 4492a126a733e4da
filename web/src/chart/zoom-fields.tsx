// The stretch of steps that charts show, as two numbers; empty fields mean everything.

import { type FormEvent, type ReactNode, useId } from "react";
import type { StepRange } from "../api/queries.ts";

interface ZoomFieldsProps {
  readonly range: StepRange | undefined;
  readonly onChange: (range: StepRange | undefined) => void;
}

export function ZoomFields({ range, onChange }: ZoomFieldsProps): ReactNode {
  const id = useId();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const [from, to] = [fields.get("from"), fields.get("to")];
    if (from === "" && to === "") onChange(undefined);
    else onChange({ from: from === "" ? 0 : Number(from), to: to === "" ? Number.MAX_SAFE_INTEGER : Number(to) });
  };
  return (
    // The key makes the fields follow a zoom by mouse.
    <form className="zoom" onSubmit={submit} key={`${range?.from} ${range?.to}`}>
      <label htmlFor={`${id}-from`}>Steps</label>
      <input id={`${id}-from`} name="from" type="number" min={0} step={1} placeholder="first" defaultValue={range?.from ?? ""} />
      <label htmlFor={`${id}-to`}>to</label>
      <input
        id={`${id}-to`}
        name="to"
        type="number"
        min={0}
        step={1}
        placeholder="last"
        defaultValue={range === undefined || range.to === Number.MAX_SAFE_INTEGER ? "" : range.to}
      />
      <button type="submit">Zoom</button>
      <button type="button" disabled={range === undefined} onClick={() => onChange(undefined)}>
        Show all
      </button>
    </form>
  );
}
