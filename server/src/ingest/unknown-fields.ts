// What a newer client says and this server does not know: ignored, but counted and told.

import type { Message } from "@bufbuild/protobuf";

/** Fields that were not known when the message was read, in it and in the messages within. */
export function unknownFields(message: Message): number {
  let count = message.$unknown?.length ?? 0;
  for (const value of Object.values(message) as unknown[]) {
    if (Array.isArray(value)) for (const item of value) count += isMessage(item) ? unknownFields(item) : 0;
    // A oneof: { case, value }.
    else if (isMessage(value)) count += unknownFields(value);
    else if (typeof value === "object" && value !== null && "value" in value && isMessage(value.value)) count += unknownFields(value.value);
  }
  return count;
}

const isMessage = (value: unknown): value is Message => typeof value === "object" && value !== null && "$typeName" in value;
