// Who asks: the key behind a request, and what it was given. Nothing here decides; authorize.ts does.

/** What a key may be for. `admin` includes the others. */
export const scopes = ["ingest", "read", "write", "control", "admin"] as const;
export type Scope = (typeof scopes)[number];

/** Names of projects; "*" among them means every one. */
export type Tenant = readonly string[];

export interface Principal {
  /** Id of the key; public. */
  readonly key: string;
  /** The keys that it replaces, itself first: what they opened is its own. */
  readonly standsFor: readonly string[];
  readonly owner: string;
  readonly scopes: readonly Scope[];
  readonly projects: Tenant;
  /** Lets another key write to a run: the same text every time, only its hash is stored. */
  readonly runToken: (project: string, run: string) => string;
}
