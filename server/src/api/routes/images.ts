// Pictures that a run logged.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { imageData, imageList } from "../../storage/queries/images.ts";
import { type ApiDeps, readContext, requireRun } from "../deps.ts";
import { ProblemError } from "../problem.ts";
import { answers, problems, RunParameters } from "../route-parts.ts";
import { ImageInfo } from "../schema.ts";

const integer = (most: number) => z.coerce.number().int().min(0).max(most);

const listImages = createRoute({
  method: "get",
  path: "/projects/{project}/runs/{run}/images",
  summary: "Images of a run by name, of each name the newest first",
  request: {
    params: RunParameters,
    query: z.object({
      name: z.string().min(1).optional(),
      perName: z.coerce.number().int().min(1).max(1_000).default(100).openapi({ description: "Images of one name" }),
    }),
  },
  responses: answers(z.object({ images: z.array(ImageInfo) }), "At most 5 000 images"),
});

const getImage = createRoute({
  method: "get",
  path: "/projects/{project}/runs/{run}/images/data",
  summary: "One image, as it was logged",
  request: {
    params: RunParameters,
    query: z.object({ name: z.string().min(1), step: integer(2 ** 50), rank: integer(2 ** 32 - 1).default(0) }),
  },
  responses: {
    200: {
      description: "The encoded image",
      content: Object.fromEntries(
        ["image/png", "image/jpeg", "image/webp"].map((type) => [type, { schema: z.string().openapi({ format: "binary" }) }]),
      ),
    },
    ...problems,
  },
});

const imagesMax = 5_000;

export function imageRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(listImages, async (c) => {
    const { project, run: id } = c.req.valid("param");
    const { name, perName } = c.req.valid("query");
    const context = readContext(c, deps);
    const { run } = await requireRun(project, id, context);
    const rows = await context.store.read(
      imageList,
      { run, name: name ?? "", per_name: perName, limit: imagesMax },
      { signal: context.signal },
    );
    const images = rows.map(({ media_type, w, h, ...rest }) => ({ ...rest, mediaType: media_type, width: w, height: h }));
    return c.json({ images }, 200);
  });

  app.openapi(getImage, async (c) => {
    const { project, run: id } = c.req.valid("param");
    const { name, step, rank } = c.req.valid("query");
    const context = readContext(c, deps);
    const { run } = await requireRun(project, id, context);
    const [image] = await context.store.read(imageData, { run, name, step, rank }, { signal: context.signal });
    if (image === undefined) {
      throw new ProblemError(
        "not-found",
        `run ${JSON.stringify(id)} has no image ${JSON.stringify(name)} at step ${step} of rank ${rank}.`,
      );
    }
    // A later image of the same step has the same address.
    return c.body(Buffer.from(image.data_base64, "base64"), 200, { "content-type": image.media_type, "cache-control": "no-cache" });
  });
}
