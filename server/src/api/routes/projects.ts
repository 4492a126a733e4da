// GET /projects.

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { firingByProject } from "../../storage/queries/incidents.ts";
import { livelyRuns, projectList } from "../../storage/queries/runs.ts";
import { type ApiDeps, readContext } from "../deps.ts";
import { listedKinds } from "../fold-run.ts";
import { answers } from "../route-parts.ts";
import { foldRuns } from "../run-reader.ts";
import { Project } from "../schema.ts";

const listProjects = createRoute({
  method: "get",
  path: "/projects",
  summary: "Projects, the ones with the latest sign of life first",
  responses: answers(z.object({ projects: z.array(Project) }), "All projects"),
});

export function projectRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(listProjects, async (c) => {
    const context = readContext(c, deps);
    const { store, tenant, signal } = context;
    const [rows, firing, lively] = await Promise.all([
      store.read(projectList, { tenant }, { signal }),
      store.read(firingByProject, { tenant }, { signal }),
      store.read(livelyRuns, { after_ms: context.nowMs - context.silenceMs, tenant }, { signal }),
    ]);
    const running = (await foldRuns(lively, listedKinds, context)).filter(({ folded }) => folded.state === "running");
    const projects = rows.map(({ project, runs, updated_ms }) => ({
      name: project,
      runs,
      running: running.filter((run) => run.project === project).length,
      firing: firing.find((row) => row.project === project)?.firing ?? 0,
      updatedAt: updated_ms,
    }));
    return c.json({ projects }, 200);
  });
}
