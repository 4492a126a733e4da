// The filter of the runs table. Its text is the address's: it takes effect on Enter or when the box is left. An answer
// that says where the text is wrong is shown under that very character.

import { type ReactNode, useId, useState } from "react";
import { ApiError } from "../api/client.ts";
import { setSearchParameter } from "../router.tsx";

interface FilterBoxProps {
  /** As in the address. */
  readonly filter: string;
  readonly error: Error | null;
}

export function FilterBox({ filter, error }: FilterBoxProps): ReactNode {
  const [text, setText] = useState(filter);
  const [shown, setShown] = useState(filter);
  const errorId = useId();
  // Back and forward change the address under the box.
  if (shown !== filter) {
    setShown(filter);
    setText(filter);
  }
  const apply = (): void => setSearchParameter("filter", text.trim());
  const fault = error instanceof ApiError ? error.fault : undefined;
  const isWrong = fault?.path === "filter";
  return (
    <form
      className="filter-box"
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <label>
        <span>Filter</span>
        <input
          type="text"
          spellCheck={false}
          autoComplete="off"
          placeholder='config.lr < 0.01 and summary."val/acc".max > 0.9 and created > now-7d'
          value={text}
          aria-invalid={isWrong}
          aria-describedby={isWrong ? errorId : undefined}
          onChange={(event) => setText(event.target.value)}
          onBlur={apply}
        />
      </label>
      {isWrong ? (
        <pre id={errorId} className="failure" role="alert" data-testid="filter-error" data-column={fault.column}>
          {filter}
          {"\n"}
          {" ".repeat(Math.max(0, (fault.column ?? 1) - 1))}↑{"\n"}
          {fault.message}
        </pre>
      ) : null}
    </form>
  );
}
