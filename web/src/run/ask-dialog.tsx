// A question before something is asked of running processes: fields, a reason, and what went wrong if it did.

import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";

interface AskDialogProps {
  readonly title: string;
  /** The word on the button that does it. */
  readonly confirm: string;
  /** Rejects with an error whose message is shown. */
  readonly ask: (fields: FormData) => Promise<void>;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function AskDialog({ title, confirm, ask, onClose, children }: AskDialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isAsking, setAsking] = useState(false);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setAsking(true);
    setFailure("");
    ask(new FormData(event.currentTarget)).catch((error: unknown) => {
      setFailure(error instanceof Error ? error.message : String(error));
      setAsking(false);
    });
  };
  return (
    <dialog ref={dialog} aria-label={title} onClose={onClose}>
      <form onSubmit={submit}>
        <h2>{title}</h2>
        {children}
        <label>
          Reason
          <input name="reason" type="text" maxLength={500} placeholder="told to the processes" />
        </label>
        {failure === "" ? null : (
          <p className="failure" role="alert">
            {failure}
          </p>
        )}
        <div className="dialog-buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={isAsking}>
            {confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
}
