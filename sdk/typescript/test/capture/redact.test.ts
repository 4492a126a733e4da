// What counts as a secret, and what must not: training is full of tokens that are none.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { REDACTED, redactArguments, redactText, redactValue } from "../../src/redact.ts";

describe("taken out", () => {
  test.each([
    ["password", "hunter2"],
    ["db.password", "x"],
    ["DB_PASSWD", "x"],
    ["apiKey", "abc"],
    ["api_key", "abc"],
    ["OPENAI-API-KEY", "abc"],
    ["aws_secret_access_key", "abc"],
    ["clientSecret", "abc"],
    ["private.key", "abc"],
    ["Authorization", "Digest abc"],
    ["hf_token", "abcdefghijklmnop"],
    ["token", "0123456789abcdef"],
    ["credentials", "/root/me.json"],
  ])("the value of %s", (name, value) => {
    expect(redactValue(name, value)).toBe(REDACTED);
  });

  test.each([
    ["git clone https://user:pa55@example.com/x.git", "git clone https://[redacted]@example.com/x.git"],
    ["https://ghp_abcdefghijklmnopqrst@github.com/a/b", "https://[redacted]@github.com/a/b"],
    ["key AKIAIOSFODNN7EXAMPLE used", "key [redacted] used"],
    ["Authorization: Bearer abc.def-ghi_123", "Authorization: Bearer [redacted]"],
    ["token=glpat-abcdefghijklmnopqrst end", "token=[redacted] end"],
    ['{"api_key": "0123456789"}', '{"api_key": "[redacted]"}'],
    ["export WANDB_API_KEY=0123456789abcdef", "export WANDB_API_KEY=[redacted]"],
    [`key gw_0123456789ab_${"0123456789abcdef".repeat(4)} and gwr_${"0123456789abcdef".repeat(4)}`, "key [redacted] and [redacted]"],
    ["jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc", "jwt [redacted]"],
    ["-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nafter", "[redacted]\nafter"],
    ["postgres://me:pw@host/db?sslmode=1", "postgres://[redacted]@host/db?sslmode=1"],
  ])("within %s", (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  test("arguments, in either form", () => {
    expect(redactArguments(["train", "--api-key", "abc", "--password=abc", "--lr", "0.1", "--token", "0123456789abcdef"])).toEqual([
      "train",
      "--api-key",
      REDACTED,
      `--password=${REDACTED}`,
      "--lr",
      "0.1",
      "--token",
      REDACTED,
    ]);
  });
});

describe("left alone", () => {
  test.each([
    ["max_tokens", "4096"],
    ["pad_token", "<pad>"],
    ["eos_token", "</s>"],
    ["tokenizer", "bert-base-uncased-with-a-long-name"],
    ["keyboard", "qwerty-keyboard-layout"],
    ["monkey", "business"],
    ["key", "step"],
    ["author", "somebody"],
    ["primary_key", "id"],
    ["sort-key", "created"],
    ["secretary", "me"],
    ["num_tokens_per_batch", "123456789012"],
  ])("%s", (name, value) => {
    expect(redactValue(name, value)).toBe(value);
  });

  test.each([
    "epoch 3 loss=0.25 acc=0.91 tokens/s=120000",
    "loading https://example.com/model.bin",
    "step 10: tokens=1024 pad_token=<pad>",
    "wrote checkpoint to /data/runs/sk-learn/model_10.pt",
    "lr-schedule: cosine; key: value",
    "[12:00:01] INFO foo.bar: done",
  ])("%s", (text) => {
    expect(redactText(text)).toBe(text);
  });
});

test("what was taken out once stays as it is", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("a", "-", "_", "=", ":", "/", "@", '"', " ", "key", "token", "eyJ", "."), maxLength: 3_000 }),
      (text) => {
        const once = redactText(text);
        expect(redactText(once)).toBe(once);
      },
    ),
    { numRuns: 200 },
  );
});
