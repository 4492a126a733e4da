// Shows the page to whoever has a key, and asks for one otherwise; also when the key ends while the page is open.

import { type FormEvent, type ReactNode, useEffect, useId, useState } from "react";
import { signedOut } from "../api/client.ts";
import { Loading } from "../parts/answer.tsx";
import { enter, type Entry, signIn } from "./entry.ts";

/** Once for the page, however often its parts are mounted. */
const entering = enter();

export function Gate({ children }: { readonly children: ReactNode }): ReactNode {
  const [entry, setEntry] = useState<Entry>();
  useEffect(() => {
    let isGone = false;
    void entering.then((found) => (isGone ? undefined : setEntry((before) => before ?? found)));
    const leave = (): void => setEntry({ refused: "" });
    signedOut.addEventListener("signed-out", leave);
    return () => {
      isGone = true;
      signedOut.removeEventListener("signed-out", leave);
    };
  }, []);
  if (entry === undefined) return <Loading what="who you are" />;
  return entry === "in" ? children : <SignIn refused={entry.refused} entered={setEntry} />;
}

function SignIn({ refused, entered }: { readonly refused: string; readonly entered: (entry: Entry) => void }): ReactNode {
  const id = useId();
  const [key, setKey] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void signIn(key).then(entered);
  };
  return (
    <main className="sign-in">
      <h1>Gradwatch</h1>
      <p>Open the address that the server printed when it started, or give an API key with the scope read.</p>
      <form onSubmit={submit}>
        <label htmlFor={id}>API key</label>{" "}
        <input id={id} type="password" autoComplete="current-password" value={key} onChange={({ target }) => setKey(target.value)} />{" "}
        <button type="submit" disabled={key === ""}>
          Sign in
        </button>
      </form>
      {refused === "" ? null : (
        <p className="failure" role="alert">
          {refused}
        </p>
      )}
    </main>
  );
}
