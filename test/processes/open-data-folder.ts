// Storage over a data folder that no server uses now: for looking at what is on disk, and for spoiling it.

import { openStorage, type Storage } from "../../server/src/storage/open-storage.ts";

export function openDataFolder(dataFolder: string): Promise<Storage> {
  return openStorage({
    clickhouseUrl: undefined,
    clickhouseUser: "",
    clickhousePassword: "",
    database: "gradwatch",
    dataFolder,
    engineMemoryBytesMax: 1024 ** 3,
    onEngineCrash: (reason) => {
      throw new Error(`the engine ended: ${reason}`);
    },
    nowMs: Date.now,
  });
}
