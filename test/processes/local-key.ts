// The key that a server wrote for its own user, as any program of this user finds it.

import { InterceptingCall, type Interceptor } from "@grpc/grpc-js";
import { keyFolder, readKey } from "@gradwatch/proto";

/** @param address host:port @throws Error when there is none */
export function localKey(address: string): string {
  const key = readKey(keyFolder(process.env), address);
  if (key === undefined) throw new Error(`no key is kept for ${address}`);
  return key;
}

/** For a bare gRPC client: every call carries the key. */
export const withKey =
  (key: string): Interceptor =>
  (options, next) =>
    new InterceptingCall(next(options), {
      start(metadata, listener, proceed) {
        metadata.set("authorization", `Bearer ${key}`);
        proceed(metadata, listener);
      },
    });
