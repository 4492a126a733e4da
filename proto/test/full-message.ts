// Messages with every field set, each to a value of its own that follows from the schema alone: what golden vectors are
// made of. A oneof can hold one field, so a message with one is given several times, once a case.

import { create, type DescEnum, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";

/** Nested deeper, messages stay empty: none of ours is. */
const DEPTH_MAX = 6;

export interface NamedMessage {
  readonly name: string;
  readonly schema: DescMessage;
  readonly message: Message;
}

export function fullMessages(schema: DescMessage): NamedMessage[] {
  const cases = Math.max(1, ...schema.oneofs.map(({ fields }) => fields.length));
  return Array.from({ length: cases }, (_, choice) => {
    const chosen = schema.oneofs.map(({ name, fields }) => `${name}=${fields[choice % fields.length]?.name}`);
    const name = chosen.length === 0 ? schema.typeName : `${schema.typeName} with ${chosen.join(", ")}`;
    return { name, schema, message: fullMessage(schema, choice, 0) };
  });
}

function fullMessage(schema: DescMessage, choice: number, depth: number): Message {
  if (depth > DEPTH_MAX) return create(schema);
  const values: Record<string, unknown> = {};
  for (const member of schema.members) {
    if (member.kind === "oneof") {
      const field = member.fields[choice % member.fields.length] as DescField;
      values[member.localName] = { case: field.localName, value: fullValue(field, choice, depth) };
    } else {
      values[member.localName] = fullValue(member, choice, depth);
    }
  }
  return create(schema, values);
}

function fullValue(field: DescField, choice: number, depth: number): unknown {
  switch (field.fieldKind) {
    case "scalar":
      return scalarValue(field.scalar, field.name, field.number);
    case "enum":
      return enumValue(field.enum, field.number);
    case "message":
      return fullMessage(field.message, choice, depth + 1);
    case "list":
      return [0, 1].map((i) => {
        if (field.listKind === "scalar") return scalarValue(field.scalar, `${field.name} ${i}`, field.number + i);
        return field.listKind === "enum" ? enumValue(field.enum, field.number + i) : fullMessage(field.message, choice + i, depth + 1);
      });
    case "map":
      // One entry: several may be written in any order.
      if (field.mapKind !== "scalar")
        throw new Error(`${field.parent.typeName}.${field.name} maps to ${field.mapKind}; say here how to fill it`);
      return { [field.name]: scalarValue(field.scalar, `${field.name} value`, field.number) };
  }
}

/** Not 0: proto3 does not send it. */
const enumValue = ({ values }: DescEnum, seed: number): number => (values[1 + (seed % (values.length - 1))] ?? { number: 1 }).number;

function scalarValue(type: ScalarType, text: string, number: number): unknown {
  switch (type) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BYTES:
      return Uint8Array.of(number, 0, 255);
    case ScalarType.BOOL:
      return true;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return number + 0.5;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return -BigInt(number) * 1_000_000_007n;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return BigInt(number) * 1_000_000_007n;
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return -number;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return number;
  }
}
