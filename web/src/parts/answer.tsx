// What stands where an answer of the API is not there yet, or failed: never an empty place without a word.

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

interface AnswerProps<Data> {
  readonly query: UseQueryResult<Data>;
  /** What is being read, as in "Reading the runs …". */
  readonly what: string;
  readonly children: (data: Data) => ReactNode;
}

export function Answer<Data>({ query, what, children }: AnswerProps<Data>): ReactNode {
  // Old data beats an error about newer data; the live state tells that the connection is lost.
  if (query.data !== undefined) return children(query.data);
  if (query.error !== null) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return <Loading what={what} />;
}

export function Loading({ what }: { readonly what: string }): ReactNode {
  return (
    <p className="muted loading" role="status">
      Reading {what} …
    </p>
  );
}

export function Failure({ error, retry }: { readonly error: Error; readonly retry?: () => void }): ReactNode {
  return (
    <div className="failure" role="alert">
      <p>{error.message}</p>
      {retry === undefined ? null : (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
