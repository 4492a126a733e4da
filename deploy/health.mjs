// Whether the server in this container takes data. It may speak TLS with a certificate for another name: nothing secret is asked or told here.

import { get as getPlain } from "node:http";
import { get as getTls } from "node:https";

const port = process.env["GRADWATCH_HTTP_PORT"] || "7070";
const options = { host: "127.0.0.1", port, path: "/readyz", rejectUnauthorized: false, timeout: 4_000 };
const get = process.env["GRADWATCH_TLS_CERT"] ? getTls : getPlain;
get(options, (response) => process.exit(response.statusCode === 200 ? 0 : 1))
  .on("timeout", () => process.exit(1))
  .on("error", () => process.exit(1));
