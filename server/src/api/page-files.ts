// The page: files that vite built, read once into memory. Paths are looked up in a table of what was there, so no request
// can name another file. Any other path answers index.html: the page routes itself.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Handler } from "hono";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".map": "application/json",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

/** Where the web room builds to; the same for sources and build output. */
export const builtPage: string = fileURLToPath(new URL("../../page", import.meta.url));

interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Record<string, string>;
}

export function pageFiles(folder: string): Handler {
  const files = readAll(folder);
  const index = files.get("/index.html");
  return (c) => {
    // A run may be called "v1.5": below /projects/ nothing is a file.
    const isPage = extname(c.req.path) === "" || c.req.path.startsWith("/projects/");
    const file = files.get(c.req.path) ?? (isPage ? index : undefined);
    if (file !== undefined) return c.body(file.bytes, 200, file.headers);
    if (index === undefined) return c.text("The page is not built. Run: npm run build:page\n", 404);
    return c.text("There is no such file.\n", 404);
  };
}

function readAll(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    return files;
  }
  for (const name of names) {
    const file = join(folder, name);
    if (!statSync(file).isFile()) continue;
    const path = `/${relative(folder, file).split(sep).join("/")}`;
    files.set(path, {
      bytes: new Uint8Array(readFileSync(file)),
      headers: {
        "content-type": types[extname(name)] ?? "application/octet-stream",
        // Names under /assets/ carry a hash of their contents.
        "cache-control": path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
      },
    });
  }
  return files;
}
