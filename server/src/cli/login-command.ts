// `gradwatch login`: keeps a key for a server in a file of this user, where the SDK and the command line find it by the server's
// address. The key comes from stdin or a prompt, never from an argument: those are in every list of processes.

import { text } from "node:stream/consumers";
import { Command, Option } from "commander";
import { keyFile, keyFolder, writeKey } from "@gradwatch/proto";
import { read } from "read";
import { Me } from "../api/schema.ts";
import { addressOf, callApi, CommandError, defaultUrl, parseUrl } from "./call-api.ts";

interface LoginOptions {
  readonly url: string;
  readonly grpc?: string;
}

export function loginCommand(): Command {
  return new Command("login")
    .description("keep an API key for a server: read from stdin, or asked for")
    .addOption(new Option("--url <url>", "address of the server's page").default(defaultUrl(process.env)))
    .option("--grpc <host:port>", "where training processes send to, if a proxy gives it another address")
    .action(login);
}

async function login({ url: given, grpc }: LoginOptions): Promise<void> {
  const url = parseUrl(given);
  const key = (process.stdin.isTTY ? await ask(url) : await text(process.stdin)).trim();
  if (key === "") throw new CommandError("no key was given. Pipe it in, or type it when asked.");
  const me = await callApi({ url, key }, "GET", "/me", Me);
  const folder = keyFolder(process.env);
  const addresses = [addressOf(url), grpc ?? `${url.hostname}:${me.grpcPort}`];
  for (const address of addresses) writeKey(folder, address, key);
  process.stdout.write(
    `key ${me.key} of ${me.owner} (${me.scopes.join(", ")}; projects ${me.projects.join(", ")}) is kept for\n` +
      addresses.map((address) => `  ${address}  ${keyFile(folder, address)}\n`).join(""),
  );
}

const ask = (url: URL): Promise<string> => read({ prompt: `API key for ${url.origin}: `, silent: true, replace: "*" });
