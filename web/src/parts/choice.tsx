// A labelled choice among a few words.

import type { ReactNode } from "react";

interface ChoiceProps<Option extends string> {
  readonly label: string;
  readonly value: Option;
  readonly options: readonly Option[];
  readonly onChange: (option: Option) => void;
  /** What people read; default: the option itself. */
  readonly titleOf?: (option: Option) => string;
}

export function Choice<Option extends string>({ label, value, options, onChange, titleOf = String }: ChoiceProps<Option>): ReactNode {
  return (
    <label>
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value as Option)}>
        {options.map((option) => (
          <option key={option} value={option}>
            {titleOf(option)}
          </option>
        ))}
      </select>
    </label>
  );
}
