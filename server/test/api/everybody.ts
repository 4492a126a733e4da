// Access for tests of what routes answer: whoever asks may do everything. Who may do what is tested over a real server.

import type { Access } from "../../src/auth/access.ts";
import { createKeyring } from "../../src/auth/keyring.ts";
import type { Store } from "../../src/storage/store.ts";

export const everybody = (store: Store): { readonly access: Access; readonly behindProxy: boolean; readonly grpcPort: () => number } => ({
  access: {
    authenticate: async () => ({
      key: "everybody",
      standsFor: ["everybody"],
      owner: "everybody",
      scopes: ["admin"],
      projects: ["*"],
      runToken: () => "",
    }),
    watch: () => () => undefined,
    keyring: createKeyring(store, Date.now),
  },
  behindProxy: false,
  grpcPort: () => 7071,
});
